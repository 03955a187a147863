//! Tokens of an identity provider. Tests named `t…` answer rows of the attack corpus.

use std::sync::LazyLock;
use std::time::Duration;

use aeolus_keys::{Alg, Kind, SigningKey};
use aeolus_model::ConnectionId;
use aeolus_snapshot::section;
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Decision;
use crate::decision::Access;
use crate::fixture::*;

mod second_factor;

const IDP: ConnectionId = ConnectionId::from_bytes([12; 16]);
const ISS: &str = "https://acme.auth0.test/";
const FOUND: &str = "https://acme.auth0.test";
const AUD: &str = "astronomer-ee";
const CLIENT: &str = "spa-client";
const SALT: &[u8] = b"plane salt";

static RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Alg::Rs256, &SeededRng::new("")).unwrap());
static ED: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Alg::EdDsa, &SeededRng::new("idp")).unwrap());

fn key(kid: &str, key: &SigningKey) -> section::ProviderKey {
    section::ProviderKey {
        kid: Some(kid.to_owned()),
        jwk: key.public().to_jwk().to_json(),
    }
}

fn terms() -> section::SessionTokens {
    section::SessionTokens {
        issuer: ISS.to_owned(),
        audience: AUD.to_owned(),
        identity_issuer: FOUND.to_owned(),
        client_ids: vec![CLIENT.to_owned()],
        algorithms: vec!["RS256".to_owned(), "EdDSA".to_owned()],
        clock_tolerance: 30,
        max_life: 7_200,
        subject: "sub".to_owned(),
        typed_only: false,
        keys: vec![key("rsa-1", &RSA), key("ed-1", &ED)],
        second_factor_acr: Vec::new(),
    }
}

fn identity(subject: &str) -> Identity {
    aeolus_snapshot::identity(SALT, IDP, FOUND, &subject.parse().unwrap())
}

/// The usual fleet, with a connection whose tokens count and EVE linked there.
fn fleet() -> Fleet {
    let mut fleet = Fleet::new();
    fleet.sections.connections.identity_salt = SALT.to_vec();
    fleet
        .sections
        .connections
        .connections
        .push(section::Connection {
            id: IDP.as_bytes().to_vec(),
            name: "auth0".to_owned(),
            kind: "auth0".to_owned(),
            session_tokens: Some(terms()),
            plane_registration: None,
        });
    let linked = identity("auth0|eve");
    let subjects = fleet.sections.subjects.subjects.iter_mut();
    let mut eve = subjects.filter(|subject| subject.id == EVE.as_bytes());
    eve.next().unwrap().identities.push(linked.to_vec());
    fleet
}

fn change(fleet: &mut Fleet) -> &mut section::SessionTokens {
    let last = fleet.sections.connections.connections.last_mut().unwrap();
    last.session_tokens.as_mut().unwrap()
}

fn claims() -> Value {
    let now = NOW.secs();
    json!({
        "iss": ISS, "sub": "auth0|eve", "aud": [AUD, "https://acme.auth0.test/userinfo"],
        "azp": CLIENT, "scope": "openid", "iat": now - 60, "exp": now + 3_600,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let (header, claims) = (header.to_string(), claims.to_string());
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let signature = key.sign_raw(input.as_bytes()).unwrap();
    format!("{input}.{}", encode(&signature))
}

fn rsa(claims: &Value) -> String {
    signed(
        &json!({"alg": "RS256", "typ": "JWT", "kid": "rsa-1"}),
        claims,
        &RSA,
    )
}

fn ed(claims: &Value) -> String {
    signed(
        &json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "ed-1"}),
        claims,
        &ED,
    )
}

fn get(fleet: &Fleet, token: &str) -> Decision {
    let bearer = format!("Bearer {token}");
    fleet.ask(
        "GET /api/v2/dags",
        "etl.test",
        &[("authorization", &bearer)],
    )
}

fn refused(fleet: &Fleet, token: &str) -> Reason {
    denied(get(fleet, token))
}

