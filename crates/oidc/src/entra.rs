//! Asking Microsoft Graph about groups, where tokens of Entra say too little: which ones somebody is in where
//! they don't fit, what they are called, who is in them.
//!
//! Where to ask follows from the connection and from the tenant of people who were proved, never from a token's
//! link. Next pages are followed within Graph alone.

use aeolus_model::{IdentitySubject, Secret};
use serde::Deserialize;

use crate::connection::is_guid;
use crate::graph::graph;
use crate::identity::shown;
use crate::{Connection, Discovery, GroupList};

/// Longest page.
const MAX: usize = 1024 * 1024;

/// An application that asks in its own name, at one tenant.
#[derive(Debug)]
pub struct Application {
    /// Where it gets a token of its own (RFC 6749 §4.4).
    pub token_url: String,
    /// With what.
    pub form: Vec<(&'static str, Secret<String>)>,
    tenant: String,
    /// Whether other tenants' people come, too: then groups are told apart by the tenant.
    several: bool,
    /// Below which all that is asked is.
    base: String,
}

/// The tenant and the object's own id in an id that tells tenants apart.
pub fn parts_of(group: &str) -> Option<(&str, &str)> {
    let parts = group.split_once('/');
    parts.filter(|(tenant, object)| is_guid(tenant) && is_guid(object))
}

/// A page of groups, or of a group's members.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Their ids, and what they are called.
    pub found: Vec<(String, Option<String>)>,
    /// The next page.
    pub next: Option<String>,
}

/// A page that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Graph's answer can't be read, or leads away from Graph")]
pub struct PageError;

#[derive(Deserialize)]
struct Answer {
    value: Vec<Object>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: String,
    #[serde(rename = "displayName")]
    name: Option<String>,
}

impl Application {
    /// At the tenant of a subject (`tid/oid`). None for other providers, and where the client has no secret.
    pub fn of(
        connection: &Connection,
        discovery: &Discovery,
        subject: &IdentitySubject,
    ) -> Option<Self> {
        let (tenant, person) = subject.as_str().split_once('/')?;
        if !is_guid(person) {
            return None;
        }
        Self::at(connection, discovery, tenant)
    }

    /// At a tenant.
    pub fn at(connection: &Connection, discovery: &Discovery, tenant: &str) -> Option<Self> {
        let graph = graph(connection)?;
        let secret = connection.client_secret()?;
        if !is_guid(tenant) {
            return None;
        }
        // `https://HOST/TENANT/oauth2/v2.0/token`, where the tenant may stand for many.
        let (start, rest) = discovery
            .token_endpoint()?
            .split_at_checked("https://".len())?;
        let mut parts = rest.splitn(3, '/');
        let (host, _, path) = (parts.next()?, parts.next()?, parts.next()?);
        let text = |text: &str| Secret::new(text.to_owned());
        Some(Self {
            token_url: format!("{start}{host}/{tenant}/{path}"),
            form: vec![
                ("grant_type", text("client_credentials")),
                ("client_id", text(connection.client_id())),
                ("client_secret", secret.clone()),
                ("scope", text(&format!("{graph}/.default"))),
            ],
            tenant: tenant.to_owned(),
            several: connection.discovery().is_of_every_tenant(),
            base: format!("{graph}/v1.0/"),
        })
    }

    /// The tenant.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Where all groups of a person of this tenant are asked for. None for others.
    pub fn groups_of(&self, subject: &IdentitySubject) -> Option<String> {
        let (tenant, person) = subject.as_str().split_once('/')?;
        let known = tenant == self.tenant && is_guid(person);
        let select = "$select=id,displayName&$top=999";
        known.then(|| format!("{}users/{person}/transitiveMemberOf?{select}", self.base))
    }

