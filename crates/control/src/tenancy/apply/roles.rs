//! Roles that organizations of a document make for themselves. What is asked of a role, and who may put what
//! into one, is the same as over the API (P7).

use aeolus_api::fleet::{Organization as Wanted, Role};
use aeolus_api::role::RoleSet;
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{Action, Change, OrganizationId, Permission, Resource, RoleId, WorkspaceId};
use aeolus_store::{GrantRecord, ManagedBy, Page, RoleRecord, Unit as _};

use super::Run;
use crate::error::ApiError;
use crate::tenancy::roles;

/// Lists of one organization are read whole: an apply sees everything or nothing.
const ALL: u32 = 1_000_000;

impl Run<'_> {
    /// Makes the organization's roles those of the document, before anything gives them.
    pub(super) async fn own_roles(
        &mut self,
        at: &str,
        wanted: &Wanted,
        organization: OrganizationId,
    ) -> Result<(), ApiError> {
        for (index, role) in wanted.roles.iter().enumerate() {
            let at = format!("{at}.roles[{index}]");
            let path = format!("{}/{}", wanted.name, role.name);
            let body = self.asked(&at, organization, role).await?;
            let before = self.write.roles().by_name(organization, &role.name).await?;
            let made = match before {
                None => self.make_role(organization, &path, body).await,
                Some(before) => self.change_role(before, (&path, role), body).await,
            };
            made.map_err(|error| placed(error, &at))?;
        }
        Ok(())
    }

    /// What the document asks for, as the API would be asked.
    async fn asked(
        &mut self,
        at: &str,
        organization: OrganizationId,
        role: &Role,
    ) -> Result<RoleSet, ApiError> {
        let mut workspaces: Vec<WorkspaceId> = Vec::new();
        for (index, name) in role.workspaces.iter().enumerate() {
            let found = self.write.workspaces().by_name(organization, name).await?;
            let none = || {
                let what = format!("the organization has no workspace {name}");
                ApiError::field(&format!("{at}.workspaces[{index}]"), what)
            };
            workspaces.push(found.ok_or_else(none)?.id);
        }
        Ok(RoleSet {
            name: role.name.clone(),
            scope: role.scope,
            description: role.description.clone().unwrap_or_default(),
            permissions: role.permissions.clone(),
            restricted_workspace_ids: workspaces,
        })
    }

    async fn make_role(
        &mut self,
        organization: OrganizationId,
        path: &str,
        body: RoleSet,
    ) -> Result<(), ApiError> {
        let by = (&self.authority, organization);
        roles::require(by)?;
        let definition = roles::wanted(&mut self.write, by, &body, None).await?;
        let record = RoleRecord {
            id: RoleId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
            organization,
            name: body.name,
            description: body.description,
            definition,
            managed_by: ManagedBy::Apply,
            revision: 1,
        };
        self.write.roles().insert(&record).await?;
        self.note(ChangeOp::Create, "role", path, difference(None, &record));
        self.role_event(Action::RoleCreate, (None, Some(&record)), None);
        Ok(())
    }

    /// A role that others made is changed as well, and stays theirs.
    async fn change_role(
        &mut self,
        before: RoleRecord,
        (path, role): (&str, &Role),
        body: RoleSet,
    ) -> Result<(), ApiError> {
        if body.scope != before.definition.scope() {
            let what =
                "it never changes, as grants of the role are at such places; make another role";
            return Err(ApiError::field("scope", what));
        }
        let by = (&self.authority, before.organization);
        let had = Some(&before.definition);
        let definition = roles::wanted(&mut self.write, by, &body, had).await?;
        let after = RoleRecord {
            description: body.description,
            definition,
            ..before.clone()
        };
        if after == before {
            return Ok(());
        }
        roles::require(by)?;
        self.write.roles().update(&after).await?;
        let mut detail = difference(Some(&before), &after);
        if before.definition.workspaces() != after.definition.workspaces() {
            detail.push_str(" workspaces:");
            for name in &role.workspaces {
                detail.push(' ');
                detail.push_str(name.as_str());
            }
        }
        self.note(ChangeOp::Update, "role", path, detail.trim_start());
        self.role_event(Action::RoleUpdate, (Some(&before), Some(&after)), None);
        Ok(())
    }

    /// What is left of roles after everything was given that the document gives: grants outside of a
    /// role's workspaces, and roles that it names no more.
    pub(super) async fn settle_roles(
        &mut self,
        wanted: &Wanted,
        organization: OrganizationId,
    ) -> Result<(), ApiError> {
        let all = self
            .write
            .roles()
            .list(organization, Page::first(ALL))
            .await?;
        for role in all.items {
            let path = format!("{}/{}", wanted.name, role.name);
            if wanted.role(&role.name).is_some() {
                self.keep_inside(&role, (wanted, &path)).await?;
            } else if wanted.gives(&role.name) {
                if role.managed_by == ManagedBy::Apply {
                    let why = "it is given, and made no more";
                    self.note(ChangeOp::Keep, "role", path, why);
                }
            } else if self.dispose(role.managed_by, "role", &path) {
                let grants = self.write.grants().of_role(role.id).await?;
                let ended = self.end_grants(wanted, &role, &grants).await?;
                self.write.roles().delete(role.id).await?;
                self.role_event(Action::RoleDelete, (Some(&role), None), ended);
            }
        }
        Ok(())
    }

    async fn keep_inside(
        &mut self,
        role: &RoleRecord,
        (wanted, path): (&Wanted, &str),
    ) -> Result<(), ApiError> {
        let outside = roles::outside(&mut self.write, role).await?;
        if outside.is_empty() {
            return Ok(());
        }
        if !self.prune {
            let count = outside.len();
            let what = format!(
                "{path} is given {count} times outside of its workspaces. Take those grants back first, or \
                 end them by `--prune`."
            );
            return Err(ApiError::Conflict(what));
        }
        let ended = self.end_grants(wanted, role, &outside).await?;
        self.role_event(Action::RoleUpdate, (Some(role), Some(role)), ended);
        Ok(())
    }

    async fn end_grants(
        &mut self,
        wanted: &Wanted,
        role: &RoleRecord,
        grants: &[GrantRecord],
    ) -> Result<Option<Change>, ApiError> {
        roles::require((&self.authority, role.organization))?;
        for record in grants {
            let by = (&self.authority, role.organization);
            roles::end(&mut self.write, by, record).await?;
            let who = self.name_of(record.grant.subject).await?;
            let place = self.place(wanted, record.grant.resource).await?;
            self.note(
                ChangeOp::Delete,
                "grant",
                format!("{place}/{who}"),
                role.name.as_str(),
            );
        }
        let count = grants.len();
        Ok((count > 0).then(|| Change::from("grants", count.to_string())))
    }

    /// Where a grant is, as the document would say it.
    async fn place(&mut self, wanted: &Wanted, at: Resource) -> Result<String, ApiError> {
        let mut place = wanted.name.to_string();
        let (workspace, deployment) = match at {
            Resource::System | Resource::Organization(_) => (None, None),
            Resource::Workspace(id) => (Some(id), None),
            Resource::Deployment(id) => {
                let found = self.write.deployments().get(id).await?;
                (found.as_ref().map(|found| found.workspace), found)
            }
        };
        if let Some(id) = workspace {
            let found = self.write.workspaces().get(id).await?;
            let names = found.map(|found| found.name).into_iter();
            for name in names.chain(deployment.map(|found| found.name)) {
                place.push('/');
                place.push_str(name.as_str());
            }
        }
        Ok(place)
    }

    fn role_event(
        &mut self,
        action: Action,
        (before, after): (Option<&RoleRecord>, Option<&RoleRecord>),
        ended: Option<Change>,
    ) {
        let Some(role) = before.or(after) else {
            return;
        };
        let mut event = self.ctx.event(action, Some(role.organization), role.id);
        event.changes = roles::changes(before, after);
        event.changes.extend(ended);
        self.write.audit(event);
    }
}

/// The permissions that come and go, and whether the description changes.
fn difference(before: Option<&RoleRecord>, after: &RoleRecord) -> String {
    let allowed = |role: &RoleRecord| role.definition.permissions();
    let (had, has) = (before.map(allowed).unwrap_or_default(), allowed(after));
    let added = has.without(had);
    let taken = had.without(has);
    let added = added.iter().map(|p| format!("+{}", Permission::name(p)));
    let taken = taken.iter().map(|p| format!("-{}", Permission::name(p)));
    let described = before.is_some_and(|before| before.description != after.description);
    let described = described.then(|| "description".to_owned());
    let all: Vec<_> = added.chain(taken).chain(described).collect();
    all.join(" ")
}

/// What is wrong with a role, at its place in the document.
fn placed(error: ApiError, at: &str) -> ApiError {
    match error {
        ApiError::Invalid(mut errors) => {
            for error in &mut errors {
                error.at = format!("{at}.{}", error.at);
            }
            ApiError::Invalid(errors)
        }
        other => other,
    }
}
