//! `POST /v1/organizations/{o}/teams:import?dry_run=`: many teams at once, all that is asked for or nothing.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_api::FieldError;
use aeolus_api::team::{MAX_ROWS, TeamRow, TeamsImport, TeamsImported};
use aeolus_api::tenancy::{Change, ChangeOp};
use aeolus_model::{Email, Grant, GrantId, RoleName, Slug, Subject, TeamId};
use aeolus_store::{Organization, Unit as _, Write};
use axum::extract::Path;

use super::add::{NOBODY, person};
use super::create::make;
use super::{Found, Group, check_name, put_in, require, require_gives};
use crate::authority::{self, Authority, deployment_path, organization_path, workspace_path};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::once::Reply;
use crate::tenancy::explain::place;
use crate::tenancy::{grants, roles};

/// So much that is wrong is said at once.
const MOST_WRONG: usize = 100;

/// Makes teams that aren't there, puts people in and gives roles, as far as the actor could do each of that by itself.
/// Nothing is taken away.
pub(crate) async fn import(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
    Json(body): Json<TeamsImport>,
) -> Result<Reply<TeamsImported>, ApiError> {
    let dry_run = query.flag("dry_run")?;
    if !(1..=MAX_ROWS).contains(&body.rows.len()) {
        return Err(ApiError::field("rows", format!("send 1 to {MAX_ROWS}")));
    }
    let (write, authority, organization) = ctx.write_in(&organization).await?;
    require(&authority, organization.id)?;
    let mut run = Run {
        ctx: &ctx,
        write,
        authority,
        organization,
        teams: BTreeMap::new(),
        judged: BTreeSet::new(),
        changes: Vec::new(),
        wrong: Vec::new(),
    };
    for (index, row) in body.rows.iter().enumerate() {
        let at = format!("rows[{index}]");
        let done = run.row(&at, row).await;
        done.or_else(|error| run.say(&at, error))?;
        if run.wrong.len() >= MOST_WRONG {
            break;
        }
    }
    if !run.wrong.is_empty() {
        return Err(ApiError::Invalid(run.wrong));
    }
    let answer = TeamsImported {
        changes: run.changes,
        applied: !dry_run,
        seq: None,
    };
    if dry_run || answer.changes.is_empty() {
        run.write.rollback().await?;
        return Ok(Reply::unchanged(answer));
    }
    let done = |seq| TeamsImported {
        seq: Some(seq),
        ..answer
    };
    ctx.done(run.write, done).await
}

struct Run<'a> {
    ctx: &'a Ctx,
    write: Write,
    authority: Authority,
    organization: Organization,
    /// Those that were named so far.
    teams: BTreeMap<Slug, Found>,
    /// Those of which the actor may give what they have.
    judged: BTreeSet<TeamId>,
    changes: Vec<Change>,
    wrong: Vec<FieldError>,
}

