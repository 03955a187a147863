//! Asking Microsoft Graph about groups, in the application's own name (rows A6, A7). An answer that breaks off is
//! known to be a part, and one that isn't there says nothing.

use std::future::Future;

use aeolus_api::egress::{Egress, EgressError, reach_of};
use aeolus_model::{IdentitySubject, Secret, Time};
use aeolus_oidc::entra::{self, Application};
use aeolus_oidc::{Connection, Discovery, GroupList, Groups, Identity, Tokens};
use bytes::Bytes;
use http::StatusCode;

use super::ask::Asked;
use super::provider::Need;
use crate::app::App;
use crate::connections::SignIn;
use crate::groups::{self, News};

/// Most pages of somebody's groups that are read while they wait, and of a group's members.
const PAGES_OF_PERSON: usize = 8;
const PAGES_OF_GROUP: usize = 100;

/// Why Graph isn't heard.
#[derive(Debug)]
pub(crate) enum Unheard {
    /// It has nothing there.
    NotThere,
    /// Anything else, for the log.
    Trouble(String),
}

/// What carries questions to Graph.
pub(crate) trait Carrier: Sync {
    /// A token of the application's own.
    fn token(
        &self,
        application: &Application,
    ) -> impl Future<Output = Result<Secret<String>, Unheard>> + Send;

    /// An answer.
    fn get(
        &self,
        url: &str,
        token: &Secret<String>,
    ) -> impl Future<Output = Result<Bytes, Unheard>> + Send;
}

/// The way out.
pub(crate) struct ByEgress<'a> {
    egress: &'a Egress,
    connection: &'a Connection,
}

/// A group as Graph knows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// What it is called.
    pub(crate) name: Option<String>,
    /// Who is in it.
    pub(crate) members: Vec<IdentitySubject>,
    /// Whether that is all of them.
    pub(crate) whole: bool,
}

impl From<String> for Unheard {
    fn from(cause: String) -> Self {
        Self::Trouble(cause)
    }
}

impl From<entra::PageError> for Unheard {
    fn from(error: entra::PageError) -> Self {
        Self::Trouble(error.to_string())
    }
}

impl std::fmt::Display for Unheard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotThere => f.write_str("it answers 404"),
            Self::Trouble(cause) => f.write_str(cause),
        }
    }
}

impl Carrier for ByEgress<'_> {
    async fn token(&self, application: &Application) -> Result<Secret<String>, Unheard> {
        let form = application.form.iter();
        let form: Vec<(&str, &str)> = form
            .map(|(name, value)| (*name, value.expose().as_str()))
            .collect();
        let url = &application.token_url;
        let reach = reach_of(url, &self.connection.discovery().document());
        let answered = self.egress.post_form_for_answer(url, &form, None, reach);
        let answered = answered.await.map_err(|error| error.to_string())?;
        let tokens = Tokens::parse(&answered.body).map_err(|error| error.to_string())?;
        let none = || "it gives no access token".to_owned();
        Ok(tokens.access_token.ok_or_else(none)?)
    }

    async fn get(&self, url: &str, token: &Secret<String>) -> Result<Bytes, Unheard> {
        let reach = reach_of(url, &self.connection.discovery().document());
        let answered = self.egress.get_with_bearer(url, token, reach).await;
        answered.map_err(|error| match error {
            EgressError::Status(StatusCode::NOT_FOUND) => Unheard::NotThere,
            other => Unheard::Trouble(other.to_string()),
        })
    }
}

