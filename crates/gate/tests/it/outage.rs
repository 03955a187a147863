//! Signing in by the plane's own client while control is away. Tests named `attack_…` answer
//! design note 013.

use std::time::Duration;

use aeolus_gate::ports::{ClientCredential, TokenError};
use aeolus_keys::{Alg, JwkSet, Kind, SigningKey, jws};
use aeolus_model::{ConnectionId, Secret};
use aeolus_snapshot::section;
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::fleet::*;

const IDP: ConnectionId = ConnectionId::from_bytes([12; 16]);
const OTHER: ConnectionId = ConnectionId::from_bytes([13; 16]);
const ISS: &str = "https://idp.test/";
const CLIENT: &str = "aeolus-eu-1";
const AWAY: Duration = Duration::from_secs(600);

fn key() -> SigningKey {
    SigningKey::generate(Alg::EdDsa, &SeededRng::new("idp")).unwrap()
}

fn connection(id: ConnectionId, name: &str) -> section::Connection {
    let host = format!("https://{name}.test");
    section::Connection {
        id: id.as_bytes().to_vec(),
        name: name.to_owned(),
        plane_registration: Some(section::PlaneRegistration {
            client_id: CLIENT.to_owned(),
            issuer: format!("{host}/"),
            identity_issuer: host.clone(),
            authorization_endpoint: format!("{host}/auth?tenant=1"),
            token_endpoint: format!("{host}/token"),
            names_itself: true,
            subject: "sub".to_owned(),
            keys: vec![section::ProviderKey {
                kid: Some("k1".to_owned()),
                jwk: key().public().to_jwk().to_json(),
            }],
            access_life: 28_800,
            absolute_life: 2_592_000,
            ..section::PlaneRegistration::default()
        }),
        ..section::Connection::default()
    }
}

/// A fleet with the plane's own client at a provider, EVE linked there, and control away.
async fn cut_off() -> Fleet {
    let fleet = Fleet::start().await;
    fleet.publish(|sections| {
        sections.connections.identity_salt = b"salt".to_vec();
        sections.connections.auth_host = "auth.test".to_owned();
        sections
            .connections
            .connections
            .push(connection(IDP, "idp"));
        let eve = &"eve".parse().unwrap();
        let linked = aeolus_snapshot::identity(b"salt", IDP, "https://idp.test", eve);
        sections.subjects.subjects[1]
            .identities
            .push(linked.to_vec());
    });
    *fleet.fake.age.lock().unwrap() = Some(AWAY);
    fleet
}

/// A visit of a host with a jar of cookies.
async fn visit(fleet: &Fleet, host: &str, path: &str, jar: &str) -> Answer {
    let cookies = if jar.is_empty() {
        String::new()
    } else {
        format!("Cookie: {jar}\r\n")
    };
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookies}Connection: close\r\n\r\n");
    raw(&fleet.proxy, request.as_bytes()).await
}

fn parameter(location: &str, name: &str) -> String {
    let url = url::Url::parse(location).unwrap();
    let found = url.query_pairs().find(|(n, _)| n == name);
    found.unwrap().1.into_owned()
}

fn pair(answer: &Answer, name: &str) -> String {
    let all = answer.headers("set-cookie");
    let found = all.iter().find(|c| c.starts_with(&format!("{name}=")));
    let found = found.unwrap_or_else(|| panic!("{answer:?}"));
    found.split(';').next().unwrap().to_owned()
}

/// A sign-in that was begun at a host: where the browser was sent, and its state cookie.
struct Begun {
    location: String,
    jar: String,
}

impl Begun {
    async fn at(fleet: &Fleet, host: &str) -> Self {
        let answer = visit(fleet, host, "/.aeolus/sign-in?next=/dags%3Fx%3D1", "").await;
        assert_eq!(answer.status, 302, "{answer:?}");
        Self {
            location: answer.header("location").unwrap().to_owned(),
            jar: pair(&answer, "__Host-aeolus-s"),
        }
    }

    fn nonce(&self) -> String {
        parameter(&self.location, "nonce")
    }

