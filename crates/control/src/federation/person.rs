//! From an answer that was checked to somebody whom the provider proves.

use aeolus_model::Secret;
use aeolus_oidc::{Answer, Identity, Proof, Protocol, Redirects, SignInError, Tokens};

use super::ask::Asked;
use super::github;
use super::refused::{OrRefused as _, Refused, Stop};

/// Somebody whom a provider proves.
pub(super) struct Proved {
    pub(super) identity: Identity,
    /// What proves it, where there is such a token.
    pub(super) id_token: Option<Secret<String>>,
}

/// Who it is.
pub(super) async fn of_answer(
    asked: &Asked<'_>,
    redirects: &Redirects,
    answer: Answer,
) -> Result<Proved, Stop> {
    let tokens = match answer {
        Answer::Refused { error, detail, .. } => {
            return Err(Stop::Refused(Refused::Said(error, detail)));
        }
        Answer::Code { code, .. } => asked.exchange(redirects, &code).await?,
        Answer::Tokens { tokens, .. } => tokens,
    };
    if asked.connection.profile().protocol == Protocol::GitHub {
        return Ok(Proved {
            identity: github::identity(asked, &tokens).await?,
            id_token: None,
        });
    }
    let identity = match of_tokens(asked, &tokens, false).await {
        // Perhaps the provider has new keys.
        Err(Stop::Refused(Refused::SignIn(SignInError::Key))) => {
            of_tokens(asked, &tokens, true).await?
        }
        other => other?,
    };
    Ok(Proved {
        identity,
        id_token: tokens.id_token,
    })
}

async fn of_tokens(asked: &Asked<'_>, tokens: &Tokens, again: bool) -> Result<Identity, Stop> {
    let parts = (asked.connection, asked.discovery);
    let keys = asked
        .provider
        .keys(asked.egress, parts, (again, asked.now))
        .await
        .or_refused()?;
    let proof = Proof {
        connection: asked.connection,
        discovery: asked.discovery,
        keys: &keys,
        attempt: asked.attempt,
        now: asked.now,
    };
    let proved = proof.of_tokens(tokens).or_refused()?;
    let user_info = match (&tokens.access_token, proved.wants_user_info()) {
        (Some(token), true) => Some(asked.user_info(token).await?),
        _ => None,
    };
    proved.identity(user_info.as_ref()).or_refused()
}
