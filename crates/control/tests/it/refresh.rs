//! Refresh tokens, attacked: replayed, raced, widened, kept too long.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::oauth::{ASSERTION_TYPE, Metadata, TokenAnswer};
use aeolus_keys::claims::IdToken;
use aeolus_keys::{JwkSet, Kind, digest, jws};
use aeolus_model::{Action, Clock as _, UserId};
use aeolus_store::Unit as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engines::on_every_engine;
use crate::fixture::{ADMIN, Answer, Fixture};

on_every_engine! {
    a_session_goes_on_by_refresh_for_thirty_days_and_no_longer,
    f47_a_lost_answer_is_given_again_for_ten_seconds,
    f47_after_the_grace_it_is_a_replay_that_ends_the_session,
    o12_once_the_next_one_was_used_a_replay_is_one_also_within_the_grace,
    signing_out_anywhere_ends_the_refresh_tokens,
    o1_a_code_used_twice_ends_its_refresh_tokens,
    f48_a13_of_fifty_refreshes_at_once_one_counts_and_nobody_is_signed_out,
}

/// What a sign-in with `offline_access` gives.
async fn signed_in(f: &Fixture, cookie: &str) -> TokenAnswer {
    let url = Fixture::cli_authorize("").replace("scope=openid", "scope=openid%20offline_access");
    let answer = f.visit(&url, cookie).await.expect(303);
    let code = answer.param("code").unwrap();
    f.cli_exchange(&code).await.expect(200).of()
}

/// A first refresh token of the administrator.
async fn first(f: &Fixture) -> String {
    let cookie = f.login(ADMIN).await;
    signed_in(f, &cookie).await.refresh_token.unwrap()
}

async fn refresh_with(f: &Fixture, token: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "aeolus-cli"),
    ];
    let fields = [fields.as_slice(), more].concat();
    f.form("/oauth2/token", &fields, &[]).await
}

async fn refresh(f: &Fixture, token: &str) -> Answer {
    refresh_with(f, token, &[]).await
}

/// Refreshes and returns what follows.
async fn next(f: &Fixture, token: &str) -> TokenAnswer {
    refresh(f, token).await.expect(200).of()
}

#[track_caller]
fn refused(answer: Answer, code: &str) {
    let answer = answer.expect(400);
    assert_eq!(answer.json()["error"], code, "{}", answer.text());
}

/// Who an access token's person is, or 401.
async fn me(f: &Fixture, access: &str) -> Answer {
    f.call("GET", "/v1/me", access, None).await
}

#[tokio::test]
async fn only_the_command_line_that_asks_for_it_gets_a_refresh_token() {
    let f = Fixture::new("refresh-ask").await;
    let cookie = f.login(ADMIN).await;
    let code = f.cli_code(&cookie).await;
    let plain: TokenAnswer = f.cli_exchange(&code).await.expect(200).of();
    assert_eq!(
        (plain.scope.as_str(), plain.refresh_token),
        ("openid", None)
    );
    let asked = signed_in(&f, &cookie).await;
    assert_eq!(asked.scope, "openid offline_access");
    let value = asked.refresh_token.unwrap();
    assert!(value.starts_with("xar_") && value.len() == 47, "{value}");

    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let list = "/v1/organizations/acme/deployments";
    let list = f.call("GET", list, &admin, None).await.expect(200).json();
    let deployment = list["items"][0]["id"].as_str().unwrap();
    let url = gate.authorize(deployment);
    let url = url.replace("scope=openid", "scope=openid%20offline_access");
    assert!(url.contains("offline_access"));
    let code = f.visit(&url, &cookie).await.expect(303);
    let code = code.param("code").unwrap();
    let answer = f.gate_exchange(&gate, &code, &f.assertion(&gate)).await;
    let answer: TokenAnswer = answer.expect(200).of();
    assert_eq!(
        (answer.scope.as_str(), answer.refresh_token),
        ("openid", None)
    );
    let metadata: Metadata = f.get("/.well-known/openid-configuration").await.of();
    assert!(
        metadata
            .grant_types_supported
            .contains(&"refresh_token".to_owned())
    );
    assert!(
        metadata
            .scopes_supported
            .contains(&"offline_access".to_owned())
    );
}

