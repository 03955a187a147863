//! Grants of a document.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_api::fleet::{Grant as Wanted, Grantee};
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{
    Email, Grant, GrantId, OrganizationId, Resource, Role, Slug, Subject, TeamId, UserId,
};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _};

use super::Run;
use crate::error::ApiError;

/// The people and teams of an organization, by the names the document uses.
pub(super) struct Held {
    pub(super) people: BTreeMap<Email, UserId>,
    pub(super) teams: BTreeMap<Slug, TeamId>,
}

impl Held {
    /// A document's grants with ids for names. What the check let through resolves.
    pub(super) fn resolve(&self, grants: &[Wanted]) -> Vec<(Subject, Role)> {
        grants
            .iter()
            .filter_map(|grant| {
                let subject = match grant.grantee()? {
                    Grantee::User(email) => Subject::User(*self.people.get(email)?),
                    Grantee::Team(name) => Subject::Team(*self.teams.get(name)?),
                };
                Some((subject, grant.role))
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
        wanted: Vec<(Subject, Role)>,
    ) -> Result<(), ApiError> {
        let held = self.write.grants().on(resource).await?;
        let named: BTreeSet<Subject> = wanted.iter().map(|(subject, _)| *subject).collect();
        let mut replaced = BTreeSet::new();
        for record in &held {
            let pair = (record.grant.subject, record.grant.role);
            if wanted.contains(&pair) {
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
            let same = |r: &GrantRecord| r.grant.subject == subject && r.grant.role == role;
            if held.iter().any(same) {
                continue;
            }
            let record = GrantRecord {
                grant: Grant {
                    id: GrantId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
                    subject,
                    role,
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
            self.note(op, "grant", format!("{path}/{who}"), role.name());
        }
        Ok(())
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
