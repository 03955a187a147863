//! Entra's groups where there are more than a token holds: Microsoft Graph is asked in the application's own
//! name (rows A6, A7).

use aeolus_model::Secret;
use aeolus_oidc::{Groups, Identity, Tokens, entra};

use super::ask::Asked;

/// Most pages of groups that are read.
const PAGES: usize = 8;

/// What Graph says. Without a secret, or where it doesn't answer, nobody knows: the person comes in, and
/// their groups stay as they are.
pub(super) async fn ask(asked: &Asked<'_>, identity: &Identity) -> Groups {
    let Some(question) = entra::MemberOf::of(asked.connection, asked.discovery, identity) else {
        return Groups::Unknown;
    };
    match answered(asked, &question).await {
        Ok(groups) => groups,
        Err(cause) => {
            let connection = asked.connection.name().as_str();
            tracing::warn!(connection, cause, "Graph does not tell somebody's groups");
            Groups::Unknown
        }
    }
}

async fn answered(asked: &Asked<'_>, question: &entra::MemberOf) -> Result<Groups, String> {
    let token = application_token(asked, question).await?;
    let mut url = question.url.clone();
    let mut ids = Vec::new();
    for _ in 0..PAGES {
        let body = asked.get(&url, "Graph", &token).await;
        let page = question.page(&body.map_err(|error| error.to_string())?);
        let page = page.map_err(|error| error.to_string())?;
        ids.extend(page.ids);
        match page.next {
            Some(next) => url = next,
            None => return Ok(entra::groups(&ids)),
        }
    }
    Ok(entra::groups(&ids))
}

/// By the client's credentials (RFC 6749 §4.4), at the person's own tenant.
async fn application_token(
    asked: &Asked<'_>,
    question: &entra::MemberOf,
) -> Result<Secret<String>, String> {
    let form = question.form.iter();
    let form: Vec<(&str, &str)> = form
        .map(|(name, value)| (*name, value.expose().as_str()))
        .collect();
    let (url, reach) = (&question.token_url, asked.reach(&question.token_url));
    let answered = asked.egress.post_form_for_answer(url, &form, None, reach);
    let answered = answered.await.map_err(|error| error.to_string())?;
    let tokens = Tokens::parse(&answered.body).map_err(|error| error.to_string())?;
    tokens
        .access_token
        .ok_or_else(|| "no access token".to_owned())
}
