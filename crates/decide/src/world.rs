//! Everything a gate knows, indexed for the one question it is asked.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aeolus_keys::KeyRing;
use aeolus_model::{
    AirflowRole, ConnectionId, DeploymentId, Grants, OrganizationId, Resource, Staleness, Subject,
    WorkspaceId, domain_above,
};
use aeolus_snapshot::{Revision, Sections, Snapshot, section};

use crate::by_id::{ById, Ids};
use crate::class::RuleSet;
use crate::path::Target;
use crate::people::People;
use crate::provider::Providers;
use crate::rails::Rails;
use crate::revocations::Revoked;
use crate::rollout::{Course, Flag};
use crate::seat::Seat;
use crate::{Reason, load};

/// An immutable view of one verified snapshot. Swapped as a whole, never changed. What grows with a fleet is
/// shared with the world before it where only revocations and a few people are newer.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub(crate) hosts: Arc<Places>,
    /// Places at every host one label below a domain, by the domain.
    pub(crate) wildcards: Arc<Places>,
    pub(crate) deployments: Arc<ById<DeploymentId, Arc<Deployment>>>,
    pub(crate) refused: Arc<[RefusedDeployment]>,
    pub(crate) people: People,
    pub(crate) ring: KeyRing,
    pub(crate) issuer: String,
    pub(crate) connections: Ids<ConnectionId>,
    pub(crate) providers: Arc<Providers>,
    pub(crate) flags: Vec<Arc<Flag>>,
    pub(crate) revocations: Arc<ById<OrganizationId, Revoked>>,
    /// The most that anybody is in an Airflow, where the plane says so.
    pub(crate) highest_role: Option<AirflowRole>,
}

/// What is served where.
pub(crate) type Places = HashMap<Box<str>, Vec<Place>>;

/// One deployment as the gate serves it.
#[derive(Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its place in the tree, for logs and pages.
    pub name: String,
    /// Where the built-in proxy forwards to; none where another proxy does.
    pub upstream: Option<String>,
    /// Its path classes, shared by all deployments with equal ones.
    pub rules: Arc<RuleSet>,
    /// What to do when knowledge is old.
    pub staleness: Staleness,
    /// Whether people need a second factor: asked of what control did not let in itself.
    pub second_factor: bool,
    /// The hosts it answers at, wildcards among them.
    pub hosts: Vec<String>,
    /// Which path its requests take, where a flag is about it.
    pub course: Option<Course>,
    /// For what a gate keeps at hand about it.
    pub seat: Seat,
}

impl Deployment {
    /// The resources from here up to the organization: a grant on any of them reaches here.
    pub fn resources(&self) -> [Resource; 3] {
        [
            Resource::Deployment(self.id),
            Resource::Workspace(self.workspace),
            Resource::Organization(self.organization),
        ]
    }

    /// The audience of access tokens and Airflow tokens for this deployment.
    pub fn audience(&self) -> String {
        format!("urn:aeolus:deployment:{}", self.id)
    }
}

/// A record that this version can't serve safely. The host answers 503; the rest goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedDeployment {
    /// The id's bytes in hexadecimal, whether they make an id or not.
    pub id: String,
    /// Its name, if it has one.
    pub name: String,
    /// What is wrong, for the operator.
    pub why: &'static str,
}

/// How a host came to be served. Cookies that were sealed for the one are never opened for the other:
/// another organization may have had the host by its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site<'a> {
    /// By its own name.
    Named(&'a str),
    /// As one of a wildcard's.
    Wildcard(&'a str),
}

impl<'a> Site<'a> {
    /// The host that is asked.
    pub const fn host(self) -> &'a str {
        match self {
            Self::Named(host) | Self::Wildcard(host) => host,
        }
    }
}

/// A deployment below a path prefix of a host.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) prefix: Box<str>,
    /// Which of the deployment's hosts this is.
    pub(crate) host: usize,
    /// Whether that is a wildcard.
    pub(crate) wildcard: bool,
    /// None where the record was refused.
    pub(crate) deployment: Option<Arc<Deployment>>,
}

