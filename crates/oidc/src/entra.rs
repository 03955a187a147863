//! Asking Microsoft Graph for somebody's groups, where there are more than a token of Entra holds.
//!
//! Where to ask follows from the connection and from the person who was proved, never from a token's link.

use aeolus_model::Secret;
use serde::Deserialize;

use crate::connection::is_guid;
use crate::graph::graph;
use crate::{Connection, Discovery, Groups, Identity};

/// Longest page.
const MAX: usize = 1024 * 1024;

/// What to ask, of one person.
#[derive(Debug)]
pub struct MemberOf {
    /// Where the application gets a token of its own.
    pub token_url: String,
    /// With what.
    pub form: Vec<(&'static str, Secret<String>)>,
    /// The first page.
    pub url: String,
    /// Below which the next ones are.
    base: String,
}

/// A page of groups.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Their ids.
    pub ids: Vec<String>,
    /// The next page.
    pub next: Option<String>,
}

/// A page that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Graph's answer can't be read, or leads away from Graph")]
pub struct PageError;

#[derive(Deserialize)]
struct Answer {
    value: Vec<Group>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
}

impl MemberOf {
    /// None for other providers, and where the client has no secret.
    pub fn of(connection: &Connection, discovery: &Discovery, identity: &Identity) -> Option<Self> {
        let graph = graph(connection)?;
        let secret = connection.client_secret()?;
        let (tenant, person) = identity.subject.as_str().split_once('/')?;
        if !is_guid(tenant) || !is_guid(person) {
            return None;
        }
        // `https://HOST/TENANT/oauth2/v2.0/token`, where the tenant may stand for many.
        let (start, rest) = discovery
            .token_endpoint()?
            .split_at_checked("https://".len())?;
        let mut parts = rest.splitn(3, '/');
        let (host, _, path) = (parts.next()?, parts.next()?, parts.next()?);
        let text = |text: &str| Secret::new(text.to_owned());
        let base = format!("{graph}/v1.0/");
        Some(Self {
            token_url: format!("{start}{host}/{tenant}/{path}"),
            form: vec![
                ("grant_type", text("client_credentials")),
                ("client_id", text(connection.client_id())),
                ("client_secret", secret.clone()),
                ("scope", text(&format!("{graph}/.default"))),
            ],
            url: format!(
                "{base}users/{person}/transitiveMemberOf/microsoft.graph.group?$select=id&$top=999"
            ),
            base,
        })
    }

    /// A page of the answer.
    pub fn page(&self, body: &[u8]) -> Result<Page, PageError> {
        let body = Some(body).filter(|body| body.len() <= MAX);
        let answer = body.and_then(|body| serde_json::from_slice::<Answer>(body).ok());
        let answer = answer.ok_or(PageError)?;
        let leads_away = |next: &String| !next.starts_with(&self.base);
        if answer.next.as_ref().is_some_and(leads_away) {
            return Err(PageError);
        }
        Ok(Page {
            ids: answer.value.into_iter().map(|group| group.id).collect(),
            next: answer.next,
        })
    }
}

/// Groups by their ids, as the tokens name them.
pub fn groups(ids: &[String]) -> Groups {
    Groups::listed(ids.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use aeolus_model::Slug;
    use serde_json::{Value, json};

    use super::*;
    use crate::Kind;
    use crate::fixture::{TENANT, connection, document, merge};

    const PERSON: &str = "6a1b1d3c-7c1a-4a8e-9a52-3e8a3b0c1f11";

    fn question(settings: Value, subject: &str) -> Option<MemberOf> {
        let host = "https://login.microsoftonline.com";
        let base = json!({"clientId": "c", "discoveryUrl": format!("{host}/common/v2.0"),
            "allowedTenants": [TENANT]});
        let connection = connection(Kind::Microsoft, merge(base, settings));
        let tenants = format!("{host}/{{tenantid}}/v2.0");
        let endpoint = json!({"token_endpoint": format!("{host}/common/oauth2/v2.0/token")});
        let document = merge(document(&tenants), endpoint).to_string();
        let discovery = Discovery::parse(&connection, document.as_bytes()).unwrap();
        let identity = Identity {
            connection: Slug::parse("idp").unwrap(),
            issuer: String::new(),
            subject: subject.parse().unwrap(),
            email: None,
            email_verified: false,
            name: None,
            groups: Groups::AskGraph,
            amr: Vec::new(),
            acr: None,
            auth_time: None,
            sid: None,
        };
        MemberOf::of(&connection, &discovery, &identity)
    }

    #[test]
    fn a_person_s_groups_are_asked_for_at_their_own_tenant() {
        let question = question(json!({}), &format!("{TENANT}/{PERSON}")).unwrap();
        let token_url = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
        assert_eq!(question.token_url, token_url);
        let start = format!("https://graph.microsoft.com/v1.0/users/{PERSON}/transitiveMemberOf/");
        assert!(question.url.starts_with(&start), "{}", question.url);
        let text = |name| {
            let mut form = question.form.iter();
            form.find(|(held, _)| *held == name)
                .unwrap()
                .1
                .expose()
                .clone()
        };
        assert_eq!(text("scope"), "https://graph.microsoft.com/.default");
        assert_eq!(text("client_secret"), "s3cret");
    }

    #[test]
    fn a19_pages_lead_on_within_graph_alone() {
        let question = question(json!({}), &format!("{TENANT}/{PERSON}")).unwrap();
        let page = |next: Value| {
            let body = json!({"value": [{"id": "g1"}], "@odata.nextLink": next});
            question.page(body.to_string().as_bytes())
        };
        let on = "https://graph.microsoft.com/v1.0/users/x?$skiptoken=1";
        assert_eq!(page(json!(on)).unwrap().next.as_deref(), Some(on));
        assert_eq!(page(Value::Null).unwrap().ids, ["g1"]);
        for away in [
            "https://evil.test/v1.0/",
            "http://graph.microsoft.com/v1.0/",
            "https://graph.microsoft.com.evil.test/v1.0/",
            "https://graph.microsoft.com/beta/",
        ] {
            assert_eq!(page(json!(away)), Err(PageError), "{away}");
        }
        assert_eq!(question.page(b"<html>"), Err(PageError));
    }

    #[test]
    fn nobody_is_asked_about_a_subject_that_is_none_of_entra() {
        for odd in ["a/b", TENANT, &format!("{TENANT}/../me")] {
            assert!(question(json!({}), odd).is_none(), "{odd}");
        }
    }
}
