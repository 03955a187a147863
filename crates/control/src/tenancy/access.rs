//! `GET /v1/organizations/{o}/access?deployment=&subject=`: who reaches which deployment, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use aeolus_api::Page;
use aeolus_api::access::Access;
use aeolus_model::{
    AirflowRole, BuiltIns, DeploymentId, OrganizationId, Permission, PermissionSet, Resource, Slug,
    Subject, TeamId, TokenId, UserId, WorkspaceId,
};
use aeolus_store::{Deployment, GrantRecord, Read, Unit as _};
use axum::Json;
use axum::extract::Path;

use crate::authority::{deployment_in, deployment_path, organization_path};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::sessions::{find, find_in};

/// Lists every way into the organization's deployments, oldest deployment first. A page has so many
/// deployments, not so many ways.
pub(crate) async fn access(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Access>>, ApiError> {
    let page = query.page::<DeploymentId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?.id;
    let path = organization_path(organization);
    authority.require(Permission::OrganizationUsersGet, &path)?;
    let only = match query.0.get("subject") {
        None => None,
        Some(text) => Some(subject(&mut view, organization, text).await?),
    };
    let (deployments, next) = if let Some(text) = query.0.get("deployment") {
        (vec![one(&mut view, organization, text).await?], None)
    } else {
        let mut all = view.deployments();
        let listing = all.in_organization(organization, page).await?;
        (listing.items, listing.next)
    };
    let mut review = Review {
        organization,
        view: &mut view,
        built_ins: Arc::clone(authority.built_ins()),
        only,
        grants: BTreeMap::new(),
        names: BTreeMap::new(),
        teams: BTreeMap::new(),
        workspaces: BTreeMap::new(),
    };
    let mut items = Vec::new();
    for deployment in &deployments {
        review.ways(deployment, &mut items).await?;
    }
    Ok(Json(Page {
        items,
        next_cursor: next.map(|cursor| cursor.to_string()),
    }))
}

async fn one(
    view: &mut Read,
    organization: OrganizationId,
    text: &str,
) -> Result<Deployment, ApiError> {
    let none = ApiError::NotFound("deployment");
    let Ok(id) = text.parse() else {
        return Err(none);
    };
    deployment_in(view, organization, id).await?.ok_or(none)
}

/// A person by id or address, or a token by id. Those who reach nothing here are as unknown as nobody (A1).
async fn subject(
    view: &mut Read,
    organization: OrganizationId,
    text: &str,
) -> Result<Subject, ApiError> {
    if let Ok(id) = text.parse::<TokenId>()
        && view.tokens().get(id).await?.is_some()
    {
        return Ok(Subject::Token(id));
    }
    if let Some(user) = find_in(view, organization, text).await? {
        return Ok(Subject::User(user.id));
    }
    let none = || ApiError::NotFound("subject");
    let user = find(view, text).await?.ok_or_else(none)?;
    let held = view.grants().effective(user.id).await?;
    let everywhere = held.iter().any(|record| record.organization.is_none());
    everywhere
        .then_some(Subject::User(user.id))
        .ok_or_else(none)
}

/// What was asked already.
struct Review<'a> {
    organization: OrganizationId,
    view: &'a mut Read,
    built_ins: Arc<BuiltIns>,
    only: Option<Subject>,
    grants: BTreeMap<Resource, Arc<Vec<GrantRecord>>>,
    /// Names, and whether disabled.
    names: BTreeMap<Subject, Option<(String, bool)>>,
    teams: BTreeMap<TeamId, (Slug, Vec<UserId>)>,
    workspaces: BTreeMap<WorkspaceId, String>,
}

