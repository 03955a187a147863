//! People and teams of a document.

use std::collections::BTreeMap;

use aeolus_api::fleet::Organization as Wanted;
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{Email, OrganizationId, Resource, Slug, Subject, TeamId, UserId};
use aeolus_store::{ManagedBy, Member, Team, Unit as _, User};

use super::Run;
use super::grants::Held;
use super::passwords::Passwords;
use crate::error::ApiError;
use crate::people;
use crate::tenancy::teams::Group;

impl Run<'_> {
    /// Accounts for everybody the document names in an organization.
    pub(super) async fn people(
        &mut self,
        wanted: &Wanted,
        passwords: &Passwords,
    ) -> Result<BTreeMap<Email, UserId>, ApiError> {
        let mut ids = BTreeMap::new();
        for email in wanted.people().into_keys() {
            let entry = wanted.users.iter().find(|user| user.email == *email);
            let name = entry.and_then(|user| user.name.clone());
            let hash = passwords.get(email).cloned();
            let id = match self.write.users().by_email(email).await? {
                None => {
                    let user = User {
                        id: UserId::random(&*self.ctx.app.rng),
                        email: email.clone(),
                        name: name.unwrap_or_else(|| email.to_string()),
                        password_hash: hash,
                        disabled_at: None,
                        created_at: self.now,
                        managed_by: ManagedBy::Apply,
                        revision: 0,
                    };
                    self.write.users().insert(&user).await?;
                    self.note(ChangeOp::Create, "user", email.as_str(), "");
                    user.id
                }
                Some(found) => {
                    let there = self.write.organizations().by_name(&wanted.name).await?;
                    let there = there.map(|organization| organization.id);
                    people::require_proved(&mut self.write, &found, there).await?;
                    self.person(found, (name, hash)).await?
                }
            };
            ids.insert(email.clone(), id);
        }
        Ok(ids)
    }

    async fn person(
        &mut self,
        found: User,
        (name, hash): (Option<String>, Option<aeolus_model::Secret<String>>),
    ) -> Result<UserId, ApiError> {
        let id = found.id;
        let renamed = name.as_ref().is_some_and(|name| *name != found.name);
        let detail = match (renamed, hash.is_some()) {
            (false, false) => return Ok(id),
            (true, false) => "name",
            (false, true) => "password",
            (true, true) => "name, password",
        };
        self.note(ChangeOp::Update, "user", found.email.as_str(), detail);
        let write = &mut self.write;
        self.authority.require_covers_person(write, id).await?;
        let another_password = hash.is_some();
        let changed = User {
            name: name.unwrap_or_else(|| found.name.clone()),
            password_hash: hash.or_else(|| found.password_hash.clone()),
            ..found
        };
        // Whoever knew the old password may have a session, or be on the way to one. They are ended after the
        // record has changed: a sign-in on its way holds the record, and has its session by then or sees this.
        self.write.users().update(&changed).await?;
        if another_password {
            self.write.sessions().end_all(id, self.now).await?;
            self.write.second_factors().end_steps(id).await?;
        }
        Ok(id)
    }

    pub(super) async fn teams(
        &mut self,
        wanted: &Wanted,
        organization: OrganizationId,
        people: &BTreeMap<Email, UserId>,
    ) -> Result<BTreeMap<Slug, TeamId>, ApiError> {
        let mut ids = BTreeMap::new();
        for team in &wanted.teams {
            let path = format!("{}/{}", wanted.name, team.name);
            let members: Vec<UserId> = team
                .members
                .iter()
                .filter_map(|email| people.get(email).copied())
                .collect();
            let found = self.write.teams().by_name(organization, &team.name).await?;
            let id = if let Some(found) = found {
                if self.is_of_group(&found, team.members.is_empty()).await? {
                    ids.insert(team.name.clone(), found.id);
                    continue;
                }
                if found.managed_by == ManagedBy::Api {
                    self.warn_of_strangers(&found, &path, &members).await?;
                }
                found.id
            } else {
                let made = Team {
                    id: TeamId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
                    organization,
                    name: team.name.clone(),
                    description: String::new(),
                    managed_by: ManagedBy::Apply,
                    revision: 0,
                };
                self.write.teams().insert(&made).await?;
                self.note(ChangeOp::Create, "team", &path, "");
                made.id
            };
            self.members((organization, id), &path, &members).await?;
            ids.insert(team.name.clone(), id);
        }
        Ok(ids)
    }

    /// Whoever put themselves into a team of that name before the document named it has what it gives the team.
    async fn warn_of_strangers(
        &mut self,
        found: &Team,
        path: &str,
        wanted: &[UserId],
    ) -> Result<(), ApiError> {
        let mut strangers = Vec::new();
        for member in self.write.teams().members(found.id).await? {
            if member.managed_by == ManagedBy::Api && !wanted.contains(&member.user) {
                strangers.push(self.name_of(Subject::User(member.user)).await?);
            }
        }
        if !strangers.is_empty() {
            let text = format!(
                "{path} was made by hand, and has people whom the document doesn't name: {}. What it gives the team, \
                 they have too; take out those who shouldn't.",
                strangers.join(", ")
            );
            self.warnings.push(text);
        }
        Ok(())
    }

    /// Whether a group of an identity provider says who is in it: then a document may give it roles, and name
    /// nobody.
    async fn is_of_group(&mut self, team: &Team, names_nobody: bool) -> Result<bool, ApiError> {
        let group = Group::of(&mut self.write, team.id).await?;
        if names_nobody {
            return Ok(!matches!(group, Group::None));
        }
        let refused = group.refuse_members(&mut self.write, &team.name).await;
        refused.map(|()| false).map_err(|error| match error {
            ApiError::Conflict(what) => {
                ApiError::Conflict(format!("{what} Or remove its members from the document."))
            }
            other => other,
        })
    }

    async fn members(
        &mut self,
        (organization, team): (OrganizationId, TeamId),
        path: &str,
        wanted: &[UserId],
    ) -> Result<(), ApiError> {
        let held = self.write.teams().members(team).await?;
        for user in wanted {
            if held.iter().any(|member| member.user == *user) {
                continue;
            }
            self.require_covers_team(organization, team).await?;
            let member = Member {
                team,
                user: *user,
                managed_by: ManagedBy::Apply,
            };
            self.write.teams().add(&member).await?;
            let who = self.name_of(Subject::User(*user)).await?;
            self.note(ChangeOp::Create, "member", format!("{path}/{who}"), "");
        }
        for member in held {
            if wanted.contains(&member.user) {
                continue;
            }
            let who = self.name_of(Subject::User(member.user)).await?;
            if self.dispose(member.managed_by, "member", &format!("{path}/{who}")) {
                self.write.teams().remove(team, member.user).await?;
            }
        }
        Ok(())
    }

    /// Everybody's role in the organization itself.
    pub(super) async fn roles(
        &mut self,
        wanted: &Wanted,
        organization: OrganizationId,
        held: &Held,
    ) -> Result<(), ApiError> {
        let people = wanted.people().into_iter();
        let grants = people
            .filter_map(|(email, role)| Some((Subject::User(*held.people.get(email)?), role)))
            .collect();
        let at = (organization, Resource::Organization(organization));
        self.grants(at, wanted.name.as_str(), grants).await
    }
}