/// A person or program with some permission on this plane.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// E-mail address; empty for a token.
    pub email: Arc<str>,
    /// Display name.
    pub name: Arc<str>,
    /// Slugs of the teams, sorted.
    pub teams: Arc<[Arc<str>]>,
    /// Own grants and those of the teams.
    pub grants: Grants,
    /// A digest of e-mail, name and teams: what is made from them can be kept under it.
    pub fingerprint: u128,
}

impl World {
    /// Indexes a verified snapshot. Never fails: what can't be understood is left out, which
    /// takes something away and never gives anything.
    pub fn from_snapshot(snapshot: &Snapshot) -> Self {
        Self::from_sections(snapshot.sections(), snapshot.missing_revocations())
    }

    /// The same with what lies outside a plane's own bounds left out.
    pub fn bounded(snapshot: &Snapshot, rails: &Rails) -> Self {
        Self::within(snapshot.sections(), snapshot.missing_revocations(), rails)
    }

    /// The same records, with the news of a newer manifest that names no other ones.
    #[must_use]
    pub fn revised(&self, revision: &Revision) -> Self {
        self.with(revision.revocations(), revision.changes())
    }

    pub(crate) fn with(
        &self,
        revoked: &BTreeMap<OrganizationId, section::Revocations>,
        changes: &section::Changes,
    ) -> Self {
        Self {
            people: self.people.with(changes),
            revocations: load::revocations(revoked, &BTreeSet::new()),
            ..self.clone()
        }
    }

    /// Sections, within a plane's own bounds.
    pub(crate) fn within(
        sections: &Sections,
        missing: &BTreeSet<OrganizationId>,
        rails: &Rails,
    ) -> Self {
        load::world(sections, missing, Some(rails))
    }

    /// Indexes sections that the caller has reason to believe: control's own, or a test's.
    pub fn from_sections(sections: &Sections, missing: &BTreeSet<OrganizationId>) -> Self {
        load::world(sections, missing, None)
    }

    /// The deployments that are served.
    pub fn deployments(&self) -> impl ExactSizeIterator<Item = &Arc<Deployment>> {
        self.deployments.values()
    }

    /// A deployment by its id.
    pub fn deployment(&self, id: DeploymentId) -> Option<&Arc<Deployment>> {
        self.deployments.get(&id)
    }

    /// The flags in force, in the order in which they hold.
    pub fn flags(&self) -> &[Arc<Flag>] {
        &self.flags
    }

    /// Which records were left out, and why.
    pub fn refused(&self) -> &[RefusedDeployment] {
        &self.refused
    }

    /// Somebody with a permission on this plane.
    pub fn person(&self, subject: Subject) -> Option<&Arc<Person>> {
        self.people.get(&subject)
    }

    /// Everybody with a permission on this plane.
    pub fn people(&self) -> impl Iterator<Item = (Subject, &Arc<Person>)> {
        self.people.iter()
    }

