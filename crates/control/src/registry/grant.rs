//! The registry's token (CNCF Distribution, "Token Authentication Implementation").

use aeolus_api::registry::{REPOSITORY, RegistryToken, Scope};
use aeolus_keys::digest;
use aeolus_model::{Action, Change, rfc3339};
use axum::Json;
use serde::Serialize;

use super::config::RegistryConfig;
use super::decide::Granted;
use super::failure::RegistryFailure;
use super::login::{Caller, id_of};
use crate::app::App;
use crate::error::ApiError;

/// What the registry reads.
#[derive(Serialize)]
struct Claims {
    iss: String,
    /// The id of the person or API token; empty of nobody.
    sub: String,
    aud: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    jti: String,
    access: Vec<Access>,
}

#[derive(Serialize)]
struct Access {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    actions: Vec<&'static str>,
}

/// Makes the token, and notes in the audit log what it allows. It never outlives its credential.
pub(super) async fn give(
    app: &App,
    config: &RegistryConfig,
    (caller, granted): (Option<Caller>, Vec<Granted>),
) -> Result<Json<RegistryToken>, RegistryFailure> {
    let now = app.clock.now();
    let mut end = now.plus(config.life);
    let mut sub = String::new();
    if let Some(caller) = &caller {
        end = end.min(caller.until);
        sub = id_of(&caller.ctx.actor);
        note(caller, &granted).await?;
    }
    let access = granted.iter().map(access).collect();
    let claims = Claims {
        iss: config.issuer.clone(),
        sub,
        aud: config.service.clone(),
        exp: end.secs(),
        nbf: now.secs(),
        iat: now.secs(),
        jti: digest::random_token(&*app.rng, 16).expose().clone(),
        access,
    };
    let token = app.keys.sign_certified(claims).await;
    let token = token.map_err(ApiError::internal)?;
    Ok(Json(RegistryToken {
        access_token: token.clone(),
        token,
        expires_in: u64::try_from(end.secs() - now.secs()).unwrap_or(0),
        issued_at: rfc3339(now.secs()),
        scope: scope(&granted),
    }))
}

fn access(granted: &Granted) -> Access {
    Access {
        kind: REPOSITORY,
        name: granted.repository.to_string(),
        actions: granted.actions.iter().map(|action| action.name()).collect(),
    }
}

fn scope(granted: &[Granted]) -> String {
    let scopes = granted.iter().map(|granted| {
        let Access {
            kind,
            name,
            actions,
        } = access(granted);
        let scope = Scope {
            kind: kind.to_owned(),
            name,
            actions: actions.into_iter().map(str::to_owned).collect(),
        };
        scope.to_string()
    });
    scopes.collect::<Vec<_>>().join(" ")
}

/// One line of the audit log for each repository, in the log of whom it belongs to.
async fn note(caller: &Caller, granted: &[Granted]) -> Result<(), ApiError> {
    if granted.is_empty() {
        return Ok(());
    }
    let by = caller.ctx.by();
    let mut write = by.app.store.write().await?;
    for granted in granted {
        let mut event = by.event(
            Action::RegistryAuthorize,
            granted.organization,
            &granted.repository,
        );
        let actions = access(granted).actions.join(",");
        event.changes = vec![Change::to("actions", actions)];
        write.audit(event);
    }
    by.app.commit(write).await?;
    Ok(())
}
