//! `id_token`s of the plane's own client. Tests named `attack_…` answer design note 013.

use aeolus_keys::{Alg, SigningKey};
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixture::*;

const IDP: ConnectionId = ConnectionId::from_bytes([12; 16]);
const ISS: &str = "https://idp.test/";
const FOUND: &str = "https://idp.test";
const CLIENT: &str = "aeolus-eu-1";
const SALT: &[u8] = b"plane salt";
const NONCE: &str = "n-0S6_WzA2Mj";

fn key(seed: &str) -> SigningKey {
    SigningKey::generate(Alg::EdDsa, &SeededRng::new(seed)).unwrap()
}

fn registered() -> section::PlaneRegistration {
    section::PlaneRegistration {
        client_id: CLIENT.to_owned(),
        issuer: ISS.to_owned(),
        identity_issuer: FOUND.to_owned(),
        authorization_endpoint: "https://idp.test/auth".to_owned(),
        token_endpoint: "https://idp.test/token".to_owned(),
        names_itself: true,
        subject: "sub".to_owned(),
        keys: vec![section::ProviderKey {
            kid: Some("k1".to_owned()),
            jwk: key("idp").public().to_jwk().to_json(),
        }],
        access_life: 28_800,
        absolute_life: 2_592_000,
        ..section::PlaneRegistration::default()
    }
}

fn connection(id: ConnectionId, registration: section::PlaneRegistration) -> section::Connection {
    section::Connection {
        id: id.as_bytes().to_vec(),
        name: "idp".to_owned(),
        plane_registration: Some(registration),
        ..section::Connection::default()
    }
}

fn fleet_linked_with(salt: &[u8]) -> Fleet {
    let mut fleet = Fleet::new();
    let connections = &mut fleet.sections.connections;
    connections.identity_salt = SALT.to_vec();
    connections.auth_host = "auth.test".to_owned();
    connections.connections.push(connection(IDP, registered()));
    let eve = "eve".parse().unwrap();
    let linked = aeolus_snapshot::identity(salt, IDP, FOUND, &eve);
    let mut subjects = fleet.sections.subjects.subjects.iter_mut();
    let eve = subjects.find(|subject| subject.id == EVE.as_bytes());
    eve.unwrap().identities.push(linked.to_vec());
    fleet
}

fn fleet() -> Fleet {
    fleet_linked_with(SALT)
}

fn world(fleet: &Fleet) -> World {
    World::from_sections(&fleet.sections, &fleet.missing)
}

fn claims() -> Value {
    let now = NOW.secs();
    json!({
        "iss": ISS, "sub": "eve", "aud": CLIENT, "nonce": NONCE, "iat": now - 2, "exp": now + 600,
        "auth_time": now - 30, "at_hash": "x",
    })
}

fn signed_by(key: &SigningKey, kid: &str, claims: &Value) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": kid}).to_string();
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.to_string().as_bytes())
    );
    let signature = key.sign_raw(input.as_bytes()).unwrap();
    format!("{input}.{}", encode(&signature))
}

fn token(claims: &Value) -> String {
    signed_by(&key("idp"), "k1", claims)
}

