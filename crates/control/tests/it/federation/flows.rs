//! Sign-ins that succeed: by code, as a form, by implicit flow, across changes.

use std::time::Duration;

use aeolus_api::oauth::TokenAnswer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::idp::NOW;
use super::{EVE, Scene};
use crate::fixture::{HOST, ISS};

#[tokio::test]
async fn a_code_signs_somebody_in_and_leads_on() {
    let s = Scene::new("fed-code", json!({})).await;
    let mut eve = s.browser();
    let rd = format!("https://{HOST}/dags?x=1");
    let rd: String = url::form_urlencoded::byte_serialize(rd.as_bytes()).collect();
    let sent = eve
        .start(&format!(
            "provider=idp&rd={rd}&login_hint=eve%40example.com"
        ))
        .await;
    assert_eq!(sent.param("client_id"), "client");
    assert_eq!(sent.param("login_hint"), EVE);
    assert_eq!(
        sent.param("redirect_uri"),
        "https://aeolus.example.com/v1/oauth/callback/"
    );
    assert_eq!(sent.maybe("prompt"), None);
    assert_eq!(eve.attempts().len(), 1);
    let back = eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    let expected = format!("https://{HOST}/.aeolus/sign-in?next=%2Fdags%3Fx%3D1");
    assert_eq!(back.location(), expected);
    assert_eq!(eve.attempts(), [""; 0], "the attempt is over");
    assert_eq!(eve.who().await.as_deref(), Some(EVE));
    assert_eq!(s.sign_ins().await, ["through:idp"]);
    let metrics = s.f.metrics().await;
    let line = r#"aeolus_control_sign_ins_total{result="success",connection="idp"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    let asked = [
        "/.well-known/openid-configuration",
        "/token",
        "/jwks",
        "/userinfo",
    ];
    assert_eq!(s.idp.asked(), asked);
    // The next one finds document and keys there.
    let mut again = s.browser();
    let sent = again.start("provider=idp").await;
    again.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    assert_eq!(s.idp.asked(), ["/token", "/userinfo"]);
}