/// What is missing of somebody's groups, asked where somebody can be asked. Where nobody answers, the person
/// comes in, and what isn't known is left as it is.
pub(super) async fn complete(
    app: &App,
    asked: &Asked<'_>,
    (sign_in, identity): (&SignIn, Identity),
) -> Result<Identity, crate::error::ApiError> {
    let application = Application::of(asked.connection, asked.discovery, &identity.subject);
    let Some(application) = application.filter(|_| asked.connection.teams().is_some()) else {
        return Ok(identity);
    };
    let mut view = app.store.read().await?;
    let news = groups::news(&mut view, (sign_in.id, asked.connection), &identity).await?;
    drop(view);
    if news == News::None {
        return Ok(identity);
    }
    let carrier = ByEgress {
        egress: asked.egress,
        connection: asked.connection,
    };
    let found = groups_of(&carrier, &application, &identity.subject).await;
    let found = match found {
        Ok(found) => found,
        Err(cause) => {
            let connection = asked.connection.name().as_str();
            tracing::warn!(connection, %cause, "Graph does not tell somebody's groups");
            return Ok(identity);
        }
    };
    let groups = match (news, identity.groups) {
        (News::Names, Groups::Listed(list)) => Groups::Listed(list.named_by(&found)),
        (News::Still(held), _) => Groups::Listed(found.only(&held)),
        (News::Groups, _) => Groups::Listed(found),
        (_, groups) => groups,
    };
    Ok(Identity { groups, ..identity })
}

/// Somebody's groups.
async fn groups_of(
    carrier: &impl Carrier,
    application: &Application,
    subject: &IdentitySubject,
) -> Result<GroupList, Unheard> {
    let none = || "they are of another tenant".to_owned();
    let url = application.groups_of(subject).ok_or_else(none)?;
    let token = carrier.token(application).await?;
    let (found, whole) = pages(carrier, application, (&token, url), PAGES_OF_PERSON).await?;
    let list = application.listed(found);
    Ok(if whole { list } else { list.cut() })
}

/// A group's name and members; none of one that Graph doesn't know, where it knows others of the tenant.
pub(crate) async fn group(
    carrier: &impl Carrier,
    application: &Application,
    (token, id): (&Secret<String>, &str),
) -> Result<Option<Known>, Unheard> {
    let none = || "its id is none of Entra".to_owned();
    let (own, members) = application
        .group(id)
        .zip(application.members(id))
        .ok_or_else(none)?;
    let name = match carrier.get(&own, token).await {
        Ok(body) => application.name_of(id, &body)?,
        Err(Unheard::NotThere) => {
            // Whoever doesn't know this one has to know that there are some.
            let any = carrier.get(&application.any_group(), token).await?;
            application.page(&any)?;
            return Ok(None);
        }
        Err(other) => return Err(other),
    };
    let (found, whole) = pages(carrier, application, (token, members), PAGES_OF_GROUP).await?;
    let members = found.iter().filter_map(|(id, _)| application.subject(id));
    Ok(Some(Known {
        name,
        members: members.collect(),
        whole,
    }))
}

type Found = Vec<(String, Option<String>)>;

/// Everything that is found, page by page, and whether that was all.
async fn pages(
    carrier: &impl Carrier,
    application: &Application,
    (token, mut url): (&Secret<String>, String),
    most: usize,
) -> Result<(Found, bool), Unheard> {
    let mut all = Vec::new();
    for _ in 0..most {
        let body = carrier.get(&url, token).await?;
        let page = application.page(&body)?;
        all.extend(page.found);
        match page.next {
            Some(next) => url = next,
            None => return Ok((all, true)),
        }
    }
    Ok((all, false))
}

/// The provider's document, and how it is asked: for whoever asks beside sign-ins.
pub(crate) async fn with<'a>(
    app: &'a App,
    sign_in: &'a SignIn,
    now: Time,
) -> Result<(ByEgress<'a>, Discovery), Unheard> {
    let heard = async {
        let egress = app.federation.egress(&app.egress)?;
        let provider = app.federation.providers.of(sign_in.id, &sign_in.connection);
        let asked = (Need::Any, now);
        let discovery = provider
            .discovery(egress, &sign_in.connection, asked)
            .await?;
        Ok::<_, super::trouble::Trouble>((egress, discovery))
    };
    let (egress, discovery) = heard.await.map_err(|trouble| trouble.to_string())?;
    let connection = &sign_in.connection;
    Ok((ByEgress { egress, connection }, discovery))
}

#[cfg(test)]
pub(crate) mod tests;