impl Review<'_> {
    async fn ways(
        &mut self,
        deployment: &Deployment,
        items: &mut Vec<Access>,
    ) -> Result<(), ApiError> {
        let place = self.place(deployment).await?;
        let above = deployment_path(deployment).into_iter();
        for resource in above.chain([Resource::System]) {
            for record in self.on(resource).await?.iter() {
                let grant = &record.grant;
                let permissions = grant.role.permissions(&self.built_ins);
                if !opens(permissions) {
                    continue;
                }
                for (subject, through_team) in self.behind(grant.subject).await? {
                    let Some((name, disabled)) = self.name(subject).await? else {
                        continue;
                    };
                    items.push(Access {
                        deployment_id: deployment.id,
                        deployment: place.clone(),
                        subject,
                        name,
                        disabled,
                        role: grant.role.name(),
                        granted_on: resource,
                        grant_id: grant.id,
                        through_team,
                        airflow_role: AirflowRole::of(permissions),
                    });
                }
            }
        }
        Ok(())
    }

    async fn place(&mut self, deployment: &Deployment) -> Result<String, ApiError> {
        let id = deployment.workspace;
        if !self.workspaces.contains_key(&id) {
            let record = self.view.workspaces().get(id).await?;
            let name = record.map(|record| record.name.to_string());
            self.workspaces.insert(id, name.unwrap_or_default());
        }
        let workspace = self.workspaces.get(&id).map_or("", String::as_str);
        Ok(format!("{workspace}/{}", deployment.name))
    }

    async fn on(&mut self, resource: Resource) -> Result<Arc<Vec<GrantRecord>>, ApiError> {
        if let Some(held) = self.grants.get(&resource) {
            return Ok(Arc::clone(held));
        }
        let held = Arc::new(self.view.grants().on(resource).await?);
        // What hangs above is asked of every deployment below it.
        if !matches!(resource, Resource::Deployment(_)) {
            self.grants.insert(resource, Arc::clone(&held));
        }
        Ok(held)
    }

    /// Who comes by a grant, and through which team.
    async fn behind(&mut self, subject: Subject) -> Result<Vec<(Subject, Option<Slug>)>, ApiError> {
        let asked = |subject: &Subject| self.only.is_none_or(|only| only == *subject);
        let Subject::Team(id) = subject else {
            return Ok(Vec::from_iter(asked(&subject).then_some((subject, None))));
        };
        if !self.teams.contains_key(&id) {
            let Some(team) = self.view.teams().get(id).await? else {
                return Ok(Vec::new());
            };
            let members = self.view.teams().members(id).await?;
            let members = members.into_iter().map(|member| member.user).collect();
            self.teams.insert(id, (team.name, members));
        }
        let Some((name, members)) = self.teams.get(&id) else {
            return Ok(Vec::new());
        };
        let members = members.iter().map(|user| Subject::User(*user));
        let members = members.filter(|s| self.only.is_none_or(|only| only == *s));
        Ok(members.map(|s| (s, Some(name.clone()))).collect())
    }

    /// None of what is gone.
    async fn name(&mut self, subject: Subject) -> Result<Option<(String, bool)>, ApiError> {
        if let Some(known) = self.names.get(&subject) {
            return Ok(known.clone());
        }
        let found = match subject {
            Subject::User(id) => {
                let user = self.view.users().get(id).await?;
                let mut introductions = self.view.introductions();
                // Of who was added and hasn't come yet nothing is told (A1).
                let unmet = introductions.name(self.organization, id).await?.is_some();
                user.map(|user| {
                    let disabled = user.disabled_at.is_some() && !unmet;
                    (user.email.to_string(), disabled)
                })
            }
            Subject::Token(id) => {
                let token = self.view.tokens().get(id).await?.map(|r| r.token);
                let good = token.filter(|token| token.value().is_some());
                good.map(|token| (token.name, false))
            }
            Subject::Team(_) => None,
        };
        self.names.insert(subject, found.clone());
        Ok(found)
    }
}

/// Whether a role opens anything at a deployment.
fn opens(permissions: PermissionSet) -> bool {
    permissions
        .iter()
        .any(|p| p.name().starts_with("deployment."))
}
