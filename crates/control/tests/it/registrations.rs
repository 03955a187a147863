//! Planes that people give a client at a provider by the API, beside those of fleet documents.

use aeolus_control::ControlConfig;
use aeolus_model::Action;
use aeolus_snapshot::{Snapshot, section};
use serde_json::{Value, json};

use crate::connections::{Idp, apply};
use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture, fleet};
use crate::publish::Reader;

on_every_engine! {
    a_plane_that_is_registered_is_told_at_once_and_so_is_its_end,
    what_a_document_says_of_a_plane_is_changed_in_the_document_alone,
    what_a_document_could_not_say_is_refused_with_the_same_words,
    nobody_undoes_a_registration_that_they_have_not_seen,
}

const PLANES: &str = "/v1/connections/idp/planes";
const EU: &str = "/v1/connections/idp/planes/eu-1";

struct Place {
    f: Fixture,
    idp: Idp,
    admin: String,
}

/// A fleet with a connection, and a plane that has a host for it.
fn document(idp: &Idp) -> Value {
    let mut body = fleet();
    body["fleet"]["planes"][0]["authHost"] = json!("auth.eu-1.example.com");
    body["fleet"]["connections"] = json!([
        {"name": "idp", "type": "custom", "clientId": "spa", "discoveryUrl": idp.url},
    ]);
    body
}

impl Place {
    async fn new(name: &str, database: Option<String>) -> Self {
        let on = |config: &mut ControlConfig| {
            if let Some(url) = database {
                config.database = url;
            }
        };
        let f = Fixture::configured(name, on).await;
        let idp = Idp::start().await;
        idp.publish(&["a"]);
        let admin = f.admin().await;
        apply(&f, &admin, "", document(&idp)).await;
        Self { f, idp, admin }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = Some(body).filter(|body| !body.is_null());
        self.f.call(method, path, &self.admin, body).await
    }

    async fn put(&self, client: &str) -> Answer {
        self.ask("PUT", EU, json!({"clientId": client})).await
    }

    /// What was done to registrations: target, reason and the client that there is now, newest first.
    async fn audited(&self, action: Action) -> Vec<[Value; 3]> {
        let path = format!("/v1/audit?order=newest&action={}", action.name());
        let log = self.ask("GET", &path, Value::Null).await.expect(200).json();
        let lines = log["items"].as_array().unwrap().iter();
        let lines = lines.map(|line| {
            let client = line["changes"][0]["after"].clone();
            [line["target"].clone(), line["reason"].clone(), client]
        });
        lines.collect()
    }
}

fn registration(snapshot: &Snapshot) -> Option<&section::PlaneRegistration> {
    let mut connections = snapshot.sections().connections.connections.iter();
    connections.find_map(|connection| connection.plane_registration.as_ref())
}

async fn a_plane_that_is_registered_is_told_at_once_and_so_is_its_end(database: Option<String>) {
    let place = Place::new("registered", database).await;
    let f = &place.f;
    f.work();
    let mut reader = Reader::new(f, &place.admin).await;
    let none = place.ask("GET", PLANES, Value::Null).await.expect(200);
    assert_eq!(none.json()["items"], json!([]));
    place.ask("GET", EU, Value::Null).await.expect(404);
    place.ask("DELETE", EU, Value::Null).await.expect(404);
    let done = place.put("aeolus-eu-1").await.expect(200).json();
    assert_eq!(done["registered"]["origin"], "api");
    let redirect = "https://auth.eu-1.example.com/.aeolus/callback";
    assert_eq!(done["registered"]["redirectUri"], redirect);
    assert_eq!(done["registered"]["jwksUri"], Value::Null);
    let told = reader.until(f, |s| registration(s).is_some()).await;
    let told = registration(&told).unwrap();
    assert_eq!(told.client_id, "aeolus-eu-1");
    assert_eq!(told.token_endpoint, format!("{}/token", place.idp.url));
    let shown = place.ask("GET", EU, Value::Null).await.expect(200).json();
    assert_eq!(shown["problem"], Value::Null, "{shown}");

    // Another client, which signs, by the ids of both.
    let listed = place
        .ask("GET", "/v1/connections", Value::Null)
        .await
        .json();
    let mut listed = listed["items"].as_array().unwrap().iter();
    let connection = listed.find(|each| each["name"] == "idp").unwrap();
    assert_eq!(
        connection["planeRegistrations"][0]["clientId"],
        "aeolus-eu-1"
    );
    let plane = place
        .ask("GET", "/v1/planes/eu-1", Value::Null)
        .await
        .json();
    let id = |of: &Value| of["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/connections/{}/planes/{}", id(connection), id(&plane));
    let signs = json!({"clientId": "signs", "tokenEndpointAuthMethod": "private_key_jwt"});
    let done = place.ask("PUT", &path, signs).await.expect(200).json();
    let keys = "https://auth.eu-1.example.com/.aeolus/jwks/idp";
    assert_eq!(done["registered"]["jwksUri"], keys);
    let signs = |s: &Snapshot| registration(s).is_some_and(|told| told.client_id == "signs");
    let told = reader.until(f, signs).await;
    assert_eq!(
        registration(&told).unwrap().token_endpoint_auth_method,
        "private_key_jwt"
    );

    // What is applied again without a word of it leaves it alone.
    apply(f, &place.admin, "prune=true", document(&place.idp)).await;
    place.ask("GET", EU, Value::Null).await.expect(200);
    place.ask("DELETE", EU, Value::Null).await.expect(200);
    reader.until(f, |s| registration(s).is_none()).await;
    place.ask("DELETE", EU, Value::Null).await.expect(404);
    let line = |client: Value| [json!("idp"), json!("plane:eu-1"), client];
    let done = place.audited(Action::PlaneRegister).await;
    assert_eq!(done, [line(json!("signs")), line(json!("aeolus-eu-1"))]);
    let done = place.audited(Action::PlaneUnregister).await;
    assert_eq!(done, [line(Value::Null)]);
}

