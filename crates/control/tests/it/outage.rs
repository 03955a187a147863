//! What planes are told so that they can sign people in, and the sessions that began there.

use std::time::Duration;

use aeolus_keys::{Alg, SigningKey};
use aeolus_model::{Clock as _, ConnectionId, SessionId, UserId};
use aeolus_snapshot::{Snapshot, section};
use aeolus_testkit::SeededRng;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::connections::{Idp, apply};
use crate::fixture::{Answer, Fixture};
use crate::publish::Reader;

/// The usual fleet, whose plane has a client of its own at the provider, and EVE linked there.
fn document(idp: &Idp) -> Value {
    let mut body = idp.document("1h");
    body["fleet"]["planes"][0]["authHost"] = json!("auth.eu-1.example.com");
    body["fleet"]["connections"][0]["planeRegistrations"] =
        json!([{"plane": "eu-1", "clientId": "aeolus-eu-1"}]);
    body
}

fn registration(snapshot: &Snapshot) -> Option<(ConnectionId, &section::PlaneRegistration)> {
    let mut connections = snapshot.sections().connections.connections.iter();
    connections.find_map(|connection| {
        let id = ConnectionId::from_slice(&connection.id).unwrap();
        Some((id, connection.plane_registration.as_ref()?))
    })
}

fn eve(snapshot: &Snapshot) -> UserId {
    let mut subjects = snapshot.sections().subjects.subjects.iter();
    let eve = subjects.find(|subject| subject.email == "eve@example.com");
    UserId::from_slice(&eve.unwrap().id).unwrap()
}

/// A fleet whose plane knows how to sign EVE in.
struct Known {
    f: Fixture,
    idp: Idp,
    admin: String,
    reader: Reader,
    connection: ConnectionId,
    eve: UserId,
    deployment: String,
}

async fn known(name: &str) -> Known {
    let f = Fixture::new(name).await;
    let idp = Idp::start().await;
    idp.publish(&["a"]);
    let admin = f.admin().await;
    apply(&f, &admin, "", document(&idp)).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let snapshot = reader.until(&f, |s| registration(s).is_some()).await;
    let (connection, _) = registration(&snapshot).unwrap();
    let path = "/v1/organizations/acme/deployments";
    let list = f.call("GET", path, &admin, None).await.expect(200).json();
    // People sign in after they were linked.
    f.clock.advance(Duration::from_secs(120));
    Known {
        eve: eve(&snapshot),
        deployment: list["items"][0]["id"].as_str().unwrap().to_owned(),
        f,
        idp,
        admin,
        reader,
        connection,
    }
}

impl Known {
    fn begun(&self, session: SessionId) -> Value {
        let now = self.f.clock.now().secs();
        json!({
            "type": "session_begun", "session": session, "user": self.eve, "connection": self.connection,
            "deployment": self.deployment, "at": now - 60, "authTime": now - 90,
            "absoluteEnd": now + 86_400,
        })
    }

    async fn tell(&self, key: &str, event: &Value) {
        let answer = self
            .f
            .events(&self.reader.gate, key, event.to_string())
            .await;
        assert_eq!(answer.expect(200).json()["accepted"], 1);
    }

    async fn renewed(&self, session: SessionId) -> u16 {
        let path = format!("/v1/planes/self/sessions/{session}/renew");
        let assertion = self.f.assertion(&self.reader.gate);
        let body = Some(json!({"deployment": self.deployment}));
        let answer = self.f.call("POST", &path, &assertion, body).await;
        answer.status.as_u16()
    }

    /// Outcome and reason of the sign-ins in the organization's audit log.
    async fn audit(&self) -> Vec<(String, String)> {
        let path = "/v1/organizations/acme/audit";
        let log = self.f.call("GET", path, &self.admin, None).await;
        let log = log.expect(200).json();
        let events = log["items"].as_array().unwrap().iter();
        let events = events.filter(|event| event["action"] == "session.sign_in");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        events
            .map(|event| (text(&event["outcome"]), text(&event["reason"])))
            .collect()
    }
}