/// OpenID Connect Core §12.2: another `id_token` is about the sign-in that the first one was about.
async fn same_sign_in(f: &Fixture, held: &TokenAnswer, begun: &TokenAnswer) {
    let (new, first) = (id_of(f, held).await, id_of(f, begun).await);
    assert_eq!(
        (&new.iss, &new.aud, new.sub, new.sid, new.auth_time),
        (
            &first.iss,
            &first.aud,
            first.sub,
            first.sid,
            first.auth_time
        )
    );
    assert_eq!((new.nonce, first.nonce.as_deref()), (None, Some("no")));
    assert_eq!(new.iat, f.clock.now().secs());
    assert_eq!(new.exp, new.iat + 600);
    let half = &digest::sha256(held.access_token.as_bytes())[..16];
    assert_eq!(new.at_hash, Some(URL_SAFE_NO_PAD.encode(half)));
    assert_ne!(new.jti, first.jti);
}

async fn id_of(f: &Fixture, answer: &TokenAnswer) -> IdToken {
    let jwks = f.get("/.well-known/jwks.json").await;
    let keys = JwkSet::parse(&jwks.body).unwrap().own_keys().unwrap();
    let token = jws::parse(answer.id_token.as_ref().unwrap().as_bytes()).unwrap();
    let key = keys.iter().find(|key| key.kid() == token.kid()).unwrap();
    token.verify(Kind::Id, key).unwrap().claims().unwrap()
}

#[tokio::test]
async fn a_sign_in_that_refreshes_all_the_time_has_to_wait_and_loses_nothing() {
    let f = Fixture::new("refresh-pace").await;
    let cookie = f.login(ADMIN).await;
    let other = signed_in(&f, &cookie).await.refresh_token.unwrap();
    let mut token = signed_in(&f, &cookie).await.refresh_token.unwrap();
    for _ in 0..60 {
        token = next(&f, &token).await.refresh_token.unwrap();
    }
    f.clock.advance(Duration::from_secs(20));
    for _ in 0..3 {
        let wait = refresh(&f, &token).await.expect(429);
        assert_eq!(wait.json()["error"], "slow_down");
        assert_eq!(wait.header("retry-after"), "40");
    }
    // It is this sign-in alone, and what it holds was not spent.
    next(&f, &other).await;
    f.clock.advance(Duration::from_secs(40));
    let held = next(&f, &token).await;
    me(&f, &held.access_token).await.expect(200);
}

async fn a_session_goes_on_by_refresh_for_thirty_days_and_no_longer(database: Option<String>) {
    let f = Fixture::pair("refresh-life", database).await;
    let cookie = f.login(ADMIN).await;
    let mut held = signed_in(&f, &cookie).await;
    let begun = held.clone();
    let end = held.aeolus.clone().unwrap().absolute_end;
    let mut seen = BTreeSet::new();
    // Every seven hours, to an hour before the end.
    for _ in 0..102 {
        f.clock.advance(Duration::from_secs(7 * 3600));
        let token = held.refresh_token.unwrap();
        assert!(seen.insert(token.clone()), "a value came twice");
        held = next(&f, &token).await;
        me(&f, &held.access_token).await.expect(200);
        assert_eq!(held.aeolus.clone().unwrap().absolute_end, end);
        same_sign_in(&f, &held, &begun).await;
        assert_eq!(held.scope, "openid offline_access");
    }
    // The last access token ends with the session, not eight hours later.
    f.clock.advance(Duration::from_secs(5 * 3600));
    let last = next(&f, &held.refresh_token.unwrap()).await;
    assert_eq!(last.expires_in, 3600);
    f.clock.advance(Duration::from_secs(3600));
    let token = last.refresh_token.unwrap();
    refused(refresh(&f, &token).await, "invalid_grant");
    me(&f, &last.access_token).await.expect(401);
}

async fn f47_a_lost_answer_is_given_again_for_ten_seconds(database: Option<String>) {
    let f = Fixture::pair("f47", database).await;
    let one = first(&f).await;
    let two = next(&f, &one).await.refresh_token;
    f.clock.advance(Duration::from_secs(10));
    let again = next(&f, &one).await;
    assert_eq!(again.refresh_token, two);
    me(&f, &again.access_token).await.expect(200);
    let three = next(&f, &two.unwrap()).await;
    me(&f, &three.access_token).await.expect(200);
    assert_eq!(f.audited(Action::RefreshReplay).await, []);
    assert_eq!(f.audited(Action::SessionRenew).await.len(), 2);
}