async fn what_a_document_says_of_a_plane_is_changed_in_the_document_alone(
    database: Option<String>,
) {
    let place = Place::new("declared", database).await;
    place.put("by-hand").await.expect(200);
    let mut body = document(&place.idp);
    let declared = json!([{"plane": "eu-1", "clientId": "declared"}]);
    body["fleet"]["connections"][0]["planeRegistrations"] = declared;
    apply(&place.f, &place.admin, "", body).await;
    let shown = place.ask("GET", EU, Value::Null).await.expect(200).json();
    assert_eq!(
        (&shown["clientId"], &shown["origin"]),
        (&json!("declared"), &json!("document"))
    );
    for refused in [
        place.put("by-hand").await,
        place.ask("DELETE", EU, Value::Null).await,
    ] {
        assert_eq!(refused.expect(409).json()["code"], "managed-by-document");
    }
    // What is no more in the document is nowhere.
    apply(&place.f, &place.admin, "", document(&place.idp)).await;
    place.ask("GET", EU, Value::Null).await.expect(404);
}

async fn what_a_document_could_not_say_is_refused_with_the_same_words(database: Option<String>) {
    let place = Place::new("unfit", database).await;
    let refused = async |body: Value| {
        let answer = place.ask("PUT", EU, body).await.expect(422).json();
        let first = &answer["errors"][0];
        (
            first["at"].as_str().unwrap().to_owned(),
            first["message"].as_str().unwrap().to_owned(),
        )
    };
    for client in ["spa", "", "a b"] {
        let (at, _) = refused(json!({"clientId": client})).await;
        assert_eq!(at, "clientId", "{client:?}");
    }
    for (kind, method, at, word) in [
        ("google", "none", "connection", "no secret goes to a plane"),
        ("github", "none", "connection", "no id_token"),
        (
            "auth0",
            "private_key_jwt",
            "tokenEndpointAuthMethod",
            "RSA keys only",
        ),
    ] {
        let mut body = document(&place.idp);
        body["fleet"]["connections"][0]["type"] = json!(kind);
        if kind == "github" {
            body["fleet"]["connections"][0]["discoveryUrl"] = Value::Null;
        }
        body["secrets"]["connections[0].clientSecret"] = json!("hush");
        apply(&place.f, &place.admin, "", body).await;
        let client = json!({"clientId": "eu", "tokenEndpointAuthMethod": method});
        let (found, why) = refused(client).await;
        assert_eq!(found, at, "{kind}");
        assert!(why.contains(word), "{kind}: {why}");
    }
    // Nobody signs in with a local account while control is away.
    let local = "/v1/connections/local/planes/eu-1";
    let client = json!({"clientId": "eu"});
    place.ask("PUT", local, client.clone()).await.expect(422);
    for (path, what) in [
        ("/v1/connections/none/planes/eu-1", "connection"),
        ("/v1/connections/idp/planes/us-1", "plane"),
    ] {
        let missing = place.ask("PUT", path, client.clone()).await.expect(404);
        assert!(missing.text().contains(what), "{}", missing.text());
    }
    // A plane that people can't be sent back to; and what was registered is judged by what is applied later.
    apply(&place.f, &place.admin, "", document(&place.idp)).await;
    place.put("eu").await.expect(200);
    let mut other = document(&place.idp);
    other["fleet"]["connections"][0]["type"] = json!("google");
    let path = "/v1/apply";
    let refused = place.ask("POST", path, other).await.expect(422).json();
    assert_eq!(
        refused["errors"][0]["at"],
        "connections[0].planeRegistrations"
    );
    let mut bare = document(&place.idp);
    bare["fleet"]["planes"][0]["authHost"] = Value::Null;
    apply(&place.f, &place.admin, "", bare).await;
    let shown = place.ask("GET", EU, Value::Null).await.expect(200).json();
    assert!(
        shown["problem"].as_str().unwrap().contains("authHost"),
        "{shown}"
    );
    let answer = place.put("us").await.expect(422).json();
    assert_eq!(answer["errors"][0]["at"], "plane");
}

async fn nobody_undoes_a_registration_that_they_have_not_seen(database: Option<String>) {
    let place = Place::new("seen", database).await;
    place.put("one").await.expect(200);
    let tag = place.ask("GET", EU, Value::Null).await.expect(200);
    let tag = tag.header("etag").to_owned();
    place.put("two").await.expect(200);
    let stale = async |method: &str, body: Option<Value>| {
        let headers = [("if-match", tag.as_str())];
        let admin = &place.admin;
        let answer = place.f.call_with((method, EU), admin, &headers, body).await;
        answer.expect(412);
    };
    stale("PUT", Some(json!({"clientId": "three"}))).await;
    stale("DELETE", None).await;
    let shown = place.ask("GET", EU, Value::Null).await.expect(200).json();
    assert_eq!(shown["clientId"], "two");
}