#[tokio::test]
async fn o16_a_planes_client_signs_for_the_issuer_alone_and_at_okta_for_the_url_that_is_asked() {
    let Known {
        f,
        idp,
        admin,
        mut reader,
        ..
    } = known("signs").await;
    for (kind, audience) in [
        ("custom", format!("{}/", idp.url)),
        ("okta", format!("{}/token", idp.url)),
    ] {
        let mut body = document(&idp);
        let connection = &mut body["fleet"]["connections"][0];
        connection["type"] = json!(kind);
        connection["planeRegistrations"][0]["tokenEndpointAuthMethod"] = json!("private_key_jwt");
        apply(&f, &admin, "", body).await;
        let signs = |s: &Snapshot| {
            registration(s).is_some_and(|(_, told)| told.assertion_audience == audience)
        };
        let told = reader.until(&f, signs).await;
        let (_, registration) = registration(&told).unwrap();
        assert_eq!(registration.token_endpoint_auth_method, "private_key_jwt");
    }
    let shown = f.call("GET", "/v1/connections", &admin, None).await;
    let shown = shown.expect(200).json();
    let mut shown = shown["items"].as_array().unwrap().iter();
    let shown = shown.find_map(|item| item.get("planeRegistrations"));
    let shown = &shown.unwrap()[0];
    assert_eq!(shown["tokenEndpointAuthMethod"], "private_key_jwt");
}

fn session(n: u8) -> SessionId {
    SessionId::from_bytes([n; 16])
}

#[tokio::test]
async fn a_plane_is_told_how_to_sign_people_in_and_no_secret() {
    let Known {
        f,
        idp,
        admin,
        mut reader,
        ..
    } = known("told").await;
    apply(&f, &admin, "", idp.document("2h")).await;
    let gone = reader.until(&f, |s| registration(s).is_none()).await;
    assert!(gone.sections().connections.auth_host.is_empty());
    apply(&f, &admin, "", document(&idp)).await;
    let told = reader.until(&f, |s| registration(s).is_some()).await;
    let connections = &told.sections().connections;
    assert_eq!(connections.auth_host, "auth.eu-1.example.com");
    let (id, registration) = registration(&told).unwrap();
    assert_eq!(registration.client_id, "aeolus-eu-1");
    assert_eq!(registration.issuer, format!("{}/", idp.url));
    assert_eq!(registration.identity_issuer, idp.url);
    assert_eq!(
        registration.authorization_endpoint,
        format!("{}/auth", idp.url)
    );
    assert_eq!(registration.token_endpoint, format!("{}/token", idp.url));
    assert!(registration.names_itself);
    assert_eq!(registration.subject, "sub");
    assert_eq!(registration.keys.len(), 1);
    assert_eq!(
        (registration.access_life, registration.absolute_life),
        (28_800, 2_592_000)
    );
    assert_eq!(registration.token_endpoint_auth_method, "none");
    assert_eq!(registration.assertion_audience, "");
    // What is signed for the plane's client is an `id_token`, and none of a bearer's.
    let record = connections
        .connections
        .iter()
        .find(|c| c.id == id.as_bytes());
    let terms = record.unwrap().session_tokens.as_ref().unwrap();
    assert_eq!(terms.client_ids, ["aeolus-eu-1", "spa"]);
    let shown = f.call("GET", "/v1/planes/eu-1", &admin, None).await;
    let shown = shown.expect(200).json();
    let redirect = "https://auth.eu-1.example.com/.aeolus/callback";
    assert_eq!(shown["redirectUri"], redirect);
}

#[tokio::test]
async fn a_session_that_began_at_a_plane_is_taken_up_once_and_ends_like_all() {
    let known = known("adopt").await;
    let event = known.begun(session(1));
    assert_eq!(known.renewed(session(1)).await, 404);
    known.tell("one", &event).await;
    known.tell("two", &event).await;
    let taken = ("success".to_owned(), "at_plane:eu-1".to_owned());
    assert_eq!(known.audit().await, [taken]);
    assert_eq!(known.renewed(session(1)).await, 200);
    let ended = json!({"type": "session_ended", "session": session(1), "at": 0});
    known.tell("three", &ended).await;
    assert_eq!(known.renewed(session(1)).await, 410);
    // A plane changes no session that is there.
    known.tell("four", &event).await;
    assert_eq!(known.renewed(session(1)).await, 410);
}