async fn f47_after_the_grace_it_is_a_replay_that_ends_the_session(database: Option<String>) {
    let f = Fixture::pair("f47-late", database).await;
    let cookie = f.login(ADMIN).await;
    let begun = signed_in(&f, &cookie).await;
    let one = begun.refresh_token.unwrap();
    let held = next(&f, &one).await;
    f.clock.advance(Duration::from_millis(10_001));
    refused(refresh(&f, &one).await, "invalid_grant");
    for access in [&begun.access_token, &held.access_token] {
        me(&f, access).await.expect(401);
    }
    f.visit("/", &cookie).await.expect(303);
    refused(
        refresh(&f, &held.refresh_token.unwrap()).await,
        "invalid_grant",
    );
    let lines = f.audited(Action::RefreshReplay).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].outcome, aeolus_model::Outcome::Denied);
    assert_eq!(lines[0].reason, "refresh_replay");
}

async fn o12_once_the_next_one_was_used_a_replay_is_one_also_within_the_grace(
    database: Option<String>,
) {
    let f = Fixture::pair("o12", database).await;
    let one = first(&f).await;
    let two = next(&f, &one).await.refresh_token.unwrap();
    let three = next(&f, &two).await.refresh_token.unwrap();
    refused(refresh(&f, &one).await, "invalid_grant");
    // The thief's replay ended what the owner holds as well.
    refused(refresh(&f, &three).await, "invalid_grant");
    refused(refresh(&f, &two).await, "invalid_grant");
    assert_eq!(f.audited(Action::RefreshReplay).await.len(), 1);
}

#[tokio::test]
async fn o13_a_wider_scope_is_refused_and_costs_nothing() {
    let f = Fixture::new("o13-scope").await;
    let one = first(&f).await;
    for wider in ["openid offline_access admin", "email", "*"] {
        let answer = refresh_with(&f, &one, &[("scope", wider)]).await;
        refused(answer, "invalid_scope");
    }
    // Less is given, and what follows may ask for all of it again.
    let less = refresh_with(&f, &one, &[("scope", "openid")]).await;
    let less: TokenAnswer = less.expect(200).of();
    assert_eq!(less.scope, "openid");
    let all = next(&f, &less.refresh_token.unwrap()).await;
    assert_eq!(all.scope, "openid offline_access");
}

#[tokio::test]
async fn o13_another_client_is_refused_and_ends_nothing() {
    let f = Fixture::new("o13-client").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let one = first(&f).await;
    let client = format!("urn:aeolus:plane:{}", gate.plane);
    let assertion = f.assertion(&gate);
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", one.as_str()),
        ("client_id", client.as_str()),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    refused(f.form("/oauth2/token", &fields, &[]).await, "invalid_grant");
    next(&f, &one).await;
}

#[tokio::test]
async fn o13_a_disabled_or_deleted_person_refreshes_nothing() {
    let f = Fixture::new("o13-user").await;
    let cookie = f.login(ADMIN).await;
    let one = signed_in(&f, &cookie).await.refresh_token.unwrap();
    let store = f.store().await;
    let disable = async |at| {
        let mut write = store.write().await.unwrap();
        let email = ADMIN.parse().unwrap();
        let mut user = write.users().by_email(&email).await.unwrap().unwrap();
        user.disabled_at = at;
        write.users().update(&user).await.unwrap();
        write.commit().await.unwrap();
        user.id
    };
    let id: UserId = disable(Some(aeolus_model::Clock::now(&*f.clock))).await;
    refused(refresh(&f, &one).await, "invalid_grant");
    disable(None).await;
    let two = next(&f, &one).await.refresh_token.unwrap();
    let mut write = store.write().await.unwrap();
    write.users().delete(id).await.unwrap();
    write.commit().await.unwrap();
    refused(refresh(&f, &two).await, "invalid_grant");
}

