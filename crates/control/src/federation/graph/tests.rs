//! Questions to a Graph that answers from a table.

use std::collections::BTreeMap;
use std::sync::Mutex;

use aeolus_oidc::{Kind, Settings};
use serde_json::{Value, json};

use super::*;

pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(crate) const GRAPH: &str = "https://graph.microsoft.com/v1.0/";

/// What is answered, by the URL below Graph and without its query but for a page's. What isn't there is a 404; a
/// null is an answer that doesn't come.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) answers: Mutex<BTreeMap<String, Value>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Table {
    pub(crate) fn says(&self, path: &str, answer: Value) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub(crate) fn forgets(&self, path: &str) {
        self.answers.lock().unwrap().remove(path);
    }
}

impl Carrier for Table {
    async fn token(&self, _: &Application) -> Result<Secret<String>, Unheard> {
        Ok(Secret::new("of-the-application".to_owned()))
    }

    async fn get(&self, url: &str, token: &Secret<String>) -> Result<Bytes, Unheard> {
        assert_eq!(token.expose(), "of-the-application");
        let path = url.strip_prefix(GRAPH).unwrap();
        self.asked.lock().unwrap().push(path.to_owned());
        let path = path.split("?$select").next().unwrap();
        match self.answers.lock().unwrap().get(path) {
            None => Err(Unheard::NotThere),
            Some(Value::Null) => Err(Unheard::Trouble("no answer in time".to_owned())),
            Some(answer) => Ok(answer.to_string().into()),
        }
    }
}

pub(crate) fn id(n: u32) -> String {
    format!("{n:08x}-7c1a-4a8e-9a52-3e8a3b0c1f11")
}

/// An Entra whose groups become Teams.
pub(crate) fn entra(teams: &Value) -> (Connection, Discovery) {
    entra_of(TENANT, &[], teams)
}

/// The same below a path, whose people may come from tenants.
pub(crate) fn entra_of(path: &str, tenants: &[&str], teams: &Value) -> (Connection, Discovery) {
    let host = "https://login.microsoftonline.com";
    let settings = json!({"clientId": "c", "discoveryUrl": format!("{host}/{path}/v2.0"),
        "allowedTenants": tenants, "teams": teams});
    let settings: Settings = serde_json::from_value(settings).unwrap();
    let secret = Some(Secret::new("s3cret".to_owned()));
    let name = "entra".parse().unwrap();
    let connection = Connection::new(name, Kind::Microsoft, &settings, secret).unwrap();
    let named = if path == TENANT { TENANT } else { "{tenantid}" };
    let document = json!({
        "issuer": format!("{host}/{named}/v2.0"),
        "authorization_endpoint": format!("{host}/{TENANT}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{host}/{TENANT}/oauth2/v2.0/token"),
        "jwks_uri": format!("{host}/{TENANT}/keys"),
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    let discovery = Discovery::parse(&connection, document.to_string().as_bytes()).unwrap();
    (connection, discovery)
}

fn application() -> Application {
    let (connection, discovery) = entra(&json!({}));
    Application::at(&connection, &discovery, TENANT).unwrap()
}

fn subject(n: u32) -> IdentitySubject {
    format!("{TENANT}/{}", id(n)).parse().unwrap()
}

/// So many pages of one group each.
fn paged(table: &Table, first: &str, pages: usize) {
    for page in 0..pages {
        let path = |page: usize| match page {
            0 => first.to_owned(),
            page => format!("{first}/page{page}"),
        };
        let mut answer = json!({"value": [{"id": id(page.try_into().unwrap())}]});
        if page + 1 < pages {
            answer["@odata.nextLink"] = json!(format!("{GRAPH}{}", path(page + 1)));
        }
        table.says(&path(page), answer);
    }
}

#[tokio::test]
async fn a_list_that_goes_on_beyond_what_is_read_is_known_to_be_a_part() {
    let first = format!("users/{}/transitiveMemberOf", id(9));
    for (pages, found, whole) in [(8, 8, true), (9, 8, false)] {
        let table = Table::default();
        paged(&table, &first, pages);
        let list = groups_of(&table, &application(), &subject(9))
            .await
            .unwrap();
        assert_eq!((list.iter().count(), list.is_whole()), (found, whole));
    }
    // Or breaks off.
    let table = Table::default();
    paged(&table, &first, 3);
    table.says(&format!("{first}/page2"), Value::Null);
    let broken = groups_of(&table, &application(), &subject(9)).await;
    assert!(broken.is_err(), "a part that nobody knows the size of");
}

async fn asked(table: &Table) -> Result<Option<Known>, Unheard> {
    let token = Secret::new("of-the-application".to_owned());
    group(table, &application(), (&token, &id(1))).await
}

#[tokio::test]
async fn x11_a_group_is_gone_only_where_others_are_known() {
    let table = Table::default();
    let heard = asked(&table).await;
    assert!(matches!(heard, Err(Unheard::NotThere)), "{heard:?}");
    table.says("groups", Value::Null);
    assert!(asked(&table).await.is_err());
    table.says("groups", json!({"value": [{"id": id(2)}]}));
    assert_eq!(asked(&table).await.unwrap(), None);
    // There, without members that can be read.
    let own = format!("groups/{}", id(1));
    table.says(&own, json!({"id": id(1), "displayName": "One"}));
    assert!(asked(&table).await.is_err());
    table.says(
        &format!("{own}/transitiveMembers"),
        json!({"value": [{"id": id(7)}, {"id": "../8"}]}),
    );
    let known = Known {
        name: Some("One".to_owned()),
        members: vec![subject(7)],
        whole: true,
    };
    assert_eq!(asked(&table).await.unwrap(), Some(known));
}
