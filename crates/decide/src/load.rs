//! From the sections of a snapshot to the indexes of a world.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aeolus_keys::{KeyRing, Kind, PublicKey};
use aeolus_model::{
    ConnectionId, DeploymentId, HostPattern, Method, OrganizationId, PathPattern, PathPrefix,
    PathRule, Profile, Requirement, Resource, Staleness, StalenessPolicy, Subject, TeamId, TokenId,
    UserId, WorkspaceId,
};
use aeolus_snapshot::{Sections, section};

use crate::by_id::{ById, Ids};
use crate::class::RuleSet;
use crate::people::People;
use crate::provider::Providers;
use crate::rails::Rails;
use crate::revocations::Revoked;
use crate::rollout::{self, Flag};
use crate::seat::Seat;
use crate::world::{Deployment, Place, Places, RefusedDeployment, World};

/// Said of both.
const SHARED: &str = "one of its addresses is not its alone";

pub(crate) fn world(
    sections: &Sections,
    missing: &BTreeSet<OrganizationId>,
    rails: Option<&Rails>,
) -> World {
    let flags = rollout::load(&sections.rollouts);
    let served = Served::of(&sections.deployments, &flags, rails);
    let providers = Providers::load(sections);
    let people = People::load(&sections.subjects, &sections.grants, !providers.is_empty());
    World {
        hosts: Arc::new(served.hosts),
        wildcards: Arc::new(served.wildcards),
        deployments: Arc::new(served.deployments),
        refused: served.refused.into(),
        people: people.with(&sections.changes),
        ring: ring(&sections.keys),
        issuer: sections.keys.issuer.clone(),
        connections: connections(&sections.connections),
        providers: Arc::new(providers),
        revocations: revocations(&sections.revocations, missing),
        flags,
        highest_role: rails.map(|rails| rails.highest_role),
    }
}

pub(crate) fn revocations(
    sections: &BTreeMap<OrganizationId, section::Revocations>,
    missing: &BTreeSet<OrganizationId>,
) -> Arc<ById<OrganizationId, Revoked>> {
    let known = sections.iter().filter(|(id, _)| !missing.contains(id));
    let loaded = known.filter_map(|(id, section)| Some((*id, Revoked::load(section)?)));
    Arc::new(loaded.collect())
}

/// What is served where, and what isn't.
#[derive(Default)]
struct Served {
    hosts: Places,
    wildcards: Places,
    deployments: ById<DeploymentId, Arc<Deployment>>,
    refused: Vec<RefusedDeployment>,
}

impl Served {
    fn of(section: &section::Deployments, flags: &[Arc<Flag>], rails: Option<&Rails>) -> Self {
        let mut all = Self::default();
        let mut interned: HashSet<Arc<RuleSet>> = HashSet::new();
        for record in &section.deployments {
            let within = |deployment| {
                rails
                    .map_or(Ok(()), |rails| rails.check(&deployment))
                    .map(|()| deployment)
            };
            let made = deployment(record, &mut interned, flags);
            let served = match made.and_then(within) {
                Ok(deployment) => Some(Arc::new(deployment)),
                Err(why) => {
                    all.refused.push(refusal(record, why));
                    None
                }
            };
            if let Some(deployment) = &served {
                all.deployments
                    .insert(deployment.id, Arc::clone(deployment));
            }
            all.place(record, served.as_ref());
        }
        for places in all.hosts.values_mut().chain(all.wildcards.values_mut()) {
            places.sort_by_key(|place| std::cmp::Reverse(place.prefix.len()));
        }
        all
    }

    /// Puts a deployment at its addresses; none: its record was refused.
    fn place(&mut self, record: &section::Deployment, served: Option<&Arc<Deployment>>) {
        for (number, route) in record.routes.iter().enumerate() {
            let Ok(host) = HostPattern::parse(&route.host) else {
                continue;
            };
            let wildcard = host.domain().is_some();
            let (hosts, host) = match host.domain() {
                Some(domain) => (&mut self.wildcards, domain),
                None => (&mut self.hosts, host.as_str()),
            };
            let places = hosts.entry(host.into()).or_default();
            if let Some(taken) = places.iter_mut().find(|p| *p.prefix == *route.path_prefix) {
                // Two deployments at one address: which one is meant is anybody's guess.
                if let Some(first) = taken.deployment.take()
                    && first.id.as_bytes() != record.id.as_slice()
                {
                    self.refused.push(RefusedDeployment {
                        id: hex(first.id.as_bytes()),
                        name: first.name.clone(),
                        why: SHARED,
                    });
                }
                self.refused.push(refusal(record, SHARED));
                continue;
            }
            places.push(Place {
                prefix: route.path_prefix.as_str().into(),
                host: number,
                wildcard,
                deployment: served.cloned(),
            });
        }
    }
}

fn refusal(record: &section::Deployment, why: &'static str) -> RefusedDeployment {
    RefusedDeployment {
        id: hex(&record.id),
        name: record.name.clone(),
        why,
    }
}

