//! Public status lists, as a verifier that is no gate reads them.

use std::time::Duration;

use aeolus_keys::claims::Direct;
use aeolus_keys::status_list::{Place, StatusList};
use aeolus_keys::{JwkSet, KeyRing, Kind, jws};
use aeolus_model::Clock as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fixture::{Answer, Fixture, ISS};
use crate::keys::rotate;
use crate::rotation::{TOKENS, World, claims, path};

const HOUR: Duration = Duration::from_secs(3600);

/// What a token says of where its own status is.
fn place(token: &Value) -> Place {
    let claims = claims(token);
    let place = claims.status.unwrap().status_list;
    assert_eq!(place.idx, claims.idx);
    place
}

fn local(place: &Place) -> &str {
    place.uri.strip_prefix(ISS).unwrap()
}

/// Verifies a list with the published keys, of which one signed it that signs no tokens.
async fn opened(f: &Fixture, place: &Place, shown: &Answer) -> StatusList {
    let keys = f.get("/.well-known/jwks.json").await.expect(200);
    let kid = jws::parse_document(&shown.body).unwrap().kid();
    let mut ring = KeyRing::default();
    for key in JwkSet::parse(&keys.body).unwrap().own_keys().unwrap() {
        if key.kid() == kid {
            ring.insert(Kind::StatusList, key).unwrap();
        }
    }
    StatusList::verify(&shown.body, &ring, &place.uri, f.clock.now()).unwrap()
}

async fn is_revoked(f: &Fixture, token: &Value) -> bool {
    let place = place(token);
    let shown = f.get(local(&place)).await.expect(200);
    let list = opened(f, &place, &shown).await;
    list.is_revoked(place.idx).unwrap()
}

/// Waits until a list says that a value is revoked.
async fn soon_revoked(f: &Fixture, token: &Value) {
    let asked = Instant::now();
    while !is_revoked(f, token).await {
        assert!(asked.elapsed() < Duration::from_secs(2), "still good");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_deleted_tokens_value_is_in_the_public_list_within_two_seconds() {
    let w = World::new("list-deleted").await;
    let (token, other) = (w.token().await, w.token().await);
    assert!(!is_revoked(&w.f, &token).await);
    let delete = path(&token);
    w.f.call("DELETE", &delete, &w.owner, None)
        .await
        .expect(200);
    soon_revoked(&w.f, &token).await;
    assert!(!is_revoked(&w.f, &other).await);
}

#[tokio::test]
async fn a_direct_access_token_names_its_list() {
    let w = World::new("list-direct").await;
    let body = json!({"name": "edge", "scope": "ORGANIZATION", "kind": "DIRECT_ACCESS"});
    let made = w.f.call("POST", TOKENS, &w.owner, Some(body)).await;
    let made = made.expect(201).json();
    let token = jws::parse(made["token"].as_str().unwrap().as_bytes()).unwrap();
    let claims: Direct = token.unverified_claims().unwrap();
    let organization = made["organizationId"].as_str().unwrap();
    let expected = Place::of(ISS, organization.parse().unwrap(), claims.idx);
    assert_eq!(claims.status.unwrap().status_list, expected);
}

/// No housekeeping is needed for it.
#[tokio::test]
async fn a_value_past_the_grace_of_a_rotation_is_in_the_public_list() {
    let w = World::new("list-grace").await;
    let old = w.token().await;
    let new = w.rotate(&old, json!({"grace": "1h"})).await;
    assert!(!is_revoked(&w.f, &old).await);
    let second = Duration::from_secs(1);
    w.f.clock.advance(HOUR.saturating_sub(second));
    assert!(!is_revoked(&w.f, &old).await);
    w.f.clock.advance(second);
    assert!(is_revoked(&w.f, &old).await);
    assert!(!is_revoked(&w.f, &new).await);
}

#[tokio::test]
async fn a_list_is_made_once_for_all_who_ask() {
    let w = World::new("list-cached").await;
    let token = w.token().await;
    let place = place(&token);
    let shown = w.f.get(local(&place)).await.expect(200);
    assert_eq!(shown.header("content-type"), "application/statuslist+jwt");
    assert_eq!(shown.header("cache-control"), "public, max-age=15");
    let tag = shown.header("etag").to_owned();
    // What doesn't touch it leaves it as it is.
    let body = json!({"name": "more"});
    let workspaces = "/v1/organizations/acme/workspaces";
    w.f.call("POST", workspaces, &w.owner, Some(body))
        .await
        .expect(201);
    w.f.clock.advance(Duration::from_secs(5));
    let known = [("if-none-match", tag.as_str())];
    let again =
        w.f.call_with(("GET", local(&place)), "", &known, None)
            .await;
    assert_eq!(
        again.expect(304).header("cache-control"),
        "public, max-age=10"
    );
    // Signed again when it is as old as anybody may keep it.
    w.f.clock.advance(Duration::from_secs(10));
    let later =
        w.f.call_with(("GET", local(&place)), "", &known, None)
            .await;
    assert_ne!(later.expect(200).header("etag"), tag);
}

#[tokio::test]
async fn there_are_no_other_lists() {
    let w = World::new("list-none").await;
    let token = w.token().await;
    let uri = local(&place(&token)).to_owned();
    let stem = uri.strip_suffix('0').unwrap();
    for number in ["1", "4095", "4096", "4294967295", "00", "x"] {
        w.f.get(&format!("{stem}{number}")).await.expect(404);
    }
    w.f.get("/v1/status-lists/acme/0").await.expect(404);
    let nobody = "/v1/status-lists/01890a5d-ac96-774b-bcce-b302099a8057/0";
    w.f.get(nobody).await.expect(404);
}

#[tokio::test]
async fn another_key_for_status_lists_takes_over() {
    let w = World::new("list-key").await;
    let token = w.token().await;
    let place = place(&token);
    let kid = async || {
        let shown = w.f.get(local(&place)).await.expect(200);
        opened(&w.f, &place, &shown).await;
        jws::parse_document(&shown.body).unwrap().kid()
    };
    let before = kid().await;
    let admin = w.f.admin().await;
    let now = json!({"activateIn": "0s", "regardless": true});
    rotate(&w.f, &admin, "status", now).await;
    w.f.clock.advance(Duration::from_secs(15));
    assert_ne!(kid().await, before);
}