    /// What Graph calls a group of this tenant.
    fn object<'g>(&self, group: &'g str) -> Option<&'g str> {
        match parts_of(group) {
            Some((tenant, object)) => (tenant == self.tenant).then_some(object),
            None => is_guid(group).then_some(group),
        }
    }

    /// Where a group is asked for.
    pub fn group(&self, id: &str) -> Option<String> {
        let object = self.object(id)?;
        Some(format!(
            "{}groups/{object}?$select=id,displayName",
            self.base
        ))
    }

    /// What a group is called, by the answer; a group may have no name.
    pub fn name_of(&self, id: &str, body: &[u8]) -> Result<Option<String>, PageError> {
        let group: Object = read(body)?;
        if self.object(id) == Some(group.id.as_str()) {
            Ok(group.name.as_deref().and_then(shown))
        } else {
            Err(PageError)
        }
    }

    /// Groups as the tokens of this tenant's people name them.
    pub fn listed(&self, found: Vec<(String, Option<String>)>) -> GroupList {
        let list = GroupList::new(found);
        if self.several {
            list.of_tenant(&self.tenant, true)
        } else {
            list
        }
    }

    /// Where some group is asked for, whichever.
    pub fn any_group(&self) -> String {
        format!("{}groups?$select=id&$top=1", self.base)
    }

    /// Where all that is in a group is asked for.
    pub fn members(&self, id: &str) -> Option<String> {
        let object = self.object(id)?;
        let select = "$select=id&$top=999";
        Some(format!(
            "{}groups/{object}/transitiveMembers?{select}",
            self.base
        ))
    }

    /// A subject of this tenant.
    pub fn subject(&self, object: &str) -> Option<IdentitySubject> {
        let known = is_guid(object);
        known.then(|| format!("{}/{object}", self.tenant).parse().ok())?
    }

    /// A page of an answer.
    pub fn page(&self, body: &[u8]) -> Result<Page, PageError> {
        let answer: Answer = read(body)?;
        let leads_away = |next: &String| !next.starts_with(&self.base);
        if answer.next.as_ref().is_some_and(leads_away) {
            return Err(PageError);
        }
        let groups_and_people = answer.value.into_iter().filter(|object| {
            let kind = object.kind.as_deref();
            kind.is_none_or(|kind| {
                matches!(kind, "#microsoft.graph.group" | "#microsoft.graph.user")
            })
        });
        Ok(Page {
            found: groups_and_people
                .map(|object| (object.id, object.name))
                .collect(),
            next: answer.next,
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, PageError> {
    let body = Some(body).filter(|body| body.len() <= MAX);
    body.and_then(|body| serde_json::from_slice(body).ok())
        .ok_or(PageError)
}

#[cfg(test)]
mod tests {
    use aeolus_model::Slug;
    use serde_json::{Value, json};

    use super::*;
    use crate::Kind;
    use crate::fixture::{TENANT, connection, document, merge};

    const PERSON: &str = "6a1b1d3c-7c1a-4a8e-9a52-3e8a3b0c1f11";

    fn application(subject: &str) -> Option<Application> {
        let host = "https://login.microsoftonline.com";
        let settings = json!({"clientId": "c", "discoveryUrl": format!("{host}/common/v2.0"),
            "allowedTenants": [TENANT]});
        let connection = connection(Kind::Microsoft, settings);
        assert_eq!(connection.name(), &Slug::parse("idp").unwrap());
        let tenants = format!("{host}/{{tenantid}}/v2.0");
        let endpoint = json!({"token_endpoint": format!("{host}/common/oauth2/v2.0/token")});
        let document = merge(document(&tenants), endpoint).to_string();
        let discovery = Discovery::parse(&connection, document.as_bytes()).unwrap();
        Application::of(&connection, &discovery, &subject.parse().unwrap())
    }

    fn ours() -> Application {
        application(&format!("{TENANT}/{PERSON}")).unwrap()
    }

    #[test]
    fn a_person_s_groups_are_asked_for_at_their_own_tenant() {
        let asked = ours();
        let token_url = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
        assert_eq!(asked.token_url, token_url);
        let url = asked.groups_of(&format!("{TENANT}/{PERSON}").parse().unwrap());
        let start = format!("https://graph.microsoft.com/v1.0/users/{PERSON}/transitiveMemberOf?");
        assert!(url.unwrap().starts_with(&start));
        let other = format!("00000000-7c1a-4a8e-9a52-3e8a3b0c1f11/{PERSON}");
        assert_eq!(asked.groups_of(&other.parse().unwrap()), None);
        let text = |name| {
            let mut form = asked.form.iter();
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
        let asked = ours();
        let page = |next: Value| {
            let body =
                json!({"value": [{"id": "g1", "displayName": "One"}], "@odata.nextLink": next});
            asked.page(body.to_string().as_bytes())
        };
        let on = "https://graph.microsoft.com/v1.0/users/x?$skiptoken=1";
        assert_eq!(page(json!(on)).unwrap().next.as_deref(), Some(on));
        let found = page(Value::Null).unwrap().found;
        assert_eq!(found, [("g1".to_owned(), Some("One".to_owned()))]);
        for away in [
            "https://evil.test/v1.0/",
            "http://graph.microsoft.com/v1.0/",
            "https://graph.microsoft.com.evil.test/v1.0/",
            "https://graph.microsoft.com/beta/",
        ] {
            assert_eq!(page(json!(away)), Err(PageError), "{away}");
        }
        assert_eq!(asked.page(b"<html>"), Err(PageError));
    }

    #[test]
    fn what_is_neither_a_group_nor_a_person_is_left_out() {
        let kind =
            |kind: &str| json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": kind});
        let body =
            json!({"value": [kind("directoryRole"), kind("group"), kind("user"), {"id": "x"}]});
        let page = ours().page(body.to_string().as_bytes()).unwrap();
        let ids: Vec<_> = page.found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["group", "user", "x"]);
    }

    #[test]
    fn a_group_is_asked_for_by_its_id_and_may_have_no_name() {
        assert_eq!(ours().group("../users"), None);
        assert_eq!(ours().members("a b"), None);
        assert!(
            ours()
                .members(PERSON)
                .unwrap()
                .contains("/transitiveMembers?")
        );
        assert_eq!(
            ours().subject(PERSON).unwrap().as_str(),
            format!("{TENANT}/{PERSON}")
        );
        let named = |body: Value| ours().name_of(PERSON, body.to_string().as_bytes());
        assert_eq!(
            named(json!({"id": PERSON, "displayName": "One"})),
            Ok(Some("One".to_owned()))
        );
        assert_eq!(named(json!({"id": PERSON, "displayName": null})), Ok(None));
        assert_eq!(
            named(json!({"id": TENANT, "displayName": "One"})),
            Err(PageError)
        );
        assert_eq!(named(json!({})), Err(PageError));
    }

    #[test]
    fn d4_a_group_of_another_tenant_is_not_asked_for_here() {
        let own = format!("{TENANT}/{PERSON}");
        assert_eq!(ours().group(&own), ours().group(PERSON));
        assert_eq!(ours().members(&own), ours().members(PERSON));
        let other = format!("{PERSON}/{PERSON}");
        assert_eq!((ours().group(&other), ours().members(&other)), (None, None));
        let list = ours().listed(vec![(PERSON.to_owned(), Some("One".to_owned()))]);
        assert_eq!(
            list.iter().collect::<Vec<_>>(),
            [(own.as_str(), Some("One"))]
        );
    }

    #[test]
    fn nobody_is_asked_about_a_subject_that_is_none_of_entra() {
        for odd in ["a/b", TENANT, &format!("{TENANT}/../me")] {
            assert!(application(odd).is_none(), "{odd}");
        }
    }
}