#[test]
fn o2_an_idps_access_token_counts_as_the_person_it_names() {
    let fleet = fleet();
    for token in [rsa(&claims()), ed(&claims())] {
        let Decision::Allow(allowed) = get(&fleet, &token) else {
            panic!("refused");
        };
        let Access::As(identity) = allowed.access() else {
            panic!("nobody");
        };
        assert_eq!(identity.subject, Subject::User(EVE));
        assert_eq!(&*identity.person.email, "eve@example.com");
        assert_eq!(identity.expires.secs(), NOW.secs() + 3_630);
        assert_eq!(identity.role, Some(aeolus_model::AirflowRole::Viewer));
        assert!(identity.session.is_none());
    }
    // A viewer there, and nobody anywhere else.
    let bearer = format!("Bearer {}", ed(&claims()));
    let headers = [("authorization", bearer.as_str())];
    let elsewhere = fleet.ask("GET /api/v2/dags", "bi.test", &headers);
    assert_eq!(denied(elsewhere), Reason::Forbidden);
}

#[test]
fn it_is_off_unless_the_connection_says_so() {
    let mut fleet = fleet();
    fleet.sections.connections.connections.pop();
    assert_eq!(refused(&fleet, &rsa(&claims())), Reason::TokenMalformed);
}

#[test]
fn n4_signature_issuer_audience_and_end_are_checked() {
    let fleet = fleet();
    let now = NOW.secs();
    let mut forged = ed(&claims());
    forged.truncate(forged.len() - 6);
    forged.push_str("AAAAAA");
    assert_eq!(refused(&fleet, &forged), Reason::IdpSignature);
    for (claims, reason) in [
        (
            with("iss", json!("https://evil.test/")),
            Reason::IdpIssuerUnknown,
        ),
        (
            with("iss", json!(["https://acme.auth0.test/"])),
            Reason::IdpClaims,
        ),
        (without("iss"), Reason::IdpClaims),
        (with("aud", json!("another-api")), Reason::IdpAudience),
        (with("aud", json!([])), Reason::IdpAudience),
        (without("aud"), Reason::IdpAudience),
        (with("exp", json!(now - 31)), Reason::TokenExpired),
        (without("exp"), Reason::IdpClaims),
        (without("iat"), Reason::IdpClaims),
        (with("iat", json!(now + 31)), Reason::TokenNotYetValid),
        (with("nbf", json!(now + 31)), Reason::TokenNotYetValid),
        (with("nbf", json!("soon")), Reason::IdpClaims),
        (
            with("sub", json!("auth0|mallory")),
            Reason::IdpSubjectUnknown,
        ),
        (without("sub"), Reason::IdpClaims),
    ] {
        assert_eq!(refused(&fleet, &ed(&claims)), reason, "{claims}");
    }
    for good in [
        with("exp", json!(now - 29)),
        with("iat", json!(now + 29)),
        with("aud", json!(AUD)),
    ] {
        assert!(allowed(&get(&fleet, &ed(&good))), "{good}");
    }
}

#[test]
fn t1_t2_t3_only_the_algorithms_that_are_allowed_and_only_that_of_the_key() {
    let mut fleet = fleet();
    for alg in [
        "none", "None", "nOnE", "none ", "HS256", "HS512", "PS256", "rs256", "RS512",
    ] {
        let token = signed(
            &json!({"alg": alg, "typ": "JWT", "kid": "rsa-1"}),
            &claims(),
            &ED,
        );
        assert_eq!(refused(&fleet, &token), Reason::IdpAlgorithm, "{alg}");
    }
    for (alg, kid) in [("EdDSA", "rsa-1"), ("RS256", "ed-1")] {
        let token = signed(&json!({"alg": alg, "kid": kid}), &claims(), &ED);
        assert_eq!(refused(&fleet, &token), Reason::IdpAlgorithm, "{alg} {kid}");
    }
    change(&mut fleet).algorithms = vec!["RS256".to_owned()];
    assert_eq!(refused(&fleet, &ed(&claims())), Reason::IdpAlgorithm);
    assert!(allowed(&get(&fleet, &rsa(&claims()))));
}