    /// The provider's answer, at the auth host: leads to a ticket.
    async fn relayed(&self, fleet: &Fleet, iss: &str) -> Answer {
        let state = parameter(&self.location, "state");
        let path = format!("/.aeolus/callback?code=c&state={state}{iss}");
        visit(fleet, "auth.test", &path, "").await
    }

    async fn ticket(&self, fleet: &Fleet) -> String {
        let answer = self.relayed(fleet, "&iss=https%3A%2F%2Fidp.test%2F").await;
        let location = answer.header("location").unwrap().to_owned();
        assert!(
            location.starts_with("https://etl.test/.aeolus/callback?ticket="),
            "{location}"
        );
        location
            .strip_prefix("https://etl.test")
            .unwrap()
            .to_owned()
    }
}

fn id_token(fleet: &Fleet, nonce: &str, changes: &[(&str, Value)]) -> String {
    use aeolus_model::Clock as _;
    let now = fleet.fake.clock.now().secs();
    let mut claims = json!({
        "iss": ISS, "sub": "eve", "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 600,
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "k1"}).to_string();
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.to_string().as_bytes())
    );
    let signature = key().sign_raw(input.as_bytes()).unwrap();
    format!("{input}.{}", encode(&signature))
}

fn answers(fleet: &Fleet, id_token: String) {
    *fleet.fake.id_token.lock().unwrap() = Some(Ok(Secret::new(id_token)));
}

fn asked(fleet: &Fleet) -> usize {
    fleet.fake.redeemed.lock().unwrap().len()
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(!answer.text.contains("__Host-aeolus="), "{answer:?}");
}

#[tokio::test]
async fn a_known_person_signs_in_without_control() {
    let fleet = cut_off().await;
    let begun = Begun::at(&fleet, "etl.test").await;
    assert!(
        begun
            .location
            .starts_with("https://idp.test/auth?tenant=1&")
    );
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "https://auth.test/.aeolus/callback"),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameter(&begun.location, name), value, "{name}");
    }
    let ticket = begun.ticket(&fleet).await;
    assert_eq!(asked(&fleet), 0, "the auth host asks nobody");
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    let done = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
    let landed = (done.status, done.header("location"));
    assert_eq!(landed, (302, Some("/dags?x=1")), "{done:?}");
    assert_eq!(pair(&done, "__Host-aeolus-s"), "__Host-aeolus-s=");
    let session = pair(&done, "__Host-aeolus");
    let page = visit(&fleet, "etl.test", "/dags", &session).await;
    assert_eq!(page.status, 200, "{page:?}");
    {
        let redeemed = fleet.fake.redeemed.lock().unwrap();
        let [code] = redeemed.as_slice() else {
            panic!("{}", redeemed.len());
        };
        assert_eq!(code.endpoint, "https://idp.test/token");
        assert_eq!(code.client_id, CLIENT);
        assert!(matches!(code.credential, ClientCredential::None));
        assert_eq!(code.code.code.expose(), "c");
        assert_eq!(code.code.redirect_uri, "https://auth.test/.aeolus/callback");
        let challenge = aeolus_keys::digest::sha256(code.code.verifier.expose().as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        assert_eq!(parameter(&begun.location, "code_challenge"), challenge);
    }
    let told = fleet.fake.begun.lock().unwrap().clone();
    let [told] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!((told.session.user, told.deployment), (EVE, ETL));
    assert_eq!(told.session.connection, IDP);
    // maxStale is a day here: less than the 30 days that control would give.
    let day = NOW.plus(Duration::from_secs(86_400));
    assert_eq!(told.session.absolute_end, day);
    let access = NOW.plus(Duration::from_secs(28_800));
    assert_eq!(told.session.access_end, access);
    // Within that it goes on while control stays away, and not beyond.
    fleet.fake.clock.advance(Duration::from_secs(86_000));
    *fleet.fake.age.lock().unwrap() = Some(Duration::from_secs(86_000) + AWAY);
    let later = visit(&fleet, "etl.test", "/dags", &session).await;
    assert_eq!(later.status, 200, "{later:?}");
    fleet.fake.clock.advance(Duration::from_secs(500));
    let over = visit(&fleet, "etl.test", "/dags", &session).await;
    assert_eq!(over.status, 401, "{over:?}");
}

