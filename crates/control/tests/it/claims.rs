//! What control makes of its own signatures: under other claims, of other kinds, by other keys. Nobody but
//! control can sign these; that each is refused means that nothing rests on one check alone.

use std::collections::BTreeSet;

use aeolus_keys::{Kind, SigningKey, jws};
use aeolus_testkit::claims::{Change, changes};
use serde_json::{Map, Value};

use crate::rotation::World;

/// Claims that may be absent at control.
const OPTIONAL: [&str; 3] = ["acr", "amr", "status"];
/// Claims that may have another value: control has nothing to compare it with, or asks its own record.
const FREE: [&str; 14] = [
    "acr longer",
    "acr empty",
    "amr other",
    "auth_time later",
    "auth_time earlier",
    "client_id longer",
    "client_id other",
    "ent other",
    "ent wider",
    "exp later",
    "iat earlier",
    "access.jti longer",
    "nbf earlier",
    "status other",
];

type Claims = Map<String, Value>;

fn claims_of(token: &str) -> Claims {
    let parsed = jws::parse(token.as_bytes()).unwrap();
    parsed.unverified_claims().unwrap()
}

async fn status(w: &World, path: &str, token: &str) -> u16 {
    let answer = w.f.call("GET", path, token, None).await;
    answer.status.as_u16()
}

/// A person's and a program's tokens.
async fn good(w: &World) -> [(Kind, Claims); 2] {
    let program = w.token().await;
    let program = claims_of(program["token"].as_str().unwrap());
    [(Kind::Access, claims_of(&w.owner)), (Kind::Api, program)]
}

#[tokio::test]
async fn t24_t28_each_claim_is_read_strictly() {
    let w = World::new("claims").await;
    let mut passed = BTreeSet::new();
    for (kind, good) in good(&w).await {
        let key = w.f.signing_key(kind).await;
        let again = key.sign(kind, &good).unwrap();
        assert_eq!(status(&w, "/v1/me", &again).await, 200, "{kind}");
        for (claim, value) in &good {
            for (change, other) in changes(value) {
                let mut claims = good.clone();
                claims.remove(claim);
                claims.extend(other.map(|other| (claim.clone(), other)));
                let token = key.sign(kind, &claims).unwrap();
                let status = status(&w, "/v1/me", &token).await;
                let what = format!("{kind}.{claim} {}", change.name());
                let may_pass = match change {
                    Change::Gone | Change::Retyped("null") => OPTIONAL.contains(&claim.as_str()),
                    Change::Retyped(_) => false,
                    Change::Other(_) => FREE.iter().any(|free| what.ends_with(free)),
                };
                if status == 200 {
                    passed.extend(FREE.into_iter().filter(|free| what.ends_with(free)));
                    let gone = change == Change::Gone;
                    passed.extend(OPTIONAL.into_iter().filter(|name| gone && name == claim));
                }
                assert!(
                    status == 401 || (status == 200 && may_pass),
                    "{what}: {status}"
                );
            }
        }
    }
    let listed = FREE.iter().chain(&OPTIONAL);
    let stale: Vec<_> = listed.filter(|entry| !passed.contains(*entry)).collect();
    assert!(stale.is_empty(), "refused, or not there at all: {stale:?}");
}

/// Every header that our keys can put before every payload that we sign, by every one of the keys.
#[tokio::test]
async fn t31_t34_only_an_access_and_an_api_token_are_somebody() {
    let w = World::new("kinds").await;
    let good = good(&w).await;
    let mut signers: Vec<(Kind, SigningKey)> = Vec::new();
    for kind in [
        Kind::Access,
        Kind::Api,
        Kind::Direct,
        Kind::Id,
        Kind::Manifest,
    ] {
        signers.push((kind, w.f.signing_key(kind).await));
    }
    let mut asked = 0;
    for (signer, key) in &signers {
        for minted in Kind::ALL {
            for (payload, claims) in &good {
                // A key signs nothing by another algorithm than its own.
                let Ok(token) = key.sign(minted, claims) else {
                    continue;
                };
                asked += 1;
                let right = signer == payload && minted.typ() == payload.typ();
                let expected = if right { 200 } else { 401 };
                let what = format!("{payload} as {minted} by the key of {signer}");
                assert_eq!(status(&w, "/v1/me", &token).await, expected, "{what}");
                let person = right && *payload == Kind::Access;
                let userinfo = status(&w, "/oauth2/userinfo", &token).await;
                assert_eq!(userinfo == 200, person, "{what}: {userinfo} at userinfo");
            }
        }
    }
    assert!(asked > 80, "{asked}");
}

/// What is good in a cookie is nothing as a bearer credential, nor the other way round.
#[tokio::test]
async fn t32_a_session_is_no_bearer_and_an_access_token_no_cookie() {
    let w = World::new("t32").await;
    let cookie = w.f.login("owner@example.com").await;
    let (name, value) = cookie.split_once('=').unwrap();
    assert_eq!(status(&w, "/v1/me", value).await, 401);
    w.f.visit("/", &cookie).await.expect(200);
    let posing = format!("{name}={}", w.owner);
    w.f.visit("/", &posing).await.expect(303);
}

/// We have no `DPoP` (RFC 9449): its scheme is no credential, its proof changes nothing, nobody is told that
/// there is any, and a token that needs one is none.
#[tokio::test]
async fn o17_dpop_is_no_credential_and_a_bound_token_no_bearer() {
    let w = World::new("o17").await;
    let ask = async |headers: &[(&str, &str)]| {
        let call = w.f.call_with(("GET", "/v1/me"), "", headers, None);
        call.await.status.as_u16()
    };
    for (kind, good) in good(&w).await {
        let key = w.f.signing_key(kind).await;
        let token = key.sign(kind, &good).unwrap();
        let (bearer, dpop) = (format!("Bearer {token}"), format!("DPoP {token}"));
        let proven = [("authorization", bearer.as_str()), ("dpop", "eyJ.eyJ.x")];
        assert_eq!(ask(&proven).await, 200, "{kind}");
        let other = [("authorization", dpop.as_str()), ("dpop", &token)];
        assert_eq!(ask(&other).await, 401, "{kind}");
        assert_eq!(ask(&[("dpop", &token)]).await, 401, "{kind}");
        let mut bound = good.clone();
        bound.insert("cnf".to_owned(), serde_json::json!({"jkt": "x"}));
        let bound = key.sign(kind, &bound).unwrap();
        assert_eq!(status(&w, "/v1/me", &bound).await, 401, "{kind}");
    }
    let metadata = w.f.get("/.well-known/oauth-authorization-server").await;
    let metadata = metadata.expect(200).text().to_ascii_lowercase();
    assert!(!metadata.contains("dpop"), "{metadata}");
    let code = w.f.cli_code(&w.f.login("owner@example.com").await).await;
    let given = w.f.cli_exchange(&code).await.expect(200).json();
    assert_eq!(given["token_type"], "Bearer");
}