#[test]
fn t6_a_token_without_a_kid_needs_exactly_one_key_that_fits() {
    let mut fleet = fleet();
    let token = signed(&json!({"alg": "EdDSA"}), &claims(), &ED);
    assert!(allowed(&get(&fleet, &token)));
    let other = SigningKey::generate(Alg::EdDsa, &SeededRng::new("second")).unwrap();
    change(&mut fleet).keys.push(key("ed-2", &other));
    assert_eq!(refused(&fleet, &token), Reason::IdpKeyUnknown);
    let token = signed(&json!({"alg": "EdDSA", "kid": "ed-3"}), &claims(), &ED);
    assert_eq!(refused(&fleet, &token), Reason::IdpKeyUnknown);
}

#[test]
fn t7_neither_verifies_the_others_tokens() {
    let fleet = fleet();
    // Our own key signs what an IdP would, the IdP's signs what we would.
    for header in [
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": fleet.access.public().kid().to_string()}),
        json!({"alg": "EdDSA", "typ": "JWT", "kid": fleet.access.public().kid().to_string()}),
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "ed-1"}),
    ] {
        let token = signed(&header, &claims(), &fleet.access);
        assert!(!allowed(&get(&fleet, &token)), "{header}");
    }
    let ours = serde_json::to_value(fleet.access_claims()).unwrap();
    assert!(!allowed(&get(&fleet, &ed(&ours))));
    let own = ED.sign(Kind::Access, &fleet.access_claims()).unwrap();
    assert_eq!(refused(&fleet, &own), Reason::TokenKeyUnknown);
    // Nor does a second provider's key for the first one's issuer.
    let mut fleet = self::fleet();
    let stranger = SigningKey::generate(Alg::EdDsa, &SeededRng::new("stranger")).unwrap();
    let mut second = terms();
    second.issuer = "https://second.test/".to_owned();
    second.keys = vec![key("ed-9", &stranger)];
    fleet
        .sections
        .connections
        .connections
        .push(section::Connection {
            id: vec![13; 16],
            session_tokens: Some(second),
            ..section::Connection::default()
        });
    let token = signed(
        &json!({"alg": "EdDSA", "kid": "ed-9"}),
        &claims(),
        &stranger,
    );
    assert_eq!(refused(&fleet, &token), Reason::IdpKeyUnknown);
}

#[test]
fn t8_t9_t11_a_header_brings_no_key_no_rule_and_no_other_token() {
    let fleet = fleet();
    let jwk: Value = serde_json::from_str(&ED.public().to_jwk().to_json()).unwrap();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.test/jwks.json")),
        ("x5u", json!("https://evil.test/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
        ("zip", json!("DEF")),
    ] {
        let mut header = json!({"alg": "EdDSA", "kid": "ed-1"});
        header[name] = value;
        let token = signed(&header, &claims(), &ED);
        assert_eq!(refused(&fleet, &token), Reason::TokenMalformed, "{name}");
    }
}

#[test]
fn t24_odd_dates_are_no_dates_and_fractions_are_cut() {
    let fleet = fleet();
    let exp = NOW.secs() + 60;
    for odd in [
        json!(exp.to_string()),
        json!(1e308),
        json!(true),
        json!([exp]),
        json!(9_223_372_036_854_775_808_u64),
        json!(null),
    ] {
        let token = ed(&with("exp", odd.clone()));
        assert_eq!(refused(&fleet, &token), Reason::IdpClaims, "{odd}");
    }
    assert_eq!(
        refused(&fleet, &ed(&with("exp", json!(-1)))),
        Reason::TokenExpired
    );
    let fraction = json!(1_900_000_060.9_f64);
    assert!(allowed(&get(&fleet, &ed(&with("exp", fraction)))));
}

#[test]
fn t14_a_member_twice_is_refused() {
    let fleet = fleet();
    let text = claims().to_string();
    let twice = text.replacen('{', r#"{"sub":"auth0|ann","#, 1);
    let input = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"ed-1"}"#),
        URL_SAFE_NO_PAD.encode(twice)
    );
    let signature = URL_SAFE_NO_PAD.encode(ED.sign_raw(input.as_bytes()).unwrap());
    assert_eq!(
        refused(&fleet, &format!("{input}.{signature}")),
        Reason::IdpClaims
    );
}

#[test]
fn t29_the_issuer_is_exact() {
    let fleet = fleet();
    for twin in [
        "https://acme.auth0.test",
        "https://acme.auth0.test//",
        "https://ACME.auth0.test/",
        "https://acme.auth0.test:443/",
        "http://acme.auth0.test/",
        "https://acme%2eauth0.test/",
    ] {
        let token = ed(&with("iss", json!(twin)));
        assert_eq!(refused(&fleet, &token), Reason::IdpIssuerUnknown, "{twin}");
    }
}

