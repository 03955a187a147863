//! GitHub's own API in place of an `id_token` (row A26).

use aeolus_model::Secret;
use aeolus_oidc::github::{self, Answers, Endpoints, NobodyError};
use aeolus_oidc::{Identity, SignInError, Tokens};
use serde::de::IgnoredAny;

use super::ask::Asked;
use super::refused::{OrRefused as _, Stop};
use super::trouble::Trouble;

/// Most entries on a page, as they are asked for, and most pages that are read.
const PAGE: usize = 100;
const PAGES: usize = 10;

/// Who an access token's person is.
pub(super) async fn identity(asked: &Asked<'_>, tokens: &Tokens) -> Result<Identity, Stop> {
    let token = tokens.access_token.as_ref().ok_or(SignInError::NoProof);
    let token = token.or_refused()?;
    let endpoints = Endpoints::of(asked.connection).ok_or(SignInError::NoProof);
    let endpoints = endpoints.or_refused()?;
    let user = asked
        .get(&endpoints.user, "/user", token)
        .await
        .or_refused()?;
    let (emails, _) = all(asked, &endpoints.emails, ("/user/emails", token)).await?;
    let (mut organizations, mut teams) = (Vec::new(), Vec::new());
    let mut of_groups = github::Asked::Nothing;
    let of_teams = asked.connection.teams().is_some();
    let mut all_organizations = true;
    if of_teams || asked.connection.names_organizations() {
        (organizations, all_organizations) =
            all(asked, &endpoints.organizations, ("/user/orgs", token)).await?;
    }
    if of_teams {
        let (found, all_teams) = all(asked, &endpoints.teams, ("/user/teams", token)).await?;
        teams = found;
        of_groups = if all_organizations && all_teams {
            github::Asked::All
        } else {
            github::Asked::Part
        };
    }
    let answers = Answers {
        user: &user,
        emails: &emails,
        organizations: &organizations,
        teams: &teams,
        asked: of_groups,
    };
    match github::identity(asked.connection, answers) {
        Ok(identity) => Ok(identity),
        Err(NobodyError::Refused(error)) => Err(error).or_refused(),
        Err(NobodyError::Answer(error)) => Err(Trouble::from(error)).or_refused(),
    }
}

/// A list, and whether it is whole. Pages are counted, so that no link of an answer is ever followed.
async fn all(
    asked: &Asked<'_>,
    url: &str,
    (what, token): (&'static str, &Secret<String>),
) -> Result<(Vec<Vec<u8>>, bool), Stop> {
    let mut pages = Vec::new();
    for page in 1..=PAGES {
        let url = format!("{url}&page={page}");
        let body = asked.get(&url, what, token).await.or_refused()?;
        let entries = serde_json::from_slice::<Vec<IgnoredAny>>(&body);
        let last = entries.is_ok_and(|entries| entries.len() < PAGE);
        pages.push(body.to_vec());
        if last {
            return Ok((pages, true));
        }
    }
    Ok((pages, false))
}