#[tokio::test]
async fn what_control_would_not_have_let_begin_is_taken_up_as_ended() {
    let mut known = known("refuse").await;
    let foreign = json!("01890a5d-ac96-774b-bcce-b302099a8057");
    let mut event = known.begun(session(1));
    event["deployment"] = foreign.clone();
    known.tell("place", &event).await;
    assert_eq!(known.renewed(session(1)).await, 404);
    let mut event = known.begun(session(2));
    event["user"] = foreign.clone();
    known.tell("person", &event).await;
    assert_eq!(known.renewed(session(2)).await, 404);
    let mut unlinked = document(&known.idp);
    unlinked["fleet"]["organizations"][0]["users"][2]["identities"] = json!([]);
    apply(&known.f, &known.admin, "prune=true", unlinked).await;
    known.tell("link", &known.begun(session(3))).await;
    assert_eq!(known.renewed(session(3)).await, 410);
    apply(&known.f, &known.admin, "", known.idp.document("1h")).await;
    known.tell("registration", &known.begun(session(4))).await;
    assert_eq!(known.renewed(session(4)).await, 410);
    let denied = |reason: &str| ("denied".to_owned(), reason.to_owned());
    let refused = [denied("not_linked"), denied("no_plane_registration")];
    assert_eq!(known.audit().await, refused);
    // The plane is told, so the sessions end there.
    let f = &known.f;
    let ended = |s: &Snapshot| {
        let lists = s.sections().revocations.values();
        lists.map(|list| list.sessions.len()).sum::<usize>() == 2
    };
    known.reader.until(f, ended).await;
}

#[tokio::test]
async fn a_session_that_ended_at_another_replica_first_stays_ended() {
    let known = known("order").await;
    let begun = known.begun(session(1));
    let ended = json!({"type": "session_ended", "session": session(1), "at": 0});
    // A sign-out tells of the beginning, too: whoever began it may tell later, or never.
    let both = format!("{begun}\n{ended}");
    let gate = &known.reader.gate;
    let answer = known.f.events(gate, "second", both).await;
    assert_eq!(answer.expect(200).json()["accepted"], 2);
    known.tell("first", &begun).await;
    assert_eq!(known.renewed(session(1)).await, 410);
}

#[tokio::test]
async fn attack_a_person_who_was_relinked_while_control_was_away_keeps_no_session() {
    let known = known("relink").await;
    let mut relinked = document(&known.idp);
    let identities = &mut relinked["fleet"]["organizations"][0]["users"][2]["identities"];
    identities[0]["subject"] = json!("somebody-new");
    apply(&known.f, &known.admin, "prune=true", relinked).await;
    known.tell("one", &known.begun(session(1))).await;
    assert_eq!(known.renewed(session(1)).await, 410);
}

#[tokio::test]
async fn attack_a_stolen_plane_begins_no_session_of_somebody_it_does_not_know() {
    let known = known("foreign").await;
    let path = format!("/v1/organizations/acme/users/{}", known.eve);
    let gone = known.f.call("DELETE", &path, &known.admin, None).await;
    assert!(gone.status.is_success(), "{gone:?}");
    known.tell("one", &known.begun(session(1))).await;
    assert!(matches!(known.renewed(session(1)).await, 404 | 410));
    let audit = known.audit().await;
    assert!(
        audit.iter().all(|(outcome, _)| outcome == "denied"),
        "{audit:?}"
    );
}