#[test]
fn t31_an_id_token_a_refresh_token_and_an_event_are_no_access_tokens() {
    let mut fleet = fleet();
    for (name, value) in [
        ("aud", json!(CLIENT)),
        ("aud", json!([AUD, CLIENT])),
        ("at_hash", json!("x")),
        ("cnf", json!({"jkt": "x"})),
        ("typ", json!("DPoP")),
        ("c_hash", json!("x")),
        ("events", json!({})),
        ("token_use", json!("id")),
        ("typ", json!("ID")),
        ("typ", json!("Refresh")),
    ] {
        let token = ed(&with(name, value.clone()));
        assert_eq!(
            refused(&fleet, &token),
            Reason::IdpNotAccessToken,
            "{name} {value}"
        );
    }
    for typ in [
        "id_token",
        "id_token+jwt",
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "aeolus-direct+jwt",
    ] {
        let token = signed(
            &json!({"alg": "EdDSA", "typ": typ, "kid": "ed-1"}),
            &claims(),
            &ED,
        );
        assert_eq!(refused(&fleet, &token), Reason::TokenMalformed, "{typ}");
    }
    for (name, value) in [("token_use", "access"), ("typ", "Bearer")] {
        assert!(
            allowed(&get(&fleet, &ed(&with(name, json!(value))))),
            "{name}"
        );
    }
    change(&mut fleet).typed_only = true;
    assert_eq!(refused(&fleet, &rsa(&claims())), Reason::IdpNotAccessToken);
    assert!(allowed(&get(&fleet, &ed(&claims()))));
    let long = json!({"alg": "EdDSA", "typ": "Application/AT+JWT", "kid": "ed-1"});
    assert!(allowed(&get(&fleet, &signed(&long, &claims(), &ED))));
}

/// What each provider's access tokens say beside issuer, person and times, as their documents show
/// it, and whether the header says `at+jwt`.
fn access_tokens() -> Vec<(&'static str, Value, bool)> {
    let userinfo = "https://acme.auth0.test/userinfo";
    vec![
        (
            "auth0",
            json!({"aud": [AUD, userinfo], "azp": "spa", "scope": "openid profile"}),
            false,
        ),
        (
            "auth0 without a scope",
            json!({"aud": AUD, "azp": "spa"}),
            false,
        ),
        (
            "auth0, rfc 9068",
            json!({"aud": AUD, "client_id": "spa", "jti": "x", "scope": "read:dags"}),
            true,
        ),
        (
            "okta",
            json!({"aud": AUD, "cid": "spa", "uid": "00u", "ver": 1, "scp": ["openid"], "auth_time": 1}),
            false,
        ),
        (
            "entra 1",
            json!({"aud": AUD, "appid": "spa", "appidacr": "0", "scp": "access", "ver": "1.0"}),
            false,
        ),
        (
            "entra 2",
            json!({"aud": AUD, "azp": "spa", "azpacr": "0", "scp": "access", "ver": "2.0"}),
            false,
        ),
        (
            "entra 2, a program with a role",
            json!({"aud": AUD, "azp": "job", "idtyp": "app", "roles": ["x"], "ver": "2.0"}),
            false,
        ),
        (
            "cognito",
            json!({"aud": AUD, "client_id": "spa", "token_use": "access", "scope": "x/y"}),
            false,
        ),
        (
            "keycloak",
            json!({"aud": [AUD, "account"], "azp": "spa", "typ": "Bearer", "scope": "openid"}),
            false,
        ),
        (
            "keycloak before 24",
            json!({"aud": AUD, "azp": "spa", "typ": "Bearer", "nonce": "n", "scope": "openid"}),
            false,
        ),
        (
            "keycloak, a client that is among its own audiences",
            json!({"aud": [AUD, "spa"], "azp": "spa", "typ": "Bearer"}),
            false,
        ),
        (
            "ad fs",
            json!({"aud": AUD, "appid": "spa", "apptype": "Public", "scp": "x"}),
            false,
        ),
    ]
}

