//! Tokens that an identity provider signed, through a running gate.

use aeolus_keys::{Alg, SigningKey};
use aeolus_model::ConnectionId;
use aeolus_snapshot::section;
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::fleet::*;

const DAGS: &str = "GET https://etl.test/api/v2/dags";
const IDP: ConnectionId = ConnectionId::from_bytes([12; 16]);
const ISS: &str = "https://idp.test/";
const FOUND: &str = "https://idp.test";

fn idp() -> SigningKey {
    SigningKey::generate(Alg::EdDsa, &SeededRng::new("idp")).unwrap()
}

/// The header with EVE's token, from a while ago and good for an hour.
fn eves() -> String {
    let now = NOW.secs();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "k1"});
    let claims = json!({"iss": ISS, "aud": "api", "sub": "eve", "scope": "dags", "iat": now - 120, "exp": now + 3_600});
    let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
    let input = format!(
        "{}.{}",
        encode(&header.to_string()),
        encode(&claims.to_string())
    );
    let signature = idp().sign_raw(input.as_bytes()).unwrap();
    format!(
        "Authorization: Bearer {input}.{}\r\n",
        URL_SAFE_NO_PAD.encode(signature)
    )
}

async fn opted_in() -> Fleet {
    let fleet = Fleet::start().await;
    fleet.publish(|sections| {
        sections.connections.identity_salt = b"salt".to_vec();
        sections.connections.connections.push(section::Connection {
            id: IDP.as_bytes().to_vec(),
            session_tokens: Some(section::SessionTokens {
                issuer: ISS.to_owned(),
                audience: "api".to_owned(),
                identity_issuer: FOUND.to_owned(),
                client_ids: vec!["spa".to_owned()],
                algorithms: vec!["EdDSA".to_owned()],
                clock_tolerance: 0,
                max_life: 7_200,
                subject: "sub".to_owned(),
                keys: vec![section::ProviderKey {
                    kid: Some("k1".to_owned()),
                    jwk: idp().public().to_jwk().to_json(),
                }],
                ..section::SessionTokens::default()
            }),
            ..section::Connection::default()
        });
        let eve = &"eve".parse().unwrap();
        let linked = aeolus_snapshot::identity(b"salt", IDP, FOUND, eve);
        sections.subjects.subjects[1]
            .identities
            .push(linked.to_vec());
    });
    fleet
}

fn terms(fleet: &Fleet, change: impl FnOnce(&mut section::SessionTokens)) {
    fleet.publish(|sections| {
        let last = sections.connections.connections.last_mut().unwrap();
        change(last.session_tokens.as_mut().unwrap());
    });
}

#[tokio::test]
async fn o2_the_exchange_gives_the_airflow_token_of_the_person() {
    let fleet = opted_in().await;
    let answer = fleet.check(DAGS, &eves()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-aeolus-email"), Some("eve@example.com"));
    assert_eq!(answer.header("x-aeolus-user"), Some(&*EVE.to_string()));
    let claims = airflow_claims(answer.header("authorization").unwrap());
    assert_eq!(claims["email"], "eve@example.com");
    assert_eq!(claims["role"], "viewer");
    // A credential that ends sooner than an Airflow token would ends it.
    terms(&fleet, |terms| terms.max_life = 180);
    let answer = fleet.check(DAGS, &eves()).await;
    let claims = airflow_claims(answer.header("authorization").unwrap());
    assert_eq!(claims["exp"], NOW.secs() + 60);
}

#[tokio::test]
async fn a_remembered_token_is_verified_anew_under_other_terms() {
    let fleet = opted_in().await;
    assert_eq!(fleet.check(DAGS, &eves()).await.status, 200);
    terms(&fleet, |terms| terms.audience = "other".to_owned());
    assert_eq!(fleet.check(DAGS, &eves()).await.status, 401);
    terms(&fleet, |terms| terms.audience = "api".to_owned());
    assert_eq!(fleet.check(DAGS, &eves()).await.status, 200);
    // Good terms that are others: not refused for having been remembered.
    terms(&fleet, |terms| terms.clock_tolerance = 30);
    assert_eq!(fleet.check(DAGS, &eves()).await.status, 200);
}

#[tokio::test]
async fn what_is_taken_away_ends_a_remembered_token() {
    let fleet = opted_in().await;
    assert_eq!(fleet.check(DAGS, &eves()).await.status, 200);
    terms(&fleet, |terms| terms.keys.clear());
    assert_eq!(fleet.check(DAGS, &eves()).await.status, 401);
    let fleet = opted_in().await;
    assert_eq!(fleet.check(DAGS, &eves()).await.status, 200);
    fleet.publish(|sections| sections.subjects.subjects[1].identities.clear());
    assert_eq!(fleet.check(DAGS, &eves()).await.status, 401);
    let reason = fleet
        .fake
        .refused
        .lock()
        .unwrap()
        .last()
        .map(|refused| refused.reason);
    assert_eq!(reason, Some("idp_subject_unknown"));
}
