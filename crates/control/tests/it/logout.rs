//! Signing out on behalf of a client (OpenID Connect RP-Initiated Logout 1.0), attacked (O31).

use std::time::Duration;

use aeolus_api::oauth::{Metadata, TokenAnswer};

use crate::fixture::{ADMIN, Answer, Fixture, HOST, ISS};
use crate::provider::deployment;

const BACK: &str = "http://127.0.0.1:4711/signed-out";
const PATH: &str = "/oauth2/logout";

async fn signed_in(f: &Fixture, cookie: &str) -> TokenAnswer {
    let code = f.cli_code(cookie).await;
    f.cli_exchange(&code).await.expect(200).of()
}

fn link(parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("{PATH}?{}", query.finish())
}

/// Whether an access token is still good.
async fn lives(f: &Fixture, access: &str) -> bool {
    f.call("GET", "/v1/me", access, None).await.status == 200
}

#[track_caller]
fn asks(answer: Answer) -> String {
    let answer = answer.expect(200);
    assert!(answer.text().contains("Sign out?"), "{}", answer.text());
    assert_eq!(answer.header("set-cookie"), "");
    answer.text()
}

#[tokio::test]
async fn a_client_with_its_id_token_signs_out_and_goes_on_to_its_own_place() {
    let f = Fixture::new("rp-logout").await;
    let metadata: Metadata = f.get("/.well-known/openid-configuration").await.of();
    assert_eq!(metadata.end_session_endpoint, format!("{ISS}{PATH}"));
    let cookie = f.login(ADMIN).await;
    let held = signed_in(&f, &cookie).await;
    let hint = held.id_token.unwrap();
    // An `id_token` that has expired still says whose session is meant.
    f.clock.advance(Duration::from_secs(3600));
    let asked = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", BACK),
        ("state", "a b&c"),
    ];
    let out = f.visit(&link(&asked), &cookie).await.expect(303);
    assert_eq!(out.location(), format!("{BACK}?state=a+b%26c"));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert!(!lives(&f, &held.access_token).await);
    f.visit("/", &cookie).await.expect(303);
    // Again, and without a place to go on to: our own page.
    let again = f.visit(&link(&asked[..1]), &cookie).await.expect(303);
    assert_eq!(again.location(), "/logout");
}

#[tokio::test]
async fn a_form_of_the_client_comes_without_our_cookie_and_signs_out_as_well() {
    let f = Fixture::new("rp-logout-post").await;
    let cookie = f.login(ADMIN).await;
    let held = signed_in(&f, &cookie).await;
    let hint = held.id_token.unwrap();
    let fields = [
        ("id_token_hint", hint.as_str()),
        ("client_id", "aeolus-cli"),
    ];
    let elsewhere = [("origin", "https://client.example")];
    let out = f.form(PATH, &fields, &elsewhere).await.expect(303);
    assert_eq!(out.location(), "/logout");
    // Which cookie this browser has, nobody has seen: it is left alone.
    assert_eq!(out.header("set-cookie"), "");
    assert!(!lives(&f, &held.access_token).await);
}