/// What an `id_token` says whose client has the configured audience as its id.
fn id_tokens() -> Vec<(&'static str, Value)> {
    vec![
        ("the least that there is", json!({"aud": AUD})),
        ("a list", json!({"aud": [AUD]})),
        (
            "auth0",
            json!({"aud": AUD, "sid": "s", "name": "Eve", "nonce": "n"}),
        ),
        (
            "auth0, code flow",
            json!({"aud": AUD, "sid": "s", "name": "Eve"}),
        ),
        (
            "okta",
            json!({"aud": AUD, "ver": 1, "amr": ["pwd"], "idp": "0oa", "auth_time": 1}),
        ),
        (
            "entra 1",
            json!({"aud": AUD, "ver": "1.0", "roles": ["x"], "nonce": "n"}),
        ),
        (
            "entra 2",
            json!({"aud": AUD, "ver": "2.0", "uti": "u", "rh": "r"}),
        ),
        (
            "cognito",
            json!({"aud": AUD, "token_use": "id", "cognito:username": "eve"}),
        ),
        ("keycloak", json!({"aud": AUD, "azp": AUD, "typ": "ID"})),
        ("google", json!({"aud": AUD, "azp": AUD})),
        (
            "for a second audience",
            json!({"aud": [AUD, "spa"], "azp": "spa"}),
        ),
        (
            "with the client in it",
            json!({"aud": AUD, "client_id": AUD, "scope": "openid"}),
        ),
        (
            "with a scope in it",
            json!({"aud": AUD, "nonce": "n", "scope": "openid"}),
        ),
    ]
}

fn said(extra: &Value) -> Value {
    let now = NOW.secs();
    let mut claims = json!({"iss": ISS, "sub": "auth0|eve", "iat": now - 60, "nbf": now - 60, "exp": now + 3_600});
    let members = extra.as_object().unwrap().clone();
    claims.as_object_mut().unwrap().extend(members);
    claims
}

#[test]
fn t31_an_id_token_of_a_sibling_client_is_no_access_token() {
    let fleet = fleet();
    for (name, extra) in id_tokens() {
        let token = rsa(&said(&extra));
        assert_eq!(refused(&fleet, &token), Reason::IdpNotAccessToken, "{name}");
    }
    // What is for the client that it was given to is not for an API, whatever the header says.
    for client in ["azp", "client_id", "cid", "appid"] {
        let own = json!({"aud": AUD, client: AUD, "scope": "x"});
        assert_eq!(
            refused(&fleet, &ed(&said(&own))),
            Reason::IdpNotAccessToken,
            "{client}"
        );
    }
}

#[test]
fn o2_every_providers_access_token_is_one() {
    let fleet = fleet();
    for (name, extra, typed) in access_tokens() {
        let claims = said(&extra);
        let token = if typed { ed(&claims) } else { rsa(&claims) };
        assert!(allowed(&get(&fleet, &token)), "{name}");
    }
}

#[test]
fn t38_odd_subjects_are_nobody() {
    let fleet = fleet();
    for odd in ["", " auth0|eve", "auth0|eve\u{0}", "auth0|\u{202e}eve"] {
        let token = ed(&with("sub", json!(odd)));
        assert_eq!(refused(&fleet, &token), Reason::IdpClaims, "{odd:?}");
    }
    assert_eq!(
        refused(&fleet, &ed(&with("sub", json!(7)))),
        Reason::IdpClaims
    );
}

#[test]
fn entra_names_a_person_by_tenant_and_object_and_okta_by_uid() {
    let mut fleet = fleet();
    change(&mut fleet).subject = "tid+oid".to_owned();
    let linked = identity("t-1/o-1");
    fleet.sections.subjects.subjects[1].identities = vec![linked.to_vec()];
    let mut claims = claims();
    claims["tid"] = json!("t-1");
    claims["oid"] = json!("o-1");
    assert!(allowed(&get(&fleet, &ed(&claims))));
    claims["tid"] = json!("t-2");
    assert_eq!(refused(&fleet, &ed(&claims)), Reason::IdpSubjectUnknown);
    assert_eq!(refused(&fleet, &ed(&self::claims())), Reason::IdpClaims);
    change(&mut fleet).subject = "uid".to_owned();
    let linked = identity("00u1");
    fleet.sections.subjects.subjects[1].identities = vec![linked.to_vec()];
    let mut okta = with("sub", json!("eve@example.com"));
    assert_eq!(refused(&fleet, &ed(&okta)), Reason::IdpClaims);
    okta["uid"] = json!("00u1");
    assert!(allowed(&get(&fleet, &ed(&okta))));
    change(&mut fleet).subject = "of a later version".to_owned();
    assert_eq!(refused(&fleet, &ed(&claims)), Reason::TokenMalformed);
}