#[tokio::test]
async fn what_ends_any_session_ends_one_that_began_here() {
    let fleet = cut_off().await;
    let begun = Begun::at(&fleet, "etl.test").await;
    let ticket = begun.ticket(&fleet).await;
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    let done = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
    let session = pair(&done, "__Host-aeolus");
    let status = async || visit(&fleet, "etl.test", "/dags", &session).await.status;
    assert_eq!(status().await, 200);
    fleet.publish(|sections| {
        let mark = section::Mark {
            subject_kind: section::SubjectKind::User.into(),
            subject: EVE.as_bytes().to_vec(),
            not_before: NOW.secs() + 1,
        };
        sections.revocations.get_mut(&ORG).unwrap().marks.push(mark);
    });
    assert_eq!(status().await, 401);
    fleet.publish(|sections| sections.revocations.get_mut(&ORG).unwrap().marks.clear());
    assert_eq!(status().await, 200);
    fleet.publish(|sections| {
        sections
            .subjects
            .subjects
            .retain(|s| s.id != EVE.as_bytes());
    });
    // Somebody without a permission here is refused, not asked to sign in again.
    assert_eq!(status().await, 403);
}

#[tokio::test]
async fn while_control_answers_it_is_asked() {
    let fleet = cut_off().await;
    *fleet.fake.age.lock().unwrap() = Some(Duration::from_secs(59));
    let begun = Begun::at(&fleet, "etl.test").await;
    assert!(begun.location.starts_with(ISSUER));
    // An answer of control finishes no sign-in that was begun at a provider.
    *fleet.fake.age.lock().unwrap() = Some(AWAY);
    let begun = Begun::at(&fleet, "etl.test").await;
    let sealed = parameter(&begun.location, "state");
    let iss = "iss=https%3A%2F%2Fcontrol.test";
    let path = format!("/.aeolus/callback?code=c&state={sealed}&{iss}");
    refused(&visit(&fleet, "etl.test", &path, &begun.jar).await);
    assert!(fleet.fake.exchanged.lock().unwrap().is_empty());
}