#[tokio::test]
async fn o31_without_a_hint_only_our_own_button_signs_out() {
    let f = Fixture::new("rp-logout-ask").await;
    let cookie = f.login(ADMIN).await;
    let held = signed_in(&f, &cookie).await;
    let asked = [
        ("client_id", "aeolus-cli"),
        ("post_logout_redirect_uri", BACK),
        ("state", "s"),
    ];
    let page = f.visit(&link(&asked), &cookie).await;
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:4711"));
    let page = asks(page);
    assert!(page.contains(r#"name="state" value="s""#) && page.contains(BACK));
    // Another site's form, however it comes, leads to the same question.
    let cookied = [("cookie", cookie.as_str()), ("origin", "https://evil.test")];
    let none = [("origin", "https://evil.test")];
    for headers in [cookied.as_slice(), &none] {
        let led = f.form(PATH, &asked, headers).await.expect(303);
        assert_eq!(led.location(), link(&asked));
        assert_eq!(led.header("set-cookie"), "");
    }
    asks(f.visit(PATH, &cookie).await);
    assert!(lives(&f, &held.access_token).await);
    let ours = [("cookie", cookie.as_str()), ("origin", ISS)];
    let out = f.form(PATH, &asked, &ours).await.expect(303);
    assert_eq!(out.location(), format!("{BACK}?state=s"));
    assert!(!lives(&f, &held.access_token).await);
    // With nobody signed in there is nothing to ask.
    let on = f.visit(&link(&asked), &cookie).await.expect(303);
    assert_eq!(on.location(), format!("{BACK}?state=s"));
    assert_eq!(f.get(PATH).await.expect(303).location(), "/logout");
}

#[tokio::test]
async fn o31_a_hint_of_somebody_else_or_of_nobody_asks_first() {
    let f = Fixture::new("rp-logout-foreign").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let cookie = f.login(ADMIN).await;
    let held = signed_in(&f, &cookie).await;
    let eves = f.login("eve@example.com").await;
    let eve = signed_in(&f, &eves).await;
    let hint = eve.id_token.clone().unwrap();
    asks(f.visit(&link(&[("id_token_hint", &hint)]), &cookie).await);
    assert!(lives(&f, &held.access_token).await && lives(&f, &eve.access_token).await);
    let own = held.id_token.clone().unwrap();
    let forged = format!("{}AAAA", &own[..own.len() - 4]);
    for bad in [forged.as_str(), "x", &held.access_token] {
        asks(f.visit(&link(&[("id_token_hint", bad)]), &cookie).await);
        // It says of no client where that may send people.
        let back = [("id_token_hint", bad), ("post_logout_redirect_uri", BACK)];
        f.visit(&link(&back), &cookie).await.expect(400);
        let led = f.form(PATH, &[("id_token_hint", bad)], &[]).await;
        assert_eq!(led.expect(303).location(), PATH);
    }
    assert!(lives(&f, &held.access_token).await);
}

#[tokio::test]
async fn o31_a_sign_out_leads_to_places_of_the_client_and_nowhere_else() {
    let f = Fixture::new("rp-logout-open").await;
    let cookie = f.login(ADMIN).await;
    let held = signed_in(&f, &cookie).await;
    let hint = held.id_token.unwrap();
    for bad in [
        "https://evil.test/",
        "https://evil.test/signed-out",
        "http://localhost:4711/signed-out",
        "http://127.0.0.1:4711/callback",
        "http://127.0.0.1:4711/signed-out?x=1",
        "http://127.0.0.1:4711/signed-out#x",
        "javascript:alert(1)",
        "//evil.test",
        "/login",
    ] {
        let asked = [
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", bad),
        ];
        let refused = f.visit(&link(&asked), &cookie).await.expect(400);
        assert_eq!(refused.location(), "", "{bad}");
        let refused = f.form(PATH, &asked, &[]).await.expect(400);
        assert_eq!(refused.location(), "", "{bad}");
    }
    let plane = "urn:aeolus:plane:01890a5d-ac96-774b-bcce-b302099a8057";
    for bad in [
        [("id_token_hint", hint.as_str()), ("client_id", plane)],
        [("id_token_hint", &hint), ("client_id", "someone")],
        [("post_logout_redirect_uri", BACK), ("state", "s")],
        [("state", "a"), ("state", "b")],
    ] {
        f.visit(&link(&bad), &cookie).await.expect(400);
    }
    let long = "s".repeat(1025);
    let long = [("client_id", "aeolus-cli"), ("state", &long)];
    f.visit(&link(&long), &cookie).await.expect(400);
    assert!(lives(&f, &held.access_token).await);
    f.call("POST", PATH, "", Some(serde_json::json!({})))
        .await
        .expect(415);
}

#[tokio::test]
async fn a_plane_sends_people_back_to_its_own_deployments() {
    let f = Fixture::new("rp-logout-plane").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let other = f.join(&admin, "us-1").await;
    let deployment = deployment(&f, &admin).await;
    let cookie = f.login("eve@example.com").await;
    let held = f.gate_sign_in(&gate, &deployment, &cookie).await;
    let held: TokenAnswer = held.expect(200).of();
    let hint = held.id_token.unwrap();
    let page = format!("https://{HOST}/");
    let foreign = format!("urn:aeolus:plane:{}", other.plane);
    let asked = [
        ("client_id", foreign.as_str()),
        ("post_logout_redirect_uri", &page),
    ];
    f.visit(&link(&asked), &cookie).await.expect(400);
    for bad in [
        format!("https://{HOST}"),
        format!("https://{HOST}/dags"),
        format!("http://{HOST}/"),
        "https://other.example.com/".to_owned(),
    ] {
        let asked = [
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", &bad),
        ];
        f.visit(&link(&asked), &cookie).await.expect(400);
    }
    let asked = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", &page),
    ];
    let out = f.visit(&link(&asked), &cookie).await.expect(303);
    assert_eq!(out.location(), page);
    let client = format!("urn:aeolus:plane:{}", gate.plane);
    let assertion = f.assertion(&gate);
    let fields = [
        ("token", held.access_token.as_str()),
        ("client_id", client.as_str()),
        ("client_assertion_type", aeolus_api::oauth::ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    let said = f.form("/oauth2/introspect", &fields, &[]).await;
    assert_eq!(said.expect(200).text(), r#"{"active":false}"#);
}
