//! `GET /v1/explain?subject=&resource=[&permission=]`: what somebody may do somewhere, and why.

pub(super) mod place;
mod subject;

use std::collections::BTreeMap;

use aeolus_api::explain::{Explanation, Held, Way};
use aeolus_model::{
    Actor, AirflowRole, BuiltIns, Permission, PermissionSet, Resource, Scope, Slug, Subject, TeamId,
};
use aeolus_store::{GrantRecord, Read, Unit as _};
use axum::Json;

use self::place::Place;
use self::subject::Found;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::tenancy::roles;

/// Explains. For others it takes what the access review takes; what reaches oneself anybody may know.
pub(crate) async fn explain(ctx: Ctx, query: Query) -> Result<Json<Explanation>, ApiError> {
    let named = |name| {
        let missing = || ApiError::field(name, "say which");
        query.0.get(name).ok_or_else(missing)
    };
    let (subject, resource) = (named("subject")?, named("resource")?);
    let only: Option<Permission> = match query.0.get("permission") {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|error: aeolus_model::UnknownPermission| {
                    ApiError::field("permission", error.to_string())
                })?,
        ),
    };
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let place = Place::find(&mut view, &authority, resource).await?;
    let path = organization_path(place.organization);
    let found = Found::find(&ctx, &mut view, place.organization, subject).await;
    let own = match (&ctx.actor, &found) {
        (Actor::User(id), Ok(found)) => found.subject == Subject::User(*id),
        (Actor::Token(id), Ok(found)) => found.subject == Subject::Token(*id),
        _ => false,
    };
    let reviews = authority.may(Permission::OrganizationUsersGet, &path);
    if !own {
        authority.require(Permission::OrganizationUsersGet, &path)?;
    }
    let found = found?;
    let mut why = Why {
        built_ins: authority.built_ins(),
        found: &found,
        place: &place,
        only,
        ways: Vec::new(),
        held: BTreeMap::new(),
    };
    why.ask(&mut view).await?;
    if why.reaches() || reviews {
        Ok(Json(why.answer()))
    } else {
        Err(ApiError::NotFound("resource"))
    }
}

/// What is found out.
struct Why<'a> {
    built_ins: &'a BuiltIns,
    found: &'a Found,
    place: &'a Place,
    only: Option<Permission>,
    ways: Vec<Way>,
    held: BTreeMap<Permission, Held>,
}

impl Why<'_> {
    async fn ask(&mut self, view: &mut Read) -> Result<(), ApiError> {
        let records = match self.found.subject {
            Subject::User(id) => view.grants().effective(id).await?,
            other => view.grants().of(other).await?,
        };
        let mut teams = BTreeMap::new();
        if let Subject::User(id) = self.found.subject {
            let of = view.teams().of(id).await?;
            teams.extend(of.into_iter().map(|team| (team.id, team.name)));
        }
        let all = (!self.found.here_alone).then_some(&Resource::System);
        let path = self.place.path.iter().chain(all);
        for (steps, resource) in path.enumerate() {
            for record in records.iter().filter(|r| r.grant.resource == *resource) {
                self.way(record, self.place.name(steps), &teams);
            }
        }
        Ok(())
    }

    /// Adds a grant, as far as it says something about the place.
    fn way(&mut self, record: &GrantRecord, place: String, teams: &BTreeMap<TeamId, Slug>) {
        let grant = &record.grant;
        let allowed = self.found.allowed(&grant.role, self.built_ins);
        let allowed = about(allowed, self.place.scope(), self.only);
        let here = grant.resource == self.place.resource() && self.only.is_none();
        if allowed.is_empty() && !here {
            return;
        }
        for permission in allowed.iter() {
            let held = self.held.entry(permission).or_insert_with(|| Held {
                permission,
                grants: Vec::new(),
            });
            held.grants.push(grant.id);
        }
        self.ways.push(Way {
            grant_id: grant.id,
            role: grant.role.name(),
            role_id: grant.role.id(),
            role_kind: roles::kind_of(&grant.role, self.built_ins),
            granted_on: grant.resource,
            place,
            through_team: match (grant.subject, self.found.subject) {
                (Subject::Team(id), Subject::User(_)) => teams.get(&id).cloned(),
                _ => None,
            },
        });
    }

    /// Whether anything of it is theirs; the organization itself is known to whoever is in it.
    fn reaches(&self) -> bool {
        !self.ways.is_empty() || self.place.scope() == Scope::Organization
    }

    fn answer(self) -> Explanation {
        let all: PermissionSet = self.held.keys().copied().collect();
        let deployment = self.place.scope() == Scope::Deployment && self.only.is_none();
        Explanation {
            subject: self.found.subject,
            name: self.found.name.clone(),
            disabled: self.found.disabled,
            resource: self.place.resource(),
            place: self.place.name(0),
            airflow_role: AirflowRole::of(all).filter(|_| deployment),
            permissions: self.held.into_values().collect(),
            grants: self.ways,
        }
    }
}

/// Those that are about a place of a kind or what is below it: nobody is asked for the others there.
fn about(set: PermissionSet, scope: Scope, only: Option<Permission>) -> PermissionSet {
    let fits = |permission: &Permission| {
        permission.scope() >= scope && only.is_none_or(|only| only == *permission)
    };
    set.iter().filter(fits).collect()
}
