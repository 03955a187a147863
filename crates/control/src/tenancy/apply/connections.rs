//! Connections of a document.

use aeolus_api::FieldError;
use aeolus_api::fleet::{self, ApplyRequest};
use aeolus_api::scim::{ScimConnection, ScimTeamTemplate};
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{ConnectionId, GrantedRole, Permission};
use aeolus_store::{Connection, ManagedBy, Unit as _};

use super::Run;
use crate::connections::{Settings, document, secret};
use crate::error::ApiError;
use crate::{groups, scim};

impl Run<'_> {
    pub(super) async fn connections(&mut self, body: &ApplyRequest) -> Result<(), ApiError> {
        for (index, wanted) in body.fleet.connections.iter().enumerate() {
            let found = self.write.connections().by_name(&wanted.name).await?;
            let held = found.as_ref().map(|row| Settings::parse(&row.config));
            let held = held.transpose().map_err(ApiError::internal)?;
            let held = held.unwrap_or_default();
            let configured = found
                .as_ref()
                .filter(|row| row.managed_by == ManagedBy::Configuration && !held.absent);
            whose(wanted, configured)
                .map_err(|(member, why)| invalid(index, vec![(member, why)]))?;
            let new_id = || ConnectionId::new(&*self.ctx.app.clock, &*self.ctx.app.rng);
            let id = found.as_ref().map_or_else(new_id, |row| row.id);
            let settings = match configured {
                Some(_) => terms(wanted, held.clone()),
                None => self.said(wanted, body.client_secret(index), (id, &held))?,
            };
            let settings = settings.map_err(|errors| invalid(index, errors))?;
            if gives(&held) != gives(&settings) {
                self.require(Permission::SystemIamUpdate)?;
            }
            let connection = Connection {
                id,
                name: wanted.name.clone(),
                kind: wanted.kind.name().to_owned(),
                config: serde_json::to_string(&settings).map_err(ApiError::internal)?,
                managed_by: match &found {
                    // What has left the configuration is the document's from now on.
                    Some(row) if row.managed_by == ManagedBy::Api || configured.is_some() => {
                        row.managed_by
                    }
                    _ => ManagedBy::Apply,
                },
                revision: found.as_ref().map_or(0, |row| row.revision),
            };
            let documents_own = configured.is_none();
            match found {
                None => {
                    self.require(Permission::SystemConnectionsUpdate)?;
                    self.write.connections().insert(&connection).await?;
                    self.note(ChangeOp::Create, "connection", wanted.name.as_str(), "");
                }
                Some(row) if held != settings || row.kind != connection.kind => {
                    self.require(Permission::SystemConnectionsUpdate)?;
                    self.write.connections().update(&connection).await?;
                    self.note(ChangeOp::Update, "connection", wanted.name.as_str(), "");
                }
                Some(_) => continue,
            }
            if documents_own {
                self.settle(wanted, (id, &held)).await?;
            }
        }
        Ok(())
    }

    /// Lets groups have in the whole installation what the document says of them. Whoever says so gives these
    /// roles, and so has to hold them.
    async fn settle(
        &mut self,
        wanted: &fleet::Connection,
        (id, held): (ConnectionId, &Settings),
    ) -> Result<(), ApiError> {
        let before = held.sign_in.teams.as_ref().map(|teams| &teams.system_roles);
        let after = document::settings(wanted).teams;
        let after = after.as_ref().map(|teams| &teams.system_roles);
        if before != after {
            let teams = wanted.teams.iter();
            for (role, _) in teams.flat_map(|teams| teams.system_roles.roles()) {
                self.require(Permission::SystemIamUpdate)?;
                let role = GrantedRole::BuiltIn(role);
                self.authority.require_covers(&role, &[])?;
            }
        }
        let rules = document::team_rules(wanted);
        let with = (&*self.ctx.app.clock, &*self.ctx.app.rng);
        groups::settle_all(&mut self.write, with, (id, rules.as_ref())).await?;
        Ok(())
    }

    /// What the document says of one: judged as a sign-in will read it.
    fn said(
        &self,
        wanted: &fleet::Connection,
        secret: Option<&str>,
        (id, held): (ConnectionId, &Settings),
    ) -> Result<Result<Settings, Errors>, ApiError> {
        let client_secret = match secret {
            Some(given) => {
                let with = (&self.ctx.app.master, &*self.ctx.app.rng);
                let held = held.client_secret.clone();
                let sealed = secret::seal_unless_held(with, (id, secret::CLIENT), given, held);
                Some(sealed.map_err(ApiError::internal)?)
            }
            // It is of the client that it was given for, and is shown to nobody else.
            None => held
                .client_secret
                .clone()
                .filter(|_| is_same_client(wanted, held)),
        };
        let errors = document::errors(wanted, client_secret.is_some());
        if !errors.is_empty() {
            return Ok(Err(errors));
        }
        let said = Settings {
            sign_in: document::settings(wanted),
            client_secret,
            absent: false,
            ..held.clone()
        };
        Ok(terms(wanted, said))
    }
}