/// What began beside a disablement is over with it, also where the plane tells after it is taken back.
#[tokio::test]
async fn a12_a_person_who_was_disabled_while_control_was_away_keeps_no_session() {
    let known = known("disabled").await;
    let able = async |what: &str| {
        let path = format!("/v1/users/{}/{what}", known.eve);
        let done = known.f.call("POST", &path, &known.admin, None).await;
        done.expect(200);
    };
    let before = known.begun(session(1));
    able("disable").await;
    known.f.clock.advance(Duration::from_secs(300));
    let during = known.begun(session(2));
    let told_at_once = known.begun(session(3));
    known.tell("at-once", &told_at_once).await;
    assert_eq!(known.renewed(session(3)).await, 410);
    able("enable").await;
    for (n, event) in [(1, before), (2, during)] {
        known.tell(&n.to_string(), &event).await;
        assert_eq!(known.renewed(session(n)).await, 410, "{n}");
    }
    let denied = |reason: &str| ("denied".to_owned(), reason.to_owned());
    let late = denied("ended_meanwhile");
    let refused = [denied("user_disabled"), late.clone(), late];
    assert_eq!(known.audit().await, refused);
    // And who signs in afterwards is in.
    known.f.clock.advance(Duration::from_secs(120));
    known.tell("after", &known.begun(session(4))).await;
    assert_eq!(known.renewed(session(4)).await, 200);
}