#[tokio::test]
async fn somebody_unknown_is_told_why_and_nothing_else() {
    let fleet = cut_off().await;
    let begun = Begun::at(&fleet, "etl.test").await;
    let ticket = begun.ticket(&fleet).await;
    let mallory = [("sub", json!("mallory"))];
    answers(&fleet, id_token(&fleet, &begun.nonce(), &mallory));
    let page = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
    assert_eq!(page.status, 403);
    assert!(page.body().contains("sign_in_unknown_here"), "{page:?}");
    assert!(!page.text.contains("__Host-aeolus="));
    assert!(fleet.fake.begun.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_registration_or_with_too_old_knowledge_there_is_a_page() {
    let fleet = cut_off().await;
    let page = async || visit(&fleet, "etl.test", "/.aeolus/sign-in", "").await;
    for age in [None, Some(Duration::from_secs(86_401))] {
        *fleet.fake.age.lock().unwrap() = age;
        let page = page().await;
        assert_eq!(page.status, 503);
        assert!(page.body().contains("sign_in_needs_control"), "{page:?}");
    }
    *fleet.fake.age.lock().unwrap() = Some(AWAY);
    assert_eq!(page().await.status, 302);
    fleet.publish(|sections| {
        sections
            .connections
            .connections
            .last_mut()
            .unwrap()
            .plane_registration = None;
    });
    assert_eq!(page().await.status, 503);
}

#[tokio::test]
async fn a_provider_that_is_away_or_refuses_lets_nobody_in() {
    let fleet = cut_off().await;
    for (error, status) in [(TokenError::Unavailable, 503), (TokenError::Refused, 400)] {
        let begun = Begun::at(&fleet, "etl.test").await;
        let ticket = begun.ticket(&fleet).await;
        *fleet.fake.id_token.lock().unwrap() = Some(Err(error));
        let page = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
        assert_eq!(page.status, status, "{page:?}");
        assert!(!page.text.contains("__Host-aeolus="));
    }
    // The provider's own refusal, such as somebody who pressed "cancel".
    let begun = Begun::at(&fleet, "etl.test").await;
    let state = parameter(&begun.location, "state");
    let iss = "iss=https%3A%2F%2Fidp.test%2F";
    let path = format!("/.aeolus/callback?error=access_denied&state={state}&{iss}");
    let relayed = visit(&fleet, "auth.test", &path, "").await;
    let ticket = relayed.header("location").unwrap();
    let ticket = ticket.strip_prefix("https://etl.test").unwrap().to_owned();
    let before = asked(&fleet);
    refused(&visit(&fleet, "etl.test", &ticket, &begun.jar).await);
    assert_eq!(asked(&fleet), before);
}

/// The same where the plane's client signs.
async fn cut_off_with_a_key() -> Fleet {
    let fleet = cut_off().await;
    fleet.publish(|sections| {
        let last = sections.connections.connections.last_mut().unwrap();
        let registration = last.plane_registration.as_mut().unwrap();
        registration.token_endpoint_auth_method = "private_key_jwt".to_owned();
        registration.assertion_audience = ISS.to_owned();
    });
    fleet
}

/// The last assertion with which the provider was asked, verified as a provider does.
async fn assertion(fleet: &Fleet) -> Value {
    let shown = visit(fleet, "auth.test", "/.aeolus/jwks/idp", "").await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert_eq!(shown.header("content-type"), Some("application/json"));
    let keys = JwkSet::parse(shown.body().as_bytes()).unwrap();
    let keys = keys.own_keys().unwrap();
    let [key] = keys.as_slice() else {
        panic!("{keys:?}");
    };
    let redeemed = fleet.fake.redeemed.lock().unwrap();
    let ClientCredential::Assertion(text) = &redeemed.last().unwrap().credential else {
        panic!("a public client");
    };
    let unverified = jws::parse(text.expose().as_bytes()).unwrap();
    let verified = unverified.verify(Kind::ClientAssertion, key).unwrap();
    verified.claims().unwrap()
}

#[tokio::test]
async fn o16_a_client_with_a_key_signs_each_call_for_one_minute_and_one_audience() {
    let fleet = cut_off_with_a_key().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let begun = Begun::at(&fleet, "etl.test").await;
        let ticket = begun.ticket(&fleet).await;
        answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
        let done = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
        assert_eq!(done.status, 302, "{done:?}");
        let mut claims = assertion(&fleet).await;
        let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
        let now = NOW.secs();
        let said = json!({"iss": CLIENT, "sub": CLIENT, "aud": ISS, "iat": now, "exp": now + 60});
        assert_eq!(claims, said);
        assert!(!seen.contains(&jti), "{jti}");
        seen.push(jti);
    }
}

#[tokio::test]
async fn the_keys_of_a_client_are_shown_at_the_auth_host_alone() {
    let fleet = cut_off().await;
    let shown = async |host, path| visit(&fleet, host, path, "").await.status;
    assert_eq!(shown("auth.test", "/.aeolus/jwks/idp").await, 404);
    let fleet = cut_off_with_a_key().await;
    let shown = async |host, path| visit(&fleet, host, path, "").await.status;
    assert_eq!(shown("auth.test", "/.aeolus/jwks/idp").await, 200);
    for (host, path) in [
        ("etl.test", "/.aeolus/jwks/idp"),
        ("auth.test", "/.aeolus/jwks/"),
        ("auth.test", "/.aeolus/jwks/other"),
        ("auth.test", "/.aeolus/jwks/idp/"),
        ("auth.test", "/.aeolus/jwks"),
    ] {
        assert_eq!(shown(host, path).await, 404, "{host}{path}");
    }
}

#[tokio::test]
async fn a_client_that_the_provider_refuses_is_told_of_without_details() {
    let fleet = cut_off_with_a_key().await;
    let begun = Begun::at(&fleet, "etl.test").await;
    let ticket = begun.ticket(&fleet).await;
    *fleet.fake.id_token.lock().unwrap() = Some(Err(TokenError::ClientRefused));
    let page = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
    assert_eq!(page.status, 503, "{page:?}");
    assert!(page.body().contains("sign_in_client_refused"), "{page:?}");
    for detail in [CLIENT, "idp", "jwt", "ES256", "__Host-aeolus="] {
        assert!(!page.text.contains(detail), "{detail}: {page:?}");
    }
}

#[tokio::test]
async fn attack_code_replay_and_a_ticket_used_twice() {
    let fleet = cut_off().await;
    let begun = Begun::at(&fleet, "etl.test").await;
    let ticket = begun.ticket(&fleet).await;
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    let done = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
    assert_eq!(done.status, 302);
    // With the cookie as it was before it was spent, and with the provider's answer once more.
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    refused(&visit(&fleet, "etl.test", &ticket, &begun.jar).await);
    let again = begun.ticket(&fleet).await;
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    refused(&visit(&fleet, "etl.test", &again, &begun.jar).await);
    assert_eq!(fleet.fake.begun.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn attack_what_comes_to_nothing_takes_no_room() {
    let fleet = cut_off().await;
    let begun = Begun::at(&fleet, "etl.test").await;
    let ticket = begun.ticket(&fleet).await;
    // Only a proven sign-in is remembered: strangers could fill the memory with others.
    *fleet.fake.id_token.lock().unwrap() = Some(Err(TokenError::Unavailable));
    let page = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
    assert_eq!(page.status, 503, "{page:?}");
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    let done = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
    assert_eq!(done.status, 302, "{done:?}");
}

#[tokio::test]
async fn attack_the_strictest_deployment_of_a_host_bounds_its_session() {
    let fleet = cut_off().await;
    fleet.publish(|sections| {
        let all = &mut sections.deployments.deployments;
        let mut strict = all.iter().find(|d| d.id == ETL.as_bytes()).unwrap().clone();
        strict.id = vec![77; 16];
        strict.max_stale = 3_600;
        for route in &mut strict.routes {
            route.path_prefix = "/strict".to_owned();
        }
        all.push(strict);
    });
    // A path of the other deployment changes nothing: both share the host's cookie.
    let begun = Begun::at(&fleet, "etl.test").await;
    let ticket = begun.ticket(&fleet).await;
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    let done = visit(&fleet, "etl.test", &ticket, &begun.jar).await;
    assert_eq!(done.status, 302, "{done:?}");
    let told = fleet.fake.begun.lock().unwrap().clone();
    let hour = NOW.plus(Duration::from_secs(3_600));
    assert_eq!(told[0].session.absolute_end, hour);
    assert!(told[0].session.begun.is_here());
    *fleet.fake.age.lock().unwrap() = Some(Duration::from_secs(3_601));
    let page = visit(&fleet, "etl.test", "/.aeolus/sign-in", "").await;
    assert_eq!(page.status, 503, "{page:?}");
}

#[tokio::test]
async fn attack_state_mismatch() {
    let fleet = cut_off().await;
    let ours = Begun::at(&fleet, "etl.test").await;
    let theirs = Begun::at(&fleet, "etl.test").await;
    let ticket = ours.ticket(&fleet).await;
    // Login CSRF: an attacker's answer in a victim's browser.
    refused(&visit(&fleet, "etl.test", &ticket, &theirs.jar).await);
    for state in ["", "foreign", &"A".repeat(3_000)] {
        let path = format!("/.aeolus/callback?code=c&state={state}");
        refused(&visit(&fleet, "auth.test", &path, "").await);
    }
    refused(&visit(&fleet, "auth.test", "/.aeolus/callback?code=c", "").await);
    assert_eq!(asked(&fleet), 0);
}

#[tokio::test]
async fn attack_nonce_mismatch_another_client_and_another_key() {
    let fleet = cut_off().await;
    for changes in [
        vec![("nonce", json!("another"))],
        vec![("aud", json!("another-client"))],
        vec![("iss", json!("https://evil.test/"))],
    ] {
        let begun = Begun::at(&fleet, "etl.test").await;
        let ticket = begun.ticket(&fleet).await;
        answers(&fleet, id_token(&fleet, &begun.nonce(), &changes));
        refused(&visit(&fleet, "etl.test", &ticket, &begun.jar).await);
    }
    let begun = Begun::at(&fleet, "etl.test").await;
    let ticket = begun.ticket(&fleet).await;
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    // The snapshot no longer holds the key.
    fleet.publish(|sections| {
        let last = sections.connections.connections.last_mut().unwrap();
        last.plane_registration.as_mut().unwrap().keys.clear();
    });
    refused(&visit(&fleet, "etl.test", &ticket, &begun.jar).await);
}

#[tokio::test]
async fn attack_mix_up_between_two_connections() {
    let fleet = cut_off().await;
    fleet.publish(|sections| {
        sections
            .connections
            .connections
            .push(connection(OTHER, "other"));
    });
    let choice = visit(&fleet, "etl.test", "/.aeolus/sign-in?next=/%22%3E%3Cb", "").await;
    assert_eq!(choice.status, 200);
    let page = choice.body();
    assert!(
        page.contains("connection=idp") && page.contains("connection=other"),
        "{page}"
    );
    assert!(!page.contains("\"><b"), "{page}");
    let path = "/.aeolus/sign-in?connection=other&next=/";
    let answer = visit(&fleet, "etl.test", path, "").await;
    let begun = Begun {
        location: answer.header("location").unwrap().to_owned(),
        jar: pair(&answer, "__Host-aeolus-s"),
    };
    assert!(begun.location.starts_with("https://other.test/auth"));
    // Asked `other`, answered by `idp`, or by nobody who says so.
    for iss in ["&iss=https%3A%2F%2Fidp.test%2F", ""] {
        let relayed = begun.relayed(&fleet, iss).await;
        let ticket = relayed.header("location").unwrap();
        let ticket = ticket.strip_prefix("https://etl.test").unwrap().to_owned();
        refused(&visit(&fleet, "etl.test", &ticket, &begun.jar).await);
    }
    assert_eq!(asked(&fleet), 0);
    let nowhere = visit(&fleet, "etl.test", "/.aeolus/sign-in?connection=x", "").await;
    refused(&nowhere);
}

#[tokio::test]
async fn attack_ticket_at_another_host_late_or_without_its_cookie() {
    let fleet = cut_off().await;
    let begun = Begun::at(&fleet, "etl.test").await;
    let ticket = begun.ticket(&fleet).await;
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    refused(&visit(&fleet, "etl.test", &ticket, "").await);
    refused(&visit(&fleet, "bi.test", &ticket, &begun.jar).await);
    let elsewhere = Begun::at(&fleet, "bi.test").await;
    refused(&visit(&fleet, "etl.test", &ticket, &elsewhere.jar).await);
    refused(&visit(&fleet, "etl.test", &format!("{ticket}A"), &begun.jar).await);
    fleet.fake.clock.advance(Duration::from_secs(31));
    refused(&visit(&fleet, "etl.test", &ticket, &begun.jar).await);
    assert_eq!(asked(&fleet), 0);
    // A new one within the ten minutes is good, after them none is.
    let fresh = begun.ticket(&fleet).await;
    answers(&fleet, id_token(&fleet, &begun.nonce(), &[]));
    let done = visit(&fleet, "etl.test", &fresh, &begun.jar).await;
    assert_eq!(done.status, 302);
    fleet.fake.clock.advance(Duration::from_secs(600));
    refused(&begun.relayed(&fleet, "").await);
}

#[tokio::test]
async fn attack_callback_at_the_wrong_host() {
    let fleet = cut_off().await;
    let begun = Begun::at(&fleet, "etl.test").await;
    let state = parameter(&begun.location, "state");
    let path = format!("/.aeolus/callback?code=c&state={state}&iss=https%3A%2F%2Fidp.test%2F");
    refused(&visit(&fleet, "etl.test", &path, &begun.jar).await);
    refused(&visit(&fleet, "bi.test", &path, &begun.jar).await);
    let stranger = visit(&fleet, "evil.test", &path, &begun.jar).await;
    assert_eq!(stranger.status, 404);
    // The auth host serves this one page.
    for path in [
        "/.aeolus/sign-in",
        "/.aeolus/session",
        "/.aeolus/sign-out",
        "/dags",
    ] {
        let answer = visit(&fleet, "auth.test", path, &begun.jar).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    // Where the host is no deployment's any more, nobody is sent there.
    fleet.publish(|sections| sections.deployments.deployments.clear());
    refused(&begun.relayed(&fleet, "").await);
}