#[test]
fn a_token_lives_no_longer_than_the_connection_says() {
    let mut fleet = fleet();
    let day = with("exp", json!(NOW.secs() + 86_400));
    let verified = fleet.world().verify(ed(&day).as_bytes(), NOW).unwrap();
    assert_eq!(verified.expires, NOW.secs() - 60 + 7_200);
    change(&mut fleet).max_life = 30;
    assert_eq!(refused(&fleet, &ed(&day)), Reason::TokenExpired);
}

#[test]
fn what_ends_a_verified_token_ends_it_on_the_next_use() {
    let begin = fleet();
    let token = ed(&claims());
    let known = begin.world().verify(token.as_bytes(), NOW).unwrap();
    let alive = |fleet: &Fleet| {
        let world = fleet.world();
        let deployment = world.deployment(ETL).unwrap();
        world.alive(&known, deployment, fleet.now)
    };
    assert_eq!(alive(&begin), Ok(()));
    assert!(begin.world().stands(&known));

    let mut fleet = fleet();
    change(&mut fleet)
        .keys
        .retain(|key| key.kid.as_deref() != Some("ed-1"));
    assert_eq!(alive(&fleet), Err(Reason::IdpKeyUnknown));

    let mut fleet = self::fleet();
    fleet.sections.connections.connections.pop();
    assert_eq!(alive(&fleet), Err(Reason::ConnectionGone));

    let mut fleet = self::fleet();
    fleet.sections.subjects.subjects[1].identities.clear();
    assert_eq!(alive(&fleet), Err(Reason::IdpSubjectUnknown));

    // The link is now another person's.
    let mut fleet = self::fleet();
    let moved = std::mem::take(&mut fleet.sections.subjects.subjects[1].identities);
    fleet.sections.subjects.subjects[0].identities = moved;
    assert_eq!(alive(&fleet), Err(Reason::IdpSubjectUnknown));
    // It is somebody else's now: asked again, it counts as theirs.
    let world = fleet.world();
    assert!(!world.stands(&known));
    let anew = world.verify(token.as_bytes(), NOW).unwrap();
    assert_ne!(anew.subject, known.subject);
    assert!(world.stands(&anew));

    let mut fleet = self::fleet();
    fleet.revocations().marks = vec![section::Mark {
        subject_kind: section::SubjectKind::User as i32,
        subject: EVE.as_bytes().to_vec(),
        not_before: NOW.secs() - 59,
    }];
    assert_eq!(alive(&fleet), Err(Reason::SubjectMark));

    let mut fleet = self::fleet();
    fleet.revocations().not_before = NOW.secs();
    assert_eq!(alive(&fleet), Err(Reason::OrganizationMark));

    let mut fleet = self::fleet();
    fleet.missing.insert(ACME);
    assert_eq!(alive(&fleet), Err(Reason::RevocationsMissing));

    let mut fleet = self::fleet();
    fleet.now = fleet.now.plus(Duration::from_secs(3_631));
    assert_eq!(alive(&fleet), Err(Reason::TokenExpired));

    // Other terms: what is remembered doesn't stand, and a new verification decides.
    for alter in [
        (|terms| terms.audience = "other".to_owned()) as fn(&mut section::SessionTokens),
        |terms| terms.max_life = 60,
        |terms| terms.clock_tolerance = 0,
        |terms| terms.algorithms = vec!["RS256".to_owned()],
        |terms| terms.client_ids = vec![],
        |terms| terms.typed_only = true,
    ] {
        let mut fleet = self::fleet();
        alter(change(&mut fleet));
        assert!(!fleet.world().stands(&known));
        assert_eq!(alive(&fleet), Err(Reason::ConnectionGone));
    }
}