impl Run<'_> {
    async fn row(&mut self, at: &str, row: &TeamRow) -> Result<(), ApiError> {
        let name: Slug = parsed(&row.team, "team")?;
        let email: Option<Email> = given(row.email.as_ref(), "email")?;
        let role: Option<RoleName> = given(row.role.as_ref(), "role")?;
        if row.place.is_some() && role.is_none() {
            return Err(ApiError::field(
                "place",
                "it is the place of a role: name one",
            ));
        }
        self.team(&name).await?;
        let Some(found) = self.teams.remove(&name) else {
            return Ok(());
        };
        let mut done = Ok(());
        if let Some(email) = email {
            done = self.member(&found, &email).await;
        }
        if let Some(role) = role {
            let given = self.role(&found, &role, row.place.as_deref()).await;
            // Both may be wrong.
            if let Err(error) = std::mem::replace(&mut done, given) {
                self.say(at, error)?;
            }
        }
        self.teams.insert(name, found);
        done
    }

    async fn team(&mut self, name: &Slug) -> Result<(), ApiError> {
        if self.teams.contains_key(name) {
            return Ok(());
        }
        let id = self.organization.id;
        let there = self.write.teams().by_name(id, name).await?;
        let found = if let Some(team) = there {
            Found::of(&mut self.write, team).await?
        } else {
            check_name(name).map_err(|error| in_column("team", error))?;
            let new = (name.clone(), String::new());
            let team = make(self.ctx, &mut self.write, id, new).await?;
            self.note("team", name, "", "");
            Found {
                team,
                group: Group::None,
            }
        };
        self.teams.insert(name.clone(), found);
        Ok(())
    }

    async fn member(&mut self, found: &Found, email: &Email) -> Result<(), ApiError> {
        let refused = found.refuse_group(&mut self.write).await;
        refused.map_err(|error| in_column("email", error))?;
        let team = &found.team;
        if !self.judged.contains(&team.id) {
            let by = (&self.authority, self.organization.id);
            require_gives(&mut self.write, by, team.id).await?;
            self.judged.insert(team.id);
        }
        let user = person(&mut self.write, self.organization.id, email.as_str()).await;
        let user = user.map_err(|error| in_column("email", error))?;
        let user = user.ok_or_else(|| ApiError::field("email", format!("{email}: {NOBODY}")))?;
        if put_in(self.ctx, &mut self.write, team, user.id).await? {
            self.note("member", &team.name, email.as_str(), "");
        }
        Ok(())
    }

    async fn role(
        &mut self,
        found: &Found,
        role: &RoleName,
        at: Option<&str>,
    ) -> Result<(), ApiError> {
        let path = self.place(at).await?;
        let resource = path.first().copied();
        let resource = resource.ok_or(ApiError::NotFound("resource"))?;
        self.authority.require(roles::iam(resource), &path)?;
        let role = roles::resolve(&mut self.write, self.organization.id, role, &path).await?;
        self.authority.require_covers(&role, &path)?;
        let subject = Subject::Team(found.team.id);
        if self.write.grants().has(subject, &role, resource).await? {
            return Ok(());
        }
        let detail = role.to_string();
        let grant = Grant {
            id: GrantId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
            subject,
            role,
            resource,
        };
        let at = at.map_or_else(|| self.organization.name.to_string(), str::to_owned);
        grants::give(self.ctx, &mut self.write, (self.organization.id, grant)).await?;
        self.note("grant", &found.team.name, "", &format!("{detail} at {at}"));
        Ok(())
    }

    /// Where a role is given.
    async fn place(&mut self, text: Option<&str>) -> Result<authority::Path, ApiError> {
        let (id, name) = (self.organization.id, self.organization.name.as_str());
        let Some(text) = text.filter(|text| *text != name) else {
            return Ok(organization_path(id));
        };
        let none = || {
            let what = format!(
                "there is no {text}; write {name}/WORKSPACE or {name}/WORKSPACE/DEPLOYMENT"
            );
            ApiError::field("place", what)
        };
        let below = text
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('/'));
        let below = below.ok_or_else(none)?;
        match place::by_names(&mut self.write, id, below).await {
            Ok((_, Some(deployment))) => Ok(deployment_path(&deployment)),
            Ok((workspace, None)) => Ok(workspace_path(&workspace)),
            Err(ApiError::NotFound(_)) => Err(none()),
            Err(error) => Err(error),
        }
    }

    fn note(&mut self, kind: &str, team: &Slug, below: &str, detail: &str) {
        let path = match below {
            "" => format!("{}/{team}", self.organization.name),
            below => format!("{}/{team}/{below}", self.organization.name),
        };
        self.changes.push(Change {
            op: ChangeOp::Create,
            kind: kind.to_owned(),
            path,
            detail: detail.to_owned(),
        });
    }

    /// Keeps what is wrong with a row, so that all of it is said; anything else ends the import, and names the row
    /// where that is somebody's to change.
    fn say(&mut self, at: &str, error: ApiError) -> Result<(), ApiError> {
        match error {
            ApiError::Invalid(errors) => {
                self.wrong
                    .extend(errors.into_iter().map(|error| FieldError {
                        at: format!("{at}.{}", error.at),
                        message: error.message,
                    }));
                Ok(())
            }
            ApiError::Forbidden(what) => Err(ApiError::Forbidden(format!("{what} ({at})"))),
            other => Err(other),
        }
    }
}

/// What is wrong, or contradicts the state of things, as the fault of what a column says.
fn in_column(column: &str, error: ApiError) -> ApiError {
    match error {
        ApiError::Invalid(errors) => ApiError::Invalid(
            errors
                .into_iter()
                .map(|error| FieldError {
                    at: column.to_owned(),
                    ..error
                })
                .collect(),
        ),
        ApiError::Conflict(what) | ApiError::Provisioned(what) => ApiError::field(column, what),
        other => other,
    }
}

fn given<T: std::str::FromStr>(text: Option<&String>, at: &str) -> Result<Option<T>, ApiError>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| parsed(text, at)).transpose()
}

fn parsed<T: std::str::FromStr>(text: &str, at: &str) -> Result<T, ApiError>
where
    T::Err: std::fmt::Display,
{
    let wrong = |error| ApiError::field(at, format!("{text:?}: {error}"));
    text.parse().map_err(wrong)
}