fn ask(fleet: &Fleet, token: &str) -> Result<SignedIn, IdTokenError> {
    let world = world(fleet);
    let registration = world.registration(IDP).unwrap();
    let deployment = world.deployment(ETL).unwrap();
    world.signed_in(registration, (token.as_bytes(), NONCE), deployment, NOW)
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut claims = claims();
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

#[test]
fn a_person_who_is_linked_is_signed_in_since_they_proved_it_to_the_provider() {
    let signed_in = ask(&fleet(), &token(&claims())).unwrap();
    assert_eq!(signed_in.user, EVE);
    assert_eq!(signed_in.auth_time, NOW.minus(Duration::from_secs(30)));
    // Of a client with several audiences it says for whom it was made.
    let several = with(&[("aud", json!([CLIENT, "api"])), ("azp", json!(CLIENT))]);
    assert_eq!(ask(&fleet(), &token(&several)).unwrap().user, EVE);
}

#[test]
fn attack_an_id_token_of_anything_else_signs_nobody_in() {
    let now = NOW.secs();
    for (changes, error) in [
        (
            vec![("iss", json!("https://evil.test/"))],
            IdTokenError::Issuer,
        ),
        (vec![("iss", json!(FOUND))], IdTokenError::Issuer),
        (
            vec![("aud", json!("another-client"))],
            IdTokenError::Audience,
        ),
        (vec![("aud", json!([]))], IdTokenError::Audience),
        (
            vec![("aud", json!([CLIENT, "other"]))],
            IdTokenError::Audience,
        ),
        (
            vec![("azp", json!("another-client"))],
            IdTokenError::Audience,
        ),
        (vec![("nonce", json!("another"))], IdTokenError::Nonce),
        (vec![("nonce", json!(""))], IdTokenError::Nonce),
        (vec![("exp", json!(now - 61))], IdTokenError::Time),
        (vec![("iat", json!(now + 61))], IdTokenError::Time),
        (vec![("nbf", json!(now + 61))], IdTokenError::Time),
        (vec![("iat", json!(now - 661))], IdTokenError::Time),
        (vec![("sub", json!("mallory"))], IdTokenError::Unknown),
        (vec![("sub", json!(""))], IdTokenError::Malformed),
        (vec![("token_use", json!("access"))], IdTokenError::Kind),
        (vec![("typ", json!("Logout"))], IdTokenError::Kind),
        (vec![("events", json!({}))], IdTokenError::Kind),
        (vec![("cnf", json!({}))], IdTokenError::Kind),
    ] {
        let refused = ask(&fleet(), &token(&with(&changes)));
        assert_eq!(refused, Err(error), "{changes:?}");
    }
    for missing in ["nonce", "aud", "sub", "iat", "exp", "iss"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(missing);
        assert!(ask(&fleet(), &token(&claims)).is_err(), "{missing}");
    }
}

#[test]
fn attack_a_key_that_is_not_in_the_snapshot_signs_nobody_in() {
    let forged = signed_by(&key("thief"), "k1", &claims());
    assert_eq!(ask(&fleet(), &forged), Err(IdTokenError::Signature));
    let other = signed_by(&key("thief"), "k2", &claims());
    assert_eq!(ask(&fleet(), &other), Err(IdTokenError::Key));
    let good = token(&claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string());
    let unsigned = format!("{none}.{}.", signed.split_once('.').unwrap().1);
    assert_eq!(ask(&fleet(), &unsigned), Err(IdTokenError::Malformed));
    assert_eq!(
        ask(&fleet(), &"a".repeat(9_000)),
        Err(IdTokenError::Malformed)
    );
}

#[test]
fn attack_a_link_under_another_planes_salt_is_nobodys() {
    let fleet = fleet_linked_with(b"another plane's salt");
    assert_eq!(ask(&fleet, &token(&claims())), Err(IdTokenError::Unknown));
}

#[test]
fn attack_a_revoked_person_does_not_come_in_again() {
    let mut fleet = fleet();
    let revocations = fleet.sections.revocations.get_mut(&ACME).unwrap();
    revocations.marks.push(section::Mark {
        subject_kind: section::SubjectKind::User.into(),
        subject: EVE.as_bytes().to_vec(),
        not_before: NOW.secs() - 10,
    });
    let refused = Err(IdTokenError::Refused(Reason::SubjectMark));
    assert_eq!(ask(&fleet, &token(&claims())), refused);
    // Who proved it anew since then does.
    let anew = with(&[("auth_time", json!(NOW.secs() - 5))]);
    assert!(ask(&fleet, &token(&anew)).is_ok());
    let revocations = fleet.sections.revocations.get_mut(&ACME).unwrap();
    revocations.not_before = NOW.secs();
    let refused = Err(IdTokenError::Refused(Reason::OrganizationMark));
    assert_eq!(ask(&fleet, &token(&anew)), refused);
    fleet.sections.revocations.remove(&ACME);
    let refused = Err(IdTokenError::Refused(Reason::RevocationsMissing));
    assert_eq!(ask(&fleet, &token(&anew)), refused);
}

#[test]
fn attack_an_id_token_of_the_planes_client_is_no_bearer_credential() {
    let mut fleet = fleet();
    let last = fleet.sections.connections.connections.last_mut().unwrap();
    last.session_tokens = Some(section::SessionTokens {
        issuer: ISS.to_owned(),
        audience: "api".to_owned(),
        identity_issuer: FOUND.to_owned(),
        client_ids: vec!["spa".to_owned(), CLIENT.to_owned()],
        algorithms: vec!["EdDSA".to_owned()],
        max_life: 3_600,
        subject: "sub".to_owned(),
        keys: registered().keys,
        ..section::SessionTokens::default()
    });
    let world = world(&fleet);
    let both = with(&[("aud", json!([CLIENT, "api"])), ("azp", json!(CLIENT))]);
    for claims in [claims(), both] {
        let refused = world.verify(token(&claims).as_bytes(), NOW);
        assert!(refused.is_err(), "{claims}");
    }
}

#[test]
fn attack_providers_that_can_be_mixed_up_are_left_out() {
    let mut fleet = fleet();
    let two = ConnectionId::from_bytes([13; 16]);
    let silent = section::PlaneRegistration {
        issuer: "https://silent.test".to_owned(),
        names_itself: false,
        ..registered()
    };
    // Alone it can be told from no other.
    fleet
        .sections
        .connections
        .connections
        .last_mut()
        .unwrap()
        .plane_registration = Some(silent.clone());
    let alone = world(&fleet);
    assert!(alone.registration(IDP).unwrap().is_from(None));
    assert!(!alone.registration(IDP).unwrap().is_from(Some(ISS)));
    fleet
        .sections
        .connections
        .connections
        .push(connection(two, registered()));
    let both = world(&fleet);
    assert!(both.registration(IDP).is_none());
    let kept = both.registration(two).unwrap();
    assert!(kept.is_from(Some(ISS)));
    assert!(!kept.is_from(None));
    assert!(!kept.is_from(Some("https://silent.test")));
}

fn of(all: &mut section::Connections) -> &mut section::PlaneRegistration {
    let last = all.connections.last_mut().unwrap();
    last.plane_registration.as_mut().unwrap()
}

#[test]
fn a_registration_that_makes_no_sense_is_left_out() {
    let changed = |change: fn(&mut section::Connections)| {
        let mut fleet = fleet();
        change(&mut fleet.sections.connections);
        world(&fleet).registrations().len()
    };
    assert_eq!(changed(|_| ()), 1);
    assert_eq!(changed(|all| all.auth_host.clear()), 0);
    assert_eq!(changed(|all| all.auth_host = "no host".to_owned()), 0);
    // A deployment answers there: the answer of a provider would be its to read.
    assert_eq!(changed(|all| all.auth_host = "etl.test".to_owned()), 0);
    assert_eq!(changed(|all| all.identity_salt.clear()), 0);
    assert_eq!(changed(|all| of(all).client_id.clear()), 0);
    assert_eq!(changed(|all| of(all).token_endpoint.clear()), 0);
    assert_eq!(changed(|all| of(all).subject = "email".to_owned()), 0);
    assert_eq!(changed(|all| of(all).issuer = ISSUER.to_owned()), 0);
}

#[test]
fn a_client_authenticates_in_a_way_that_is_known_or_not_at_all() {
    let authentication = |method: &str, audience: &str| {
        let mut fleet = fleet();
        let registration = of(&mut fleet.sections.connections);
        registration.token_endpoint_auth_method = method.to_owned();
        registration.assertion_audience = audience.to_owned();
        let world = world(&fleet);
        let found = world.registrations().first();
        found.map(|registration| registration.authentication.clone())
    };
    for method in ["", "none"] {
        assert_eq!(authentication(method, ""), Some(ClientAuthentication::None));
    }
    let audience = ISS.to_owned();
    assert_eq!(
        authentication("private_key_jwt", ISS),
        Some(ClientAuthentication::PrivateKeyJwt { audience })
    );
    // Taken for a public client it would be sent about in vain.
    for (method, audience) in [
        ("private_key_jwt", ""),
        ("tls_client_auth", ISS),
        ("client_secret_basic", ISS),
    ] {
        assert_eq!(authentication(method, audience), None, "{method}");
    }
}

#[test]
fn entra_names_people_by_tenant_and_object() {
    let mut fleet = fleet();
    let last = fleet.sections.connections.connections.last_mut().unwrap();
    last.plane_registration.as_mut().unwrap().subject = "tid+oid".to_owned();
    let linked = aeolus_snapshot::identity(SALT, IDP, FOUND, &"t/o".parse().unwrap());
    let mut subjects = fleet.sections.subjects.subjects.iter_mut();
    let ann = subjects.find(|subject| subject.id == ANN.as_bytes());
    ann.unwrap().identities.push(linked.to_vec());
    let claims = with(&[("tid", json!("t")), ("oid", json!("o"))]);
    assert_eq!(ask(&fleet, &token(&claims)).unwrap().user, ANN);
    let half = with(&[("tid", json!("t"))]);
    assert_eq!(ask(&fleet, &token(&half)), Err(IdTokenError::Malformed));
    let world = world(&fleet);
    assert_eq!(world.registration(IDP).unwrap().scope(), "openid profile");
}

proptest! {
    #[test]
    fn any_bytes_are_an_id_token_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let fleet = fleet();
        let world = world(&fleet);
        let deployment = world.deployment(ETL).unwrap();
        let registration = world.registration(IDP).unwrap();
        prop_assert!(world.signed_in(registration, (&bytes, NONCE), deployment, NOW).is_err());
    }
}

#[test]
fn attack_a_sign_in_with_one_factor_begins_no_session_where_two_are_wanted() {
    let mut fleet = fleet();
    let one = token(&claims());
    assert!(!ask(&fleet, &one).unwrap().second_factor);
    fleet.sections.deployments.deployments[0].second_factor = true;
    let refused = IdTokenError::Refused(Reason::SecondFactor);
    assert_eq!(ask(&fleet, &one).unwrap_err(), refused);
    let own = token(&with(&[("acr", json!("loa2"))]));
    assert_eq!(ask(&fleet, &own).unwrap_err(), refused);
    let two = token(&with(&[("amr", json!(["pwd", "mfa"]))]));
    assert!(ask(&fleet, &two).unwrap().second_factor);
    let registration = fleet.sections.connections.connections.last_mut().unwrap();
    let registration = registration.plane_registration.as_mut().unwrap();
    registration.second_factor_acr = vec!["loa2".to_owned()];
    assert!(ask(&fleet, &own).unwrap().second_factor);
}