#[test]
fn a_mark_counts_from_the_sign_in_where_the_token_says_when_that_was() {
    let mut fleet = fleet();
    fleet.revocations().marks = vec![section::Mark {
        subject_kind: section::SubjectKind::User as i32,
        subject: EVE.as_bytes().to_vec(),
        not_before: NOW.secs() - 100,
    }];
    assert!(allowed(&get(&fleet, &ed(&claims()))));
    let token = ed(&with("auth_time", json!(NOW.secs() - 101)));
    assert_eq!(refused(&fleet, &token), Reason::SubjectMark);
}

#[test]
fn what_is_ambiguous_or_not_understood_is_left_out() {
    let good = ed(&claims());
    // Two connections of one issuer.
    let mut twice = fleet();
    let mut second = twice
        .sections
        .connections
        .connections
        .last()
        .unwrap()
        .clone();
    second.id = vec![13; 16];
    twice.sections.connections.connections.push(second);
    assert_eq!(refused(&twice, &good), Reason::TokenMalformed);
    // One identity of two people.
    let mut shared = fleet();
    shared.sections.subjects.subjects[0].identities =
        shared.sections.subjects.subjects[1].identities.clone();
    assert_eq!(refused(&shared, &good), Reason::IdpSubjectUnknown);
    for alter in [
        (|terms| terms.audience = CLIENT.to_owned()) as fn(&mut section::SessionTokens),
        |terms| terms.audience = String::new(),
        |terms| terms.identity_issuer = String::new(),
        |terms| terms.issuer = ISSUER.to_owned(),
    ] {
        let mut fleet = fleet();
        alter(change(&mut fleet));
        assert!(!allowed(&get(&fleet, &good)));
    }
    // T21: a weak key is no key.
    let mut weak = fleet();
    let rsa = r#"{"kty":"RSA","e":"AQAB","n":"AQAB"}"#.to_owned();
    change(&mut weak).keys = vec![section::ProviderKey {
        kid: Some("ed-1".to_owned()),
        jwk: rsa,
    }];
    assert_eq!(refused(&weak, &good), Reason::IdpKeyUnknown);
}

#[test]
fn explain_says_whose_token_it_is() {
    let fleet = fleet();
    let world = fleet.world();
    let judge = crate::Judge {
        world: &world,
        memory: &fleet,
        freshness: crate::Freshness { age: fleet.age },
        now: fleet.now,
    };
    let bearer = format!("Bearer {}", ed(&claims()));
    let headers = [("authorization", bearer.as_bytes())];
    let explained = crate::explain(
        &judge,
        &crate::Request {
            method: b"GET",
            host: Some(b"etl.test"),
            target: b"/api/v2/dags",
            headers: crate::Headers::collect(headers),
            ..crate::Request::default()
        },
    );
    let found = explained.steps.iter().find(|s| s.stage == "credential");
    let found = &found.unwrap().found;
    assert!(found.contains("identity provider's token"), "{found}");
    assert!(found.contains("eve@example.com"), "{found}");
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(token in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(fleet().world().verify(token.as_bytes(), NOW).is_err());
    }

    #[test]
    fn any_claims_under_a_good_signature_name_eve_or_nobody(
        iss in prop_oneof![Just(json!(ISS)), Just(json!(FOUND)), Just(json!(7))],
        sub in prop_oneof![Just(json!("auth0|eve")), Just(json!("auth0|ann")), Just(json!(null))],
        aud in prop_oneof![Just(json!(AUD)), Just(json!([AUD])), Just(json!(CLIENT)), Just(json!([[AUD]]))],
        life in -100_i64..100,
    ) {
        let fleet = fleet();
        let good = iss == json!(ISS) && sub == json!("auth0|eve")
            && (aud == json!(AUD) || aud == json!([AUD])) && life > -30;
        let claims = json!({
            "iss": iss, "sub": sub, "aud": aud, "iat": NOW.secs() - 200, "exp": NOW.secs() + life,
        });
        let verified = fleet.world().verify(ed(&claims).as_bytes(), NOW);
        prop_assert_eq!(verified.is_ok(), good, "{}", claims);
        prop_assert!(verified.is_err() || verified.unwrap().subject == Subject::User(EVE));
    }
}