/// What whoever provisions through a connection may give and take: roles by templates, accounts that are there,
/// and those of people who administer the installation. Whoever says so has to say who has which role.
fn gives(settings: &Settings) -> (&[ScimTeamTemplate], bool, bool) {
    settings.scim.as_ref().map_or((&[], false, false), |scim| {
        let ScimConnection {
            team_templates,
            match_existing,
            match_administrators,
            ..
        } = scim;
        (team_templates, *match_existing, *match_administrators)
    })
}

/// Whether a document speaks of the client that is held.
fn is_same_client(wanted: &fleet::Connection, held: &Settings) -> bool {
    let wanted = document::settings(wanted);
    wanted.client_id == held.sign_in.client_id
        && wanted.discovery_url == held.sign_in.discovery_url
        && wanted.base_domain == held.sign_in.base_domain
}

/// Members below a connection, and what is wrong with each.
type Errors = Vec<(String, String)>;

/// How people sign in is said in one place.
fn whose(
    wanted: &fleet::Connection,
    configured: Option<&Connection>,
) -> Result<(), (String, String)> {
    match configured {
        None if wanted.configured => Err((
            "configured".to_owned(),
            "control's configuration has no connection of this name".to_owned(),
        )),
        Some(row) if !wanted.configured => Err((
            "name".to_owned(),
            format!(
                "is written in control's configuration (auth.openidConnect.{}): remove it here or there, or write `configured: true` and only what else is to be said of it",
                row.kind
            ),
        )),
        Some(row) if row.kind != wanted.kind.name() => Err((
            "type".to_owned(),
            format!("is {} in control's configuration", row.kind),
        )),
        _ => Ok(()),
    }
}

/// What the document says besides of who signs in there: judged together with what was registered at the API.
fn terms(wanted: &fleet::Connection, mut settings: Settings) -> Result<Settings, Errors> {
    // What the configuration says of it counts where the document says nothing.
    if !wanted.configured || wanted.scim.is_some() {
        settings.scim.clone_from(&wanted.scim);
    }
    let templates = scim::template_errors(wanted.scim.as_ref());
    if !templates.is_empty() {
        return Err(templates);
    }
    settings.session_tokens.clone_from(&wanted.session_tokens);
    settings.declare_planes(&wanted.plane_registrations);
    settings
        .second_factor_acr
        .clone_from(&wanted.second_factor_acr);
    let errors = settings
        .as_declared(&wanted.name, wanted.kind)
        .check_terms();
    if errors.is_empty() {
        Ok(settings)
    } else {
        Err(errors)
    }
}

fn invalid(index: usize, errors: Errors) -> ApiError {
    let errors = errors.into_iter().map(|(member, message)| FieldError {
        at: format!("connections[{index}].{member}"),
        message,
    });
    ApiError::Invalid(errors.collect())
}