async fn signing_out_anywhere_ends_the_refresh_tokens(database: Option<String>) {
    let f = Fixture::pair("refresh-out", database).await;
    let cookie = f.login(ADMIN).await;
    let one = signed_in(&f, &cookie).await.refresh_token.unwrap();
    let headers = [("cookie", cookie.as_str()), ("origin", crate::fixture::ISS)];
    f.form("/logout", &[], &headers).await.expect(303);
    refused(refresh(&f, &one).await, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_that_is_revoked_takes_its_session_along() {
    let f = Fixture::new("refresh-revoke").await;
    let cookie = f.login(ADMIN).await;
    let begun = signed_in(&f, &cookie).await;
    let one = begun.refresh_token.unwrap();
    let two = next(&f, &one).await.refresh_token.unwrap();
    let revoke = async |token: &str| {
        let fields = [("token", token), ("client_id", "aeolus-cli")];
        f.form("/oauth2/revoke", &fields, &[]).await.expect(200);
    };
    // O19: one that never was changes nothing, and the answer doesn't say so.
    revoke("xar_nobody-has-this-one").await;
    me(&f, &begun.access_token).await.expect(200);
    revoke(&two).await;
    me(&f, &begun.access_token).await.expect(401);
    refused(refresh(&f, &two).await, "invalid_grant");
    f.visit("/", &cookie).await.expect(303);
    assert_eq!(f.audited(Action::SignOut).await.len(), 1);
    assert_eq!(f.audited(Action::RefreshReplay).await, []);
}

#[tokio::test]
async fn o19_another_clients_refresh_token_is_not_revoked() {
    let f = Fixture::new("refresh-o19").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let one = first(&f).await;
    let client = format!("urn:aeolus:plane:{}", gate.plane);
    let assertion = f.assertion(&gate);
    let fields = [
        ("token", one.as_str()),
        ("client_id", client.as_str()),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    f.form("/oauth2/revoke", &fields, &[]).await.expect(200);
    next(&f, &one).await;
}

async fn o1_a_code_used_twice_ends_its_refresh_tokens(database: Option<String>) {
    let f = Fixture::pair("refresh-o1", database).await;
    let cookie = f.login(ADMIN).await;
    let url = Fixture::cli_authorize("").replace("scope=openid", "scope=openid%20offline_access");
    let code = f.visit(&url, &cookie).await.expect(303);
    let code = code.param("code").unwrap();
    let held: TokenAnswer = f.cli_exchange(&code).await.expect(200).of();
    f.cli_exchange(&code).await.expect(400);
    refused(
        refresh(&f, &held.refresh_token.unwrap()).await,
        "invalid_grant",
    );
}

async fn f48_a13_of_fifty_refreshes_at_once_one_counts_and_nobody_is_signed_out(
    database: Option<String>,
) {
    let f = Arc::new(Fixture::pair("f48", database).await);
    let one = first(&f).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (f, one) = (f.clone(), one.clone());
        tasks.spawn(async move { next(&f, &one).await.refresh_token.unwrap() });
    }
    let followers: BTreeSet<String> = tasks.join_all().await.into_iter().collect();
    assert_eq!(followers.len(), 1, "one family");
    assert_eq!(f.audited(Action::SessionRenew).await.len(), 1);
    assert_eq!(f.audited(Action::RefreshReplay).await, []);
    let two = followers.into_iter().next().unwrap();
    let held = next(&f, &two).await;
    me(&f, &held.access_token).await.expect(200);
}

#[tokio::test]
async fn odd_refresh_requests_are_refused() {
    let f = Fixture::new("refresh-odd").await;
    let fields = [("grant_type", "refresh_token"), ("client_id", "aeolus-cli")];
    refused(
        f.form("/oauth2/token", &fields, &[]).await,
        "invalid_request",
    );
    for bad in ["xar_", "x", "xar_nobody-has-this-one"] {
        refused(refresh(&f, bad).await, "invalid_grant");
    }
    let one = first(&f).await;
    for bad in [one.to_uppercase(), format!("{one} "), one[4..].to_owned()] {
        refused(refresh(&f, &bad).await, "invalid_grant");
    }
    let twice = [("refresh_token", one.as_str())];
    refused(refresh_with(&f, &one, &twice).await, "invalid_request");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &one)];
    let stranger = f.form("/oauth2/token", &fields, &[]).await.expect(401);
    assert_eq!(stranger.json()["error"], "invalid_client");
    next(&f, &one).await;
}

#[tokio::test]
async fn the_database_holds_no_refresh_token() {
    let f = Fixture::new("refresh-db").await;
    let one = first(&f).await;
    let two = next(&f, &one).await.refresh_token.unwrap();
    for entry in std::fs::read_dir(f.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for value in [&one, &two] {
                let found = bytes.windows(43).any(|w| w == &value.as_bytes()[4..]);
                assert!(!found, "{}", path.display());
            }
        }
    }
}