/// A logout token as the provider signs it, of EVE, now; with some claims otherwise.
fn logout_token(known: &Known, changes: &[(&str, Value)]) -> String {
    let now = known.f.clock.now().secs();
    let mut claims = json!({
        "iss": format!("{}/", known.idp.url), "sub": "idp|eve", "aud": "aeolus-eu-1", "iat": now,
        "exp": now + 120, "jti": "one",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    let key = SigningKey::generate(Alg::EdDsa, &SeededRng::new("a")).unwrap();
    let header = json!({"alg": "EdDSA", "typ": "logout+jwt", "kid": "a"});
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encode(&header), encode(&claims));
    let signature = key.sign_raw(input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn log_out(known: &Known, token: &str) -> Answer {
    let path = "/v1/oauth/backchannel-logout/idp";
    known.f.form(path, &[("logout_token", token)], &[]).await
}

#[tokio::test]
async fn a_sign_out_at_the_provider_ends_sessions_here_and_at_gates() {
    let mut known = known("logout").await;
    known.tell("one", &known.begun(session(1))).await;
    assert_eq!(known.renewed(session(1)).await, 200);
    let token = logout_token(&known, &[]);
    let answer = log_out(&known, &token).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.expect(200);
    assert_eq!(known.renewed(session(1)).await, 410);
    let ended = |s: &Snapshot| {
        let lists = s.sections().revocations.values();
        lists.map(|list| list.sessions.len()).sum::<usize>() == 1
    };
    known.reader.until(&known.f, ended).await;
    // A plane that was cut off tells of an earlier sign-in: it is over, too.
    known.tell("two", &known.begun(session(2))).await;
    assert_eq!(known.renewed(session(2)).await, 410);
    // Who signs in again afterwards has a session again, and the old token doesn't end it.
    known.f.clock.advance(Duration::from_secs(90));
    known.tell("three", &known.begun(session(3))).await;
    assert_eq!(known.renewed(session(3)).await, 200);
    let replayed = log_out(&known, &token).await;
    assert_eq!(replayed.header("cache-control"), "no-store");
    assert_eq!(replayed.expect(400).json()["error"], "invalid_request");
    assert_eq!(known.renewed(session(3)).await, 200);
}

#[tokio::test]
async fn o32_a_logout_token_that_is_not_one_ends_nothing() {
    let known = known("forged").await;
    known.tell("one", &known.begun(session(1))).await;
    for changes in [
        ("iss", json!("https://evil.test/")),
        ("aud", json!("another")),
        ("nonce", json!("n")),
        ("events", json!({})),
        ("exp", json!(1)),
    ] {
        let token = logout_token(&known, &[changes]);
        let answer = log_out(&known, &token).await.expect(400);
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    log_out(&known, "").await.expect(400);
    // Somebody else's sign-out, or somebody's who is nobody here, is heard and ends nothing of EVE's.
    let other = logout_token(&known, &[("sub", json!("idp|nobody"))]);
    log_out(&known, &other).await.expect(200);
    for path in ["nowhere", "local", "A%20B"] {
        let path = format!("/v1/oauth/backchannel-logout/{path}");
        let token = logout_token(&known, &[("jti", json!("two"))]);
        let fields = [("logout_token", token.as_str())];
        known.f.form(&path, &fields, &[]).await.expect(400);
    }
    assert_eq!(known.renewed(session(1)).await, 200);
}

/// Nobody's security events (RFC 8417) are taken here but a logout token, as a form and at its own address.
#[tokio::test]
async fn o33_what_is_pushed_as_a_security_event_ends_nothing() {
    let known = known("events").await;
    known.tell("one", &known.begun(session(1))).await;
    let token = logout_token(&known, &[]);
    let pushed = Request::post("/v1/oauth/backchannel-logout/idp")
        .header(CONTENT_TYPE, "application/secevent+jwt")
        .body(Body::from(token))
        .unwrap();
    let answer = known.f.send(pushed).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let event = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
    let token = logout_token(&known, &[("events", json!({ event: {} }))]);
    let refused = log_out(&known, &token).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_request");
    assert_eq!(known.renewed(session(1)).await, 200);
}

#[tokio::test]
async fn no_plane_makes_a_session_longer_than_control_would() {
    let known = known("long").await;
    let mut event = known.begun(session(1));
    event["at"] = json!(i64::from(u32::MAX));
    event["authTime"] = json!(i64::from(u32::MAX));
    event["absoluteEnd"] = json!(i64::from(u32::MAX));
    known.tell("one", &event).await;
    known.f.clock.advance(Duration::from_secs(30 * 86_400));
    assert_eq!(known.renewed(session(1)).await, 410);
}

#[tokio::test]
async fn registrations_that_make_no_sense_are_refused() {
    let f = Fixture::new("senseless").await;
    let idp = Idp::start().await;
    let admin = f.admin().await;
    let refused = async |change: fn(&mut Value)| {
        let mut body = document(&idp);
        change(&mut body["fleet"]);
        let answer = f.call("POST", "/v1/apply", &admin, Some(body)).await;
        let at = answer.expect(422).json()["errors"][0]["at"].clone();
        at.as_str().unwrap().to_owned()
    };
    let first = "connections[0].planeRegistrations[0]";
    let client = format!("{first}.clientId");
    let plane = format!("{first}.plane");
    assert_eq!(
        refused(|f| f["planes"][0]["authHost"] = Value::Null).await,
        plane
    );
    let to = refused(|f| f["connections"][0]["planeRegistrations"][0]["plane"] = json!("us-1"));
    assert_eq!(to.await, plane);
    for id in ["spa", "api", "", "a b"] {
        let mut body = document(&idp);
        body["fleet"]["connections"][0]["planeRegistrations"][0]["clientId"] = json!(id);
        let answer = f.call("POST", "/v1/apply", &admin, Some(body)).await;
        let answer = answer.expect(422).json();
        assert_eq!(answer["errors"][0]["at"], client.as_str(), "{id}");
    }
    let google = refused(|f| f["connections"][0]["type"] = json!("google")).await;
    assert!(google.starts_with("connections[0]"), "{google}");
}

#[tokio::test]
async fn what_a_plane_began_with_one_factor_is_over_where_two_are_wanted() {
    let mut known = known("factor").await;
    let body = Some(json!({"secondFactor": "required"}));
    let path = "/v1/organizations/acme/policy";
    let set = known.f.call("PUT", path, &known.admin, body).await;
    set.expect(200);
    let told = |s: &Snapshot| s.sections().deployments.deployments[0].second_factor;
    known.reader.until(&known.f, told).await;
    known.tell("one", &known.begun(session(1))).await;
    assert_eq!(known.renewed(session(1)).await, 410);
    let mut two = known.begun(session(2));
    two["amr"] = json!(["mfa"]);
    known.tell("two", &two).await;
    assert_eq!(known.renewed(session(2)).await, 200);
    let outcomes = known.audit().await;
    assert_eq!(
        outcomes[0],
        ("denied".to_owned(), "second_factor".to_owned())
    );
    assert_eq!(outcomes[1].0, "success");
}
