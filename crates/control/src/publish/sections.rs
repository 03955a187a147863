//! What a plane has to know, read from one consistent view.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::{OrganizationId, PlaneId, Subject, TeamId, Time, UserId, WorkspaceId};
use aeolus_snapshot::Sections;
use aeolus_snapshot::section::{
    self, Connections, Deployments, GrantList, Keys, Rollouts, Subjects,
};
use aeolus_store::{Deployment, Read, StoreError, Unit as _};

use super::records;
use crate::app::App;
use crate::connections::{Providers, Settings};
use crate::policy::Told;
use crate::{keys, policy, rollout};

/// Reads the revocations of organizations that there are.
pub(super) async fn revocations(
    view: &mut Read,
    organizations: impl IntoIterator<Item = OrganizationId>,
    now: Time,
) -> Result<BTreeMap<OrganizationId, section::Revocations>, StoreError> {
    let mut revocations = BTreeMap::new();
    let lost = crate::restore::lost(view).await?;
    for organization in organizations {
        let list = view.revocations().of(organization).await?;
        let ended = view.sessions().ended(organization, now).await?;
        if let Some(list) = list {
            let list = section::Revocations {
                lost: lost.clone(),
                ..records::revocations(list, &ended)
            };
            revocations.insert(organization, list);
        }
    }
    Ok(revocations)
}

/// Reads a plane's sections: its deployments, and of everything else only what reaches one of them.
pub(crate) async fn of(app: &App, view: &mut Read, plane: PlaneId) -> Result<Sections, StoreError> {
    let now = app.clock.now();
    let deployments = view.deployments().on_plane(plane).await?;
    let grants = view.grants().reaching(plane).await?;
    let built_ins = app.built_ins.in_force(view).await?.roles;
    let users = view.users().reaching(plane).await?;
    let tokens = view.tokens().reaching(plane, now).await?;
    let teams = view.teams().on_plane(plane).await?;
    let mut memberships: BTreeMap<UserId, Vec<TeamId>> = BTreeMap::new();
    for member in view.teams().members_on_plane(plane).await? {
        memberships
            .entry(member.user)
            .or_default()
            .push(member.team);
    }
    let places = places(view, &deployments).await?;
    let record_of = |deployment: &Deployment| {
        let place = places.get(&deployment.workspace)?;
        Some(records::deployment(deployment, &place.name, &place.told))
    };
    let connections = view.connections().list().await?;
    let held = view.provider_keys().list().await?;
    let record = view.planes().get(plane).await?;
    let record = record.ok_or_else(|| StoreError::Corrupt(format!("there is no plane {plane}")))?;
    let salted = (&app.identity_salt, &record);
    let providers = Providers::of(&connections, &held, salted, (app.session, now));
    let mut identities = providers.identities(&view.identities().reaching(plane).await?);
    let organizations: BTreeSet<_> = deployments.iter().map(|d| d.organization).collect();
    let revocations = revocations(view, organizations, now).await?;
    let rollouts = rollout::of_plane(view, &record.name).await?;
    let granted: BTreeSet<Subject> = grants.iter().map(|g| g.grant.subject).collect();
    let people = users.iter().map(|user| section::Subject {
        identities: identities.remove(&user.id).unwrap_or_default(),
        ..records::person(user, memberships.get(&user.id))
    });
    let programs = tokens
        .iter()
        .filter(|token| granted.contains(&Subject::Token(token.id)))
        .map(records::program);
    let all_keys = view.keys().list().await?;
    let certificates = app.keys.certificates(&all_keys, &app.issuer);
    let keys = keys::published(all_keys);
    Ok(Sections {
        deployments: Deployments {
            deployments: deployments.iter().filter_map(record_of).collect(),
        },
        subjects: Subjects {
            subjects: people.chain(programs).collect(),
            teams: teams.iter().map(records::team).collect(),
        },
        grants: GrantList {
            grants: records::grants(&grants, &built_ins),
        },
        keys: Keys {
            issuer: app.issuer.clone(),
            keys,
        },
        connections: Connections {
            // What has left the configuration opens nothing, also to those who came through it.
            connections: connections
                .iter()
                .filter(|row| Settings::of(row).is_none_or(|settings| !settings.absent))
                .map(|connection| section::Connection {
                    session_tokens: providers.terms(connection.id),
                    plane_registration: providers.registration(connection.id),
                    ..records::connection(connection)
                })
                .collect(),
            identity_salt: providers.salt(),
            auth_host: record
                .auth_host
                .filter(|_| providers.sign_in())
                .map_or_else(String::new, |host| host.to_string()),
        },
        rollouts: Rollouts { rollouts },
        certificates,
        changes: section::Changes::default(),
        revocations,
    })
}

/// Where a deployment is.
struct Place {
    /// `organization/workspace`.
    name: String,
    /// What gates are told of its organization's policy.
    told: Told,
}

/// Every workspace that some deployments are in.
async fn places(
    view: &mut Read,
    deployments: &[Deployment],
) -> Result<BTreeMap<WorkspaceId, Place>, StoreError> {
    let mut organizations = BTreeMap::new();
    let mut places = BTreeMap::new();
    for deployment in deployments {
        if let Entry::Vacant(unknown) = organizations.entry(deployment.organization) {
            let record = view.organizations().get(deployment.organization).await?;
            let record = record.ok_or_else(|| missing("organization", deployment))?;
            let told = policy::told_of(&record)?;
            unknown.insert((record.name.to_string(), told));
        }
        if let Entry::Vacant(unknown) = places.entry(deployment.workspace) {
            let record = view.workspaces().get(deployment.workspace).await?;
            let record = record.ok_or_else(|| missing("workspace", deployment))?;
            let outer = organizations.get(&deployment.organization);
            let (outer, told) = outer.cloned().unwrap_or_default();
            unknown.insert(Place {
                name: format!("{outer}/{}", record.name),
                told,
            });
        }
    }
    Ok(places)
}

fn missing(what: &str, deployment: &Deployment) -> StoreError {
    StoreError::Corrupt(format!("deployment {} is in no {what}", deployment.id))
}
