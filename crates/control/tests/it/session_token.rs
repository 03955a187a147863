//! Access tokens by the session's cookie: for our own pages, and to paste into the command line.

use aeolus_api::oauth::TokenAnswer;
use aeolus_keys::claims::Access;
use aeolus_keys::jws;
use aeolus_model::Action;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use serde_json::json;

use crate::fixture::{ADMIN, Answer, Fixture, ISS};

async fn post(f: &Fixture, path: &str, headers: &[(&str, &str)]) -> Answer {
    f.form(path, &[], headers).await
}

fn claims(token: &str) -> Access {
    let token = jws::parse(token.as_bytes()).unwrap();
    token.unverified_claims().unwrap()
}

/// The token of the page's text field.
fn shown(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<textarea")?;
    let (_, rest) = rest.split_once('>')?;
    rest.split_once("</textarea>").map(|(token, _)| token)
}

#[tokio::test]
async fn our_own_pages_get_an_access_token_by_the_cookie() {
    let f = Fixture::new("ui-token").await;
    let cookie = f.login(ADMIN).await;
    let headers = [("cookie", cookie.as_str()), ("origin", ISS)];
    let answer = post(&f, "/token", &headers).await.expect(200);
    assert_eq!(answer.header(CACHE_CONTROL), "no-store");
    let members: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["access_token", "expires_in", "token_type"]);
    let answer: TokenAnswer = answer.of();
    assert_eq!(
        (answer.token_type.as_str(), answer.expires_in),
        ("Bearer", 28_800)
    );
    let claims = claims(&answer.access_token);
    assert_eq!(
        (claims.aud.as_str(), claims.client_id.as_str()),
        (ISS, "aeolus-ui")
    );
    let me = f.call("GET", "/v1/me", &answer.access_token, None).await;
    assert_eq!(me.expect(200).json()["email"], ADMIN);
    // It ends with the session.
    post(&f, "/logout", &headers).await.expect(303);
    f.call("GET", "/v1/me", &answer.access_token, None)
        .await
        .expect(401);
    let out = post(&f, "/token", &headers).await.expect(401);
    assert_eq!(out.json()["code"], "no-session");
}

#[tokio::test]
async fn o29_pages_from_elsewhere_get_no_token() {
    let f = Fixture::new("ui-token-o29").await;
    let cookie = f.login(ADMIN).await;
    let with = |more: &[(&'static str, &'static str)]| {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend_from_slice(more);
        headers
    };
    for path in ["/token", "/token/reveal"] {
        for odd in [
            with(&[]),
            with(&[("origin", "https://evil.example")]),
            with(&[("origin", "null")]),
            with(&[("origin", ISS), ("sec-fetch-site", "same-site")]),
        ] {
            let refused = post(&f, path, &odd).await.expect(403);
            assert!(!refused.text().contains("eyJ"), "{path}");
        }
    }
    assert_eq!(f.audited(Action::TokenShow).await.len(), 0);
}

#[tokio::test]
async fn only_the_cookie_counts() {
    let f = Fixture::new("ui-token-bearer").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let body = json!({"name": "a", "role": "ORGANIZATION_OWNER"});
    let path = "/v1/organizations/acme/tokens";
    let made = f.call("POST", path, &owner, Some(body)).await.expect(201);
    let api = made.json()["token"].as_str().unwrap().to_owned();
    for bearer in [&api, &owner] {
        let bearer = format!("Bearer {bearer}");
        let headers = [("authorization", bearer.as_str()), ("origin", ISS)];
        post(&f, "/token", &headers).await.expect(401);
        let to_login = post(&f, "/token/reveal", &headers).await.expect(303);
        assert_eq!(to_login.location(), "/login?rd=%2Ftoken");
    }
    assert_eq!(f.audited(Action::TokenShow).await.len(), 0);
}

#[tokio::test]
async fn o31_the_page_asks_and_a_post_shows_a_token_once() {
    let f = Fixture::new("token-page").await;
    let to_login = f.get("/token").await.expect(303);
    assert_eq!(to_login.location(), "/login?rd=%2Ftoken");
    let cookie = f.login(ADMIN).await;
    let account = f.visit("/", &cookie).await.expect(200);
    assert!(account.text().contains("href=\"/token\""));
    let asked = f.visit("/token", &cookie).await.expect(200);
    assert_eq!(shown(&asked.text()), None);
    assert!(asked.text().contains("action=\"/token/reveal\""));
    assert_eq!(f.audited(Action::TokenShow).await.len(), 0);
    let headers = [("cookie", cookie.as_str()), ("origin", ISS)];
    let page = post(&f, "/token/reveal", &headers).await.expect(200);
    assert_eq!(page.header(CACHE_CONTROL), "no-store");
    let policy = page.header(CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(page.text().contains("8 h 0 min"));
    let page = page.text();
    let token = shown(&page).unwrap();
    assert_eq!(claims(token).client_id, "aeolus-cli");
    f.call("GET", "/v1/me", token, None).await.expect(200);
    assert_eq!(f.audited(Action::TokenShow).await.len(), 1);
    let again = f.visit("/token", &cookie).await.expect(200);
    assert_eq!(shown(&again.text()), None);
    // It is the command line's: that can sign it out.
    let fields = [("token", token), ("client_id", "aeolus-cli")];
    f.form("/oauth2/revoke", &fields, &[]).await.expect(200);
    f.visit("/token", &cookie).await.expect(303);
}