/// What somebody was invited by goes along in the sealed cookie, and never in a URL.
#[tokio::test]
async fn who_is_invited_comes_in_by_a_provider() {
    let s = Scene::new("fed-invited", json!({"fetchUserInfo": false})).await;
    let admin = s.f.admin().await;
    let body = json!({
        "email": "nora@example.com", "role": "ORGANIZATION_MEMBER",
    });
    let made = s.f.call(
        "POST",
        "/v1/organizations/acme/invitations",
        &admin,
        Some(body),
    );
    let made = made.await.expect(201).json();
    let link = made["link"].as_str().unwrap();
    let value = link.rsplit('/').next().unwrap();
    let nora = json!({"email": "nora@example.com", "name": "Nora"});
    s.idp.lies(|lie| lie.claims = nora);
    let mut nora = s.browser();
    let path = format!("/invitation/{value}");
    let page = nora.get(&path).await.expect(200).text();
    assert!(page.contains(r#"name="provider" value="idp""#), "{page}");
    assert!(!page.contains("invitation="), "{page}");
    let form = format!("provider=idp&invitation={value}");
    let page = nora.post("/v1/oauth/start", &form, ISS).await.expect(200);
    let onward = page.header("refresh").strip_prefix("0; url=").unwrap();
    assert!(!onward.contains(value));
    let url = onward.parse().unwrap();
    let sent = super::browser::Sent { url };
    nora.back(&s.idp.code(&sent, "nora-1")).await.expect(303);
    assert!(nora.who().await.is_some());
    // By a link, nothing is carried along.
    let mut other = s.browser();
    let sent = other
        .start(&format!("provider=idp&invitation={value}"))
        .await;
    let back = other.back(&s.idp.code(&sent, "other-1")).await;
    back.expect(403);
}

#[tokio::test]
async fn both_spellings_of_the_redirect_and_a_posted_form_are_taken() {
    let settings = json!({"authUrlParams": {"response_mode": "form_post"}});
    let s = Scene::new("fed-form", settings).await;
    for path in [
        "/v1/oauth/callback",
        "/v1/oauth/callback/",
        "/v1/oauth/redirect",
    ] {
        let mut eve = s.browser();
        let started = eve.get("/v1/oauth/start?provider=idp").await.expect(303);
        let set = started.header("set-cookie");
        assert!(set.ends_with("SameSite=None; Secure"), "{set}");
        let url = started.location().parse().unwrap();
        let sent = super::browser::Sent { url };
        assert_eq!(sent.param("response_mode"), "form_post");
        let form = s.idp.code(&sent, "eve-1");
        eve.back_by_form(path, &form, &s.idp.url).await.expect(303);
        assert_eq!(eve.who().await.as_deref(), Some(EVE));
    }
}

#[tokio::test]
async fn tokens_come_back_through_the_landing_page() {
    let s = Scene::new("fed-implicit", json!({"flow": "implicit"})).await;
    let mut eve = s.browser();
    let rd = format!("https://{HOST}/");
    let rd: String = url::form_urlencoded::byte_serialize(rd.as_bytes()).collect();
    let sent = eve.start(&format!("provider=idp&rd={rd}")).await;
    assert_eq!(sent.param("response_type"), "id_token token");
    let redirect = "https://aeolus.example.com/v1/oauth/redirect/";
    assert_eq!(sent.param("redirect_uri"), redirect);
    let landing = eve.get("/v1/oauth/redirect/").await.expect(200);
    let policy = landing.header("content-security-policy");
    assert!(policy.contains("script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    // Browsers apply the policy to where the form's answer leads as well.
    let onward = format!("form-action 'self' https://{HOST}");
    assert!(policy.ends_with(&onward), "{policy}");
    assert!(landing.text().contains("<noscript>"));
    let fragment = s.idp.fragment(&sent, "eve-1");
    let back = eve.back_by_fragment(&fragment).await.expect(303);
    assert_eq!(
        back.location(),
        format!("https://{HOST}/.aeolus/sign-in?next=%2F")
    );
    assert_eq!(eve.who().await.as_deref(), Some(EVE));
}

#[tokio::test]
async fn what_the_provider_says_of_a_second_factor_counts() {
    let s = Scene::new("fed-mfa", json!({"secondFactorAcr": ["loa2"]})).await;
    for (claims, amr) in [
        (json!({"amr": ["pwd"]}), json!(["pwd"])),
        (json!({"amr": ["pwd", "mfa"]}), json!(["pwd", "mfa"])),
        (
            json!({"amr": ["pwd"], "acr": "loa2"}),
            json!(["pwd", "mfa"]),
        ),
        (json!({"acr": "loa1"}), json!([])),
    ] {
        s.idp.lies(|lie| lie.claims = claims.clone());
        let mut eve = s.browser();
        let sent = eve.start("provider=idp").await;
        eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
        let session = format!("{}={}", super::SESSION, eve.session().unwrap());
        let code = s.f.cli_code(&session).await;
        let answer: TokenAnswer = s.f.cli_exchange(&code).await.expect(200).of();
        let payload = answer.id_token.unwrap();
        let payload = payload.split('.').nth(1).unwrap().to_owned();
        let bytes = URL_SAFE_NO_PAD.decode(payload);
        let found: serde_json::Value = serde_json::from_slice(&bytes.unwrap()).unwrap();
        let said = found.get("amr").cloned().unwrap_or_else(|| json!([]));
        assert_eq!(said, amr, "{claims}");
    }
}

#[tokio::test]
async fn a_fresh_sign_in_is_asked_for_and_judged() {
    let s = Scene::new("fed-fresh", json!({"clockTolerance": 0})).await;
    let mut eve = s.browser();
    let sent = eve.start("provider=idp&again=1").await;
    assert_eq!(sent.param("prompt"), "login");
    assert_eq!(sent.param("max_age"), "0");
    s.idp.lies(|lie| lie.claims = json!({"auth_time": NOW - 1}));
    let page = eve.back(&s.idp.code(&sent, "eve-1")).await.expect(401);
    assert!(page.text().contains("sign_in_not_fresh"));
    let sent = eve.start("provider=idp&again=1").await;
    s.idp.lies(|lie| lie.claims = json!({}));
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
}

#[tokio::test]
async fn a_change_of_the_configuration_breaks_no_sign_in_on_its_way() {
    let s = Scene::new("fed-change", json!({"flow": "implicit"})).await;
    let mut eves = Vec::new();
    for n in 0..20 {
        let flow = if n < 10 { "implicit" } else { "code" };
        if n == 10 {
            let settings = json!({"flow": "code", "displayName": "New", "clockTolerance": 10});
            s.reconfigure("idp", settings).await;
        }
        let mut eve = s.browser();
        let sent = eve.start("provider=idp").await;
        eves.push((flow, eve, sent));
    }
    s.reconfigure("idp", json!({"flow": "implicit", "clientId": "another"}))
        .await;
    for (flow, mut eve, sent) in eves {
        let done = match flow {
            "code" => eve.back(&s.idp.code(&sent, "eve-1")).await,
            _ => eve.back_by_fragment(&s.idp.fragment(&sent, "eve-1")).await,
        };
        done.expect(303);
        assert_eq!(eve.who().await.as_deref(), Some(EVE));
    }
}

/// One provider's word never counts by the rules of another, nor is anything of the one sent to the other (O9).
#[tokio::test]
async fn o9_a_sign_in_ends_where_its_connection_is_another_providers_by_now() {
    let s = Scene::new("fed-moved", json!({})).await;
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    s.idp.asked();
    let elsewhere = json!({"discoveryUrl": "https://elsewhere.test", "trustedDomains": ["x.test"]});
    s.reconfigure("idp", elsewhere).await;
    let page = eve.back(&s.idp.code(&sent, "eve-1")).await.expect(404);
    assert!(page.text().contains("no such way to sign in"));
    assert!(s.idp.asked().is_empty());
}

#[tokio::test]
async fn new_keys_of_the_provider_are_asked_for_once_in_half_a_minute() {
    let s = Scene::new("fed-keys", json!({"clockTolerance": 300})).await;
    let sign_in = || async {
        let mut eve = s.browser();
        let sent = eve.start("provider=idp").await;
        eve.back(&s.idp.code(&sent, "eve-1")).await.status.as_u16()
    };
    assert_eq!(sign_in().await, 303);
    let fetches = || s.idp.asked().iter().filter(|path| *path == "/jwks").count();
    assert_eq!(fetches(), 1);
    s.idp.lies(|lie| (lie.signs_with, lie.publishes) = (1, 2));
    // They were just fetched.
    assert_eq!((sign_in().await, fetches()), (401, 0));
    s.f.clock.advance(Duration::from_secs(30));
    assert_eq!((sign_in().await, fetches()), (303, 1));
    s.idp.lies(|lie| lie.signs_with = 2);
    assert_eq!((sign_in().await, fetches()), (401, 0));
    s.f.clock.advance(Duration::from_secs(30));
    assert_eq!((sign_in().await, fetches()), (401, 1));
    assert_eq!((sign_in().await, fetches()), (401, 0));
}
