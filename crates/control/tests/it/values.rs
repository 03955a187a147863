//! What becomes of a token's earlier values when much is revoked, and how many there may be.

use std::time::Duration;

use serde_json::json;

use crate::rotation::{TOKENS, World, claims, path};

#[tokio::test]
async fn what_was_issued_before_is_revoked_also_where_there_is_a_newer_value() {
    let w = World::new("leaked").await;
    let leaked = w.token().await;
    w.f.clock.advance(Duration::from_secs(10));
    let new = w.rotate(&leaked, json!({"grace": "30d"})).await;
    let revoke = format!("{TOKENS}:revoke");
    let before = Some(json!({"issuedBefore": claims(&new).iat}));
    let done = w.f.call("POST", &revoke, &w.owner, before).await;
    assert_eq!(done.expect(200).json()["deleted"], 0);
    assert!(!w.works(&leaked).await);
    assert!(w.works(&new).await);
}

#[tokio::test]
async fn a_token_has_only_so_many_values_at_once() {
    let w = World::new("values").await;
    let token = w.token().await;
    for _ in 0..10 {
        w.rotate(&token, json!({"grace": "1h"})).await;
    }
    let rotate = format!("{}/rotate", path(&token));
    let body = Some(json!({"grace": "1h"}));
    w.f.call("POST", &rotate, &w.owner, body.clone())
        .await
        .expect(409);
    w.rotate(&token, json!({"grace": "0s"})).await;
    w.f.call("POST", &rotate, &w.owner, body).await.expect(200);
}
