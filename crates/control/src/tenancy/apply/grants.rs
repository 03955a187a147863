//! Grants of a document.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_api::fleet::{Grant as Wanted, Grantee};
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{
    Email, Grant, GrantId, GrantedRole, OrganizationId, Permission, Resource, RoleName, Slug,
    Subject, TeamId, UserId,
};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _};

use super::Run;
use crate::authority::path_within;
use crate::error::ApiError;
use crate::policy;
use crate::tenancy::roles;

/// The people and teams of an organization, by the names the document uses.
pub(super) struct Held {
    pub(super) people: BTreeMap<Email, UserId>,
    pub(super) teams: BTreeMap<Slug, TeamId>,
}

impl Held {
    /// A document's grants with ids for names. What the check let through resolves.
    pub(super) fn resolve(&self, grants: &[Wanted]) -> Vec<(Subject, RoleName)> {
        grants
            .iter()
            .filter_map(|grant| {
                let subject = match grant.grantee()? {
                    Grantee::User(email) => Subject::User(*self.people.get(email)?),
                    Grantee::Team(name) => Subject::Team(*self.teams.get(name)?),
                };
                Some((subject, grant.role.clone()))
            })
            .collect()
    }
}

impl Run<'_> {
    /// Makes the grants of one resource those of the document. A subject whose role changed has
    /// the old one no longer: that is an update, not a deletion.
    pub(super) async fn grants(
        &mut self,
        (organization, resource): (OrganizationId, Resource),
        path: &str,
        wanted: Vec<(Subject, RoleName)>,
    ) -> Result<(), ApiError> {
        let wanted = self.granted((organization, resource), path, wanted).await?;
        let held = self.write.grants().on(resource).await?;
        let named: BTreeSet<Subject> = wanted.iter().map(|(subject, _)| *subject).collect();
        let mut replaced = BTreeSet::new();
        for record in &held {
            let same = |(subject, role): &(Subject, GrantedRole)| {
                *subject == record.grant.subject && role.is(&record.grant.role)
            };
            if wanted.iter().any(same) {
                continue;
            }
            let subject = record.grant.subject;
            let is_token = matches!(subject, Subject::Token(_));
            if named.contains(&subject) && record.managed_by == ManagedBy::Apply {
                self.write.grants().delete(record.grant.id).await?;
                replaced.insert(subject);
            } else if !named.contains(&subject) && !is_token {
                let who = self.name_of(subject).await?;
                let path = format!("{path}/{who}");
                if self.dispose(record.managed_by, "grant", &path) {
                    self.write.grants().delete(record.grant.id).await?;
                }
            }
        }
        for (subject, role) in wanted {
            let same = |r: &GrantRecord| r.grant.subject == subject && r.grant.role.is(&role);
            if held.iter().any(same) {
                continue;
            }
            self.require_covers(&role, (organization, resource)).await?;
            self.refuse_for_people(subject, (organization, resource))
                .await?;
            let record = GrantRecord {
                grant: Grant {
                    id: GrantId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
                    subject,
                    role: role.clone(),
                    resource,
                },
                organization: Some(organization),
                managed_by: ManagedBy::Apply,
            };
            self.write.grants().insert(&record).await?;
            let op = if replaced.contains(&subject) {
                ChangeOp::Update
            } else {
                ChangeOp::Create
            };
            let who = self.name_of(subject).await?;
            self.note(op, "grant", format!("{path}/{who}"), role.to_string());
        }
        Ok(())
    }

    /// Refuses to give a person a role where they get theirs by teams alone (D7), but for the one in the organization
    /// itself: somebody has to own it, and everybody in a document is of it.
    async fn refuse_for_people(
        &mut self,
        subject: Subject,
        (organization, resource): (OrganizationId, Resource),
    ) -> Result<(), ApiError> {
        let in_itself = matches!(resource, Resource::Organization(_));
        if in_itself || !matches!(subject, Subject::User(_)) {
            return Ok(());
        }
        let found = self.write.organizations().get(organization).await?;
        found.map_or(Ok(()), |found| policy::refuse_for_people(&found))
    }

    /// The roles that are meant, each of which has to be given at such a place.
    async fn granted(
        &mut self,
        (organization, resource): (OrganizationId, Resource),
        at: &str,
        wanted: Vec<(Subject, RoleName)>,
    ) -> Result<Vec<(Subject, GrantedRole)>, ApiError> {
        let path = path_within(&mut self.write, organization, resource).await?;
        let path = path.unwrap_or_default();
        let mut granted = Vec::new();
        for (subject, name) in wanted {
            let role = roles::resolve(&mut self.write, organization, &name, &path).await;
            granted.push((subject, role.map_err(|error| placed(error, at))?));
        }
        Ok(granted)
    }

    /// Refuses to put somebody into a team that holds more anywhere than the applier holds there.
    pub(super) async fn require_covers_team(
        &mut self,
        organization: OrganizationId,
        team: TeamId,
    ) -> Result<(), ApiError> {
        for record in self.write.grants().of(Subject::Team(team)).await? {
            let Grant { role, resource, .. } = record.grant;
            self.require_covers(&role, (organization, resource)).await?;
        }
        Ok(())
    }

    /// Refuses to give a role that holds more than the applier holds there. Built-in ones whoever says who has
    /// which role in the whole installation may give: an organization's first owner comes from nowhere else.
    async fn require_covers(
        &mut self,
        role: &GrantedRole,
        (organization, resource): (OrganizationId, Resource),
    ) -> Result<(), ApiError> {
        let built_in = role.id().is_none();
        if built_in && self.authority.may(Permission::SystemIamUpdate, &[]) {
            return Ok(());
        }
        let place = path_within(&mut self.write, organization, resource).await?;
        let place = place.unwrap_or_default();
        self.authority.require_covers(role, &place)
    }

    /// What a person calls a subject.
    pub(super) async fn name_of(&mut self, subject: Subject) -> Result<String, ApiError> {
        let name = match subject {
            Subject::User(id) => self
                .write
                .users()
                .get(id)
                .await?
                .map(|u| u.email.to_string()),
            Subject::Team(id) => self
                .write
                .teams()
                .get(id)
                .await?
                .map(|t| t.name.to_string()),
            Subject::Token(id) => Some(id.to_string()),
        };
        Ok(name.unwrap_or_default())
    }
}

/// What is wrong with a role, at the place in the fleet where it was to be given.
fn placed(error: ApiError, at: &str) -> ApiError {
    match error {
        ApiError::Invalid(mut errors) => {
            for error in &mut errors {
                at.clone_into(&mut error.at);
            }
            ApiError::Invalid(errors)
        }
        other => other,
    }
}