    /// The connections that sessions may have come through.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.connections.iter().copied()
    }

    /// The issuer of every token these keys sign.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The keys tokens are verified with.
    pub fn keys(&self) -> &KeyRing {
        &self.ring
    }

    /// Everything at a host (canonical form). Its own name shuts out the wildcard as a whole: where
    /// nobody there answers a path, nobody does.
    fn places<'h>(&self, host: &'h str) -> Option<(Site<'h>, &[Place])> {
        if let Some(places) = self.hosts.get(host) {
            return Some((Site::Named(host), places));
        }
        let places = self.wildcards.get(domain_above(host)?)?;
        Some((Site::Wildcard(host), places))
    }

    /// How a host (canonical form) is served, if it is.
    pub fn site<'h>(&self, host: &'h str) -> Option<Site<'h>> {
        self.places(host).map(|(site, _)| site)
    }

    /// The deployment that serves a target on a host (canonical form), and the place it lives at. Both readings of the path must lead to the same one.
    pub(crate) fn route(
        &self,
        host: &str,
        target: &Target<'_>,
    ) -> Result<(&Arc<Deployment>, &Place), Reason> {
        let (_, places) = self.places(host).ok_or(Reason::HostUnknown)?;
        let find = |path: &str| {
            places.iter().find(|place| {
                path.strip_prefix(&*place.prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let raw = find(target.raw);
        let decoded = if target.has_one_reading() {
            raw
        } else {
            find(&target.decoded)
        };
        match (raw, decoded) {
            (None, None) => Err(Reason::HostUnknown),
            (Some(raw), Some(decoded)) if std::ptr::eq(raw, decoded) => {
                let served = raw.deployment.as_ref();
                let deployment = served.ok_or(Reason::DeploymentNotUnderstood)?;
                Ok((deployment, raw))
            }
            _ => Err(Reason::TargetReadingsDiffer),
        }
    }

    /// The deployment at a host and path, for pages that are about it (sign-in, sign-out).
    pub fn deployment_at(&self, host: &str, path: &str) -> Option<&Arc<Deployment>> {
        let target = Target::parse(path.as_bytes()).ok()?;
        self.route(host, &target).ok().map(|(found, _)| found)
    }

    /// A host and path prefix (empty for a whole host) at which a deployment answers. Of a wildcard's
    /// hosts it is one that nobody has by name.
    pub fn address<'a>(&'a self, deployment: &'a Deployment) -> Option<(Cow<'a, str>, &'a str)> {
        let places = deployment.hosts.iter().filter_map(|pattern| {
            let (host, all) = match pattern.strip_prefix("*.") {
                None => (Cow::from(pattern), self.hosts.get(pattern.as_str())?),
                Some(domain) => {
                    let mut some = (0..).map(|number: u32| format!("aeolus-{number}.{domain}"));
                    let free = some.find(|host| !self.hosts.contains_key(host.as_str()))?;
                    (Cow::from(free), self.wildcards.get(domain)?)
                }
            };
            Some((host, all))
        });
        let mut places =
            places.flat_map(|(host, all)| all.iter().map(move |place| (host.clone(), place)));
        places.find_map(|(host, place)| {
            let served = place.deployment.as_ref()?;
            (served.id == deployment.id).then_some((host, &*place.prefix))
        })
    }

    /// Any deployment of a host: cookies belong to the host, and all of one host's deployments
    /// belong to one organization.
    pub fn any_deployment_of(&self, host: &str) -> Option<&Arc<Deployment>> {
        let (_, places) = self.places(host)?;
        places.iter().find_map(|place| place.deployment.as_ref())
    }

    /// How old knowledge may be for every deployment of a host (canonical form): they share a session.
    pub fn max_stale_at(&self, host: &str) -> Option<Duration> {
        let (_, places) = self.places(host)?;
        let served = places.iter().filter_map(|place| place.deployment.as_ref());
        served.map(|deployment| deployment.staleness.max()).min()
    }

    /// The revocations of an organization; none means they are missing and it is denied.
    pub(crate) fn revoked(&self, organization: OrganizationId) -> Option<&Revoked> {
        self.revocations.get(&organization)
    }
}

/// Without news for longer than this control counts as away: two polls of 30 s without an answer.
pub const AWAY: Duration = Duration::from_secs(60);

/// How old a gate's knowledge is. Without a figure (the clock can't be trusted) it counts as past
/// every deployment's `maxStale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Gate time minus the latest signed time.
    pub age: Option<Duration>,
}

impl Freshness {
    /// The age to judge by under a rule.
    pub(crate) fn under(self, rule: Staleness) -> Duration {
        self.age
            .unwrap_or_else(|| rule.max().saturating_add(Duration::from_millis(1)))
    }
}