fn deployment(
    record: &section::Deployment,
    interned: &mut HashSet<Arc<RuleSet>>,
    flags: &[Arc<Flag>],
) -> Result<Deployment, &'static str> {
    let mut hosts = Vec::with_capacity(record.routes.len());
    for route in &record.routes {
        let host = HostPattern::parse(&route.host).map_err(|_| "a host is no host name")?;
        if !route.path_prefix.is_empty() {
            PathPrefix::parse(&route.path_prefix).map_err(|_| "a path prefix is malformed")?;
        }
        hosts.push(host.as_str().to_owned());
    }
    let rules = rule_set(record)?;
    let rules = if let Some(shared) = interned.get(&rules) {
        Arc::clone(shared)
    } else {
        let shared = Arc::new(rules);
        interned.insert(Arc::clone(&shared));
        shared
    };
    let id = DeploymentId::from_slice(&record.id).map_err(|_| "its id is malformed")?;
    Ok(Deployment {
        id,
        organization: OrganizationId::from_slice(&record.organization)
            .map_err(|_| "its organization is malformed")?,
        workspace: WorkspaceId::from_slice(&record.workspace)
            .map_err(|_| "its workspace is malformed")?,
        name: record.name.clone(),
        upstream: (!record.upstream.is_empty()).then(|| record.upstream.clone()),
        rules,
        staleness: staleness(record)?,
        second_factor: record.second_factor,
        hosts,
        course: rollout::course(flags, id, &record.name),
        seat: Seat::default(),
    })
}

fn staleness(record: &section::Deployment) -> Result<Staleness, &'static str> {
    let then = match section::StalePolicy::try_from(record.stale_then) {
        Ok(section::StalePolicy::ServeUntilExp) => StalenessPolicy::ServeUntilExp,
        Ok(section::StalePolicy::ReadOnly) => StalenessPolicy::ReadOnly,
        Ok(section::StalePolicy::StaticAllow) => StalenessPolicy::StaticAllow,
        Ok(section::StalePolicy::Deny | section::StalePolicy::Unspecified) | Err(_) => {
            StalenessPolicy::Deny
        }
    };
    let max = Duration::from_secs(record.max_stale);
    let hard = Duration::from_secs(record.hard_stale);
    Staleness::new(max, hard, then).map_err(|_| "its staleness bounds are out of range")
}

fn rule_set(record: &section::Deployment) -> Result<RuleSet, &'static str> {
    let profile = match section::Profile::try_from(record.profile) {
        Ok(section::Profile::Airflow3) => Profile::Airflow3,
        Ok(section::Profile::Airflow2) => Profile::Airflow2,
        Ok(section::Profile::Custom) => Profile::Custom,
        Ok(section::Profile::Unspecified) | Err(_) => return Err("its profile is unknown"),
    };
    let blocks = |texts: &[String]| {
        let blocks: Result<_, _> = texts.iter().map(|text| text.parse()).collect();
        blocks.map_err(|_| "a block of addresses is malformed")
    };
    Ok(RuleSet {
        profile,
        rules: record.rules.iter().map(rule).collect::<Result<_, _>>()?,
        task_execution: blocks(&record.task_execution_from)?,
        networks: blocks(&record.networks)?,
    })
}

fn rule(record: &section::PathRule) -> Result<PathRule, &'static str> {
    let methods = record.methods.iter().map(|m| Method::parse(m.as_bytes()));
    Ok(PathRule {
        path: PathPattern::parse(&record.path).map_err(|_| "a rule's path is malformed")?,
        methods: methods
            .collect::<Option<_>>()
            .ok_or("a rule's method is unknown")?,
        require: Requirement::try_from(record.require.clone())
            .map_err(|_| "a rule's requirement is unknown")?,
    })
}

pub(crate) fn subject(kind: i32, id: &[u8]) -> Option<Subject> {
    match section::SubjectKind::try_from(kind).ok()? {
        section::SubjectKind::Unspecified => None,
        section::SubjectKind::User => UserId::from_slice(id).ok().map(Subject::User),
        section::SubjectKind::Token => TokenId::from_slice(id).ok().map(Subject::Token),
        section::SubjectKind::Team => TeamId::from_slice(id).ok().map(Subject::Team),
    }
}

pub(crate) fn resource(kind: i32, id: &[u8]) -> Option<Resource> {
    match section::ResourceKind::try_from(kind).ok()? {
        section::ResourceKind::Unspecified => None,
        section::ResourceKind::System => id.is_empty().then_some(Resource::System),
        section::ResourceKind::Organization => OrganizationId::from_slice(id)
            .ok()
            .map(Resource::Organization),
        section::ResourceKind::Workspace => {
            WorkspaceId::from_slice(id).ok().map(Resource::Workspace)
        }
        section::ResourceKind::Deployment => {
            DeploymentId::from_slice(id).ok().map(Resource::Deployment)
        }
    }
}

fn ring(section: &section::Keys) -> KeyRing {
    let mut ring = KeyRing::default();
    for record in &section.keys {
        // A kind of a later version, or a key that is too weak: tokens it signed are refused.
        if let (Some(kind), Ok(key)) = (
            Kind::parse(&record.kind),
            PublicKey::from_jwk_json(&record.jwk),
        ) {
            let _ = ring.insert(kind, key);
        }
    }
    ring
}

fn connections(section: &section::Connections) -> Ids<ConnectionId> {
    let ids = section.connections.iter();
    ids.filter_map(|c| ConnectionId::from_slice(&c.id).ok())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes.iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use aeolus_snapshot::section::Changes;

    use super::*;
    use crate::Reason;
    use crate::fixture::{ACME, Fleet, NOW};

    #[test]
    fn f18_newer_revocations_share_everything_else() {
        let mut fleet = Fleet::new();
        let world = fleet.world();
        fleet.revocations().status[0] = 1 << 5;
        let revised = world.with(&fleet.sections.revocations, &Changes::default());
        assert!(world.people.shares(&revised.people));
        assert!(Arc::ptr_eq(&world.hosts, &revised.hosts));
        let of = |world: &World| world.revoked(ACME).unwrap().check_index(5, NOW);
        assert_eq!(of(&world), Ok(()));
        assert_eq!(of(&revised), Err(Reason::TokenRevoked));
    }
}
