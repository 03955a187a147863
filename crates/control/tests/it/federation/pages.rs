//! The pages around signing in at a provider.

use serde_json::json;

use super::{Browser, EVE, Scene};
use crate::fixture::ISS;

#[tokio::test]
async fn the_sign_in_page_has_a_button_for_each_connection() {
    let s = Scene::new("fed-buttons", json!({"displayName": "Acme <b>SSO</b>"})).await;
    s.connect("zoo", &s.idp.url, json!({"displayName": "Zoo"}))
        .await;
    let page = s.f.get("/login?rd=%2Fdevice").await.expect(200).text();
    let acme = page
        .find("Continue with Acme &#60;b&#62;SSO&#60;/b&#62;")
        .unwrap();
    assert!(page.contains(r#"href="/v1/oauth/start?provider=zoo&#38;rd=%2Fdevice""#));
    assert!(acme < page.find("Continue with Zoo").unwrap());
    assert!(page.contains("name=\"password\""));
    // A wrong password shows them again.
    let wrong = s.f.try_login(EVE, "wrong password here", "/").await;
    assert!(wrong.expect(401).text().contains("Continue with Zoo"));
}

#[tokio::test]
async fn the_only_way_in_is_taken_at_once_but_never_in_a_loop() {
    let s = Scene::new("fed-only", json!({})).await;
    let f = s.without_local_accounts().await;
    let mut eve = Browser::new(&f);
    let led = eve.get("/login?rd=%2Fdevice&again=1").await.expect(303);
    assert_eq!(
        led.location(),
        "/v1/oauth/start?provider=idp&rd=%2Fdevice&again=1"
    );
    let page = eve.get("/login?rd=%2F&choose=1").await.expect(200).text();
    assert!(page.contains("provider=idp") && !page.contains("name=\"password\""));
    // What a refused sign-in leads to is the page, not the provider.
    let sent = eve.start("provider=idp").await;
    let said = [("error", "login_required"), ("iss", s.idp.url.as_str())];
    let said = super::idp::query(&said);
    let refused = eve
        .back(&format!("{said}&state={}", sent.param("state")))
        .await
        .expect(403);
    assert!(
        refused
            .text()
            .contains(r#"href="/login?rd=%2F&#38;choose=1""#)
    );
}

#[tokio::test]
async fn signing_out_goes_on_to_the_provider_and_comes_back() {
    let s = Scene::new("fed-out", json!({})).await;
    let f = s.without_local_accounts().await;
    let mut eve = Browser::new(&f);
    let sent = eve.start("provider=idp").await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    let out = eve.post("/logout", "", ISS).await.expect(200);
    let url = out.header("refresh").strip_prefix("0; url=").unwrap();
    let url: url::Url = url.parse().unwrap();
    assert!(url.as_str().starts_with(&format!("{}/out?", s.idp.url)));
    let back = url
        .query_pairs()
        .find(|(n, _)| n == "post_logout_redirect_uri");
    assert_eq!(back.unwrap().1, "https://aeolus.example.com/logout");
    let hint = url.query_pairs().find(|(n, _)| n == "id_token_hint");
    let hint = hint.unwrap().1.into_owned();
    assert!(
        hint.starts_with("ey") && hint.split('.').count() == 3,
        "{hint}"
    );
    assert_eq!(eve.session(), None);
    // Signed out just now: the page waits for the person.
    let page = eve.get("/logout").await.expect(200).text();
    assert!(page.contains("/login?rd=%2F&amp;choose=1"), "{page}");
    // With the provider away control's own sign-out is all there is.
    let sent = eve.start("provider=idp").await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    s.reconfigure("idp", json!({"discoveryUrl": "http://127.0.0.1:9"}))
        .await;
    let out = eve.post("/logout", "", ISS).await.expect(303);
    assert_eq!((out.location(), eve.session()), ("/logout", None));
}

/// The `id_token` is kept for as long as its session is there, sealed, and no longer one than a URL takes.
#[tokio::test]
async fn f60_an_id_token_for_the_sign_out_is_kept_sealed_and_short() {
    let s = Scene::new("fed-hint", json!({})).await;
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    let file = std::fs::read(s.f.dir.path().join("control.db")).unwrap();
    let log = std::fs::read(s.f.dir.path().join("control.db-wal")).unwrap_or_default();
    let out = eve.post("/logout", "", ISS).await.expect(200);
    let url = out.header("refresh").strip_prefix("0; url=").unwrap();
    let url: url::Url = url.parse().unwrap();
    let hint = url.query_pairs().find(|(n, _)| n == "id_token_hint");
    let hint = hint.unwrap().1.into_owned();
    let signature = hint.rsplit('.').next().unwrap().as_bytes();
    for bytes in [file, log] {
        assert!(!bytes.windows(signature.len()).any(|part| part == signature));
    }
    s.idp
        .lies(|lie| lie.claims = json!({"much": "x".repeat(6_000)}));
    let sent = eve.start("provider=idp").await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    let out = eve.post("/logout", "", ISS).await.expect(200);
    assert!(!out.header("refresh").contains("id_token_hint"));
}

#[tokio::test]
async fn a_tile_of_the_provider_starts_a_sign_in_with_whatever_it_adds() {
    let s = Scene::new("fed-tile", json!({})).await;
    let mut eve = s.browser();
    let tile = "provider=idp&iss=https%3A%2F%2Fidp.test&target_link_uri=&x=1";
    let sent = eve.start(tile).await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    for bad in [
        "",
        "provider=",
        "provider=nobody",
        "provider=local",
        "provider=%00",
    ] {
        let path = format!("/v1/oauth/start?{bad}");
        let page = s.f.get(&path).await.expect(404).text();
        assert!(page.contains("no_connection"), "{bad}");
    }
    s.f.get("/v1/oauth/start?provider=a&provider=b")
        .await
        .expect(400);
}

#[tokio::test]
async fn a_landing_without_an_answer_says_so() {
    let s = Scene::new("fed-landing", json!({"flow": "implicit"})).await;
    let page = s.f.get("/v1/oauth/redirect").await.expect(200);
    assert!(page.header("cache-control").contains("no-store"));
    // Tokens in a URL are where logs are.
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    let fragment = s.idp.fragment(&sent, "eve-1");
    let path = format!("/v1/oauth/redirect/?{fragment}");
    let page = eve.get(&path).await.expect(400).text();
    assert!(page.contains("answer_channel"), "{page}");
    assert_eq!(eve.session(), None);
    // A refusal may come there.
    let state = sent.param("state");
    let path = format!("/v1/oauth/redirect/?error=access_denied&state={state}");
    let page = eve.get(&path).await.text();
    assert!(
        page.contains("answer_issuer"),
        "it has to name itself: {page}"
    );
}

/// A page or refusal without what was typed and what is made anew each time.
fn alike(answer: &crate::fixture::Answer, typed: &str) -> String {
    answer.text().replace(typed, "-")
}

#[tokio::test]
async fn a1_an_address_alone_says_nothing_about_accounts() {
    let s = Scene::new("fed-first", json!({"trustedDomains": ["corp.example"]})).await;
    let f = &s.f;
    let page = f.get("/login?rd=%2Fdevice").await.expect(200).text();
    assert!(page.contains("name=\"email\"") && !page.contains("name=\"password\""));
    let typed = |email: &str| {
        let fields = [("email", email.to_owned()), ("rd", "/device".to_owned())];
        async move {
            let fields = fields
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            f.form("/login", &fields, &[("origin", ISS)]).await
        }
    };
    // Who is known and who isn't go on to the same form for a password.
    let known = typed(EVE).await.expect(200);
    let unknown = typed("nobody@example.com").await.expect(200);
    assert_eq!(alike(&known, EVE), alike(&unknown, "nobody@example.com"));
    assert!(known.text().contains("name=\"password\"") && known.text().contains("readonly"));
    // Whoever has an address of the provider's domain goes there, and there is told who wants in.
    for email in [
        "ann@corp.example",
        "ANN@Corp.Example ",
        "nobody@corp.example",
    ] {
        let led = typed(email).await.expect(200);
        let url = led
            .header("refresh")
            .strip_prefix("0; url=")
            .unwrap()
            .to_owned();
        let url: url::Url = url.parse().unwrap();
        assert!(url.as_str().starts_with(&s.idp.url), "{url}");
        let hint = url
            .query_pairs()
            .find(|(name, _)| name == "login_hint")
            .unwrap()
            .1;
        assert_eq!(hint, email.trim().to_lowercase());
    }
    // A domain stands for itself alone.
    for other in ["ann@sub.corp.example", "ann@notcorp.example"] {
        assert!(
            typed(other)
                .await
                .expect(200)
                .text()
                .contains("name=\"password\"")
        );
    }
    // The form for a password is there whatever the address, for whom the provider doesn't know.
    let page = f
        .get("/login?rd=%2Fdevice&password=1")
        .await
        .expect(200)
        .text();
    assert!(page.contains("name=\"password\"") && page.contains("name=\"email\""));
    assert_eq!(
        s.sign_ins().await,
        Vec::<String>::new(),
        "nobody has tried anything yet"
    );
}

#[tokio::test]
async fn o23_an_address_that_only_looks_like_the_domain_goes_nowhere() {
    let s = Scene::new("fed-twin", json!({"trustedDomains": ["corp.example"]})).await;
    for twin in [
        "ann@c\u{43e}rp.example",
        "ann@corp.ex\u{e4}mple",
        "no address",
        "ann@",
        "",
    ] {
        let fields = [("email", twin), ("rd", "/")];
        let page =
            s.f.form("/login", &fields, &[("origin", ISS)])
                .await
                .expect(422);
        assert!(page.text().contains("That is no e-mail address"), "{twin}");
    }
    let fields = [("email", "ann@corp.example."), ("rd", "/")];
    let page = s.f.form("/login", &fields, &[("origin", ISS)]).await;
    assert!(!page.text().contains("http-equiv") && !page.headers.contains_key("refresh"));
    // From elsewhere nothing is begun.
    let fields = [("email", "ann@corp.example"), ("rd", "/")];
    s.f.form("/login", &fields, &[("origin", "https://evil.example")])
        .await
        .expect(403);
}

#[tokio::test]
async fn an_address_of_two_providers_is_offered_both() {
    let s = Scene::new(
        "fed-both",
        json!({"trustedDomains": ["corp.example"], "displayName": "One"}),
    )
    .await;
    let more = json!({"displayName": "Two", "provision": {"domains": ["corp.example"], "organization": "acme"}});
    s.connect("two", &s.idp.url, more).await;
    s.connect("zoo", &s.idp.url, json!({"displayName": "Zoo"}))
        .await;
    let fields = [
        ("email", "ann@corp.example"),
        ("rd", "/device"),
        ("again", "1"),
    ];
    let page =
        s.f.form("/login", &fields, &[("origin", ISS)])
            .await
            .expect(200)
            .text();
    assert!(page.contains("Continue with One") && page.contains("Continue with Two"));
    assert!(!page.contains("Continue with Zoo") && page.contains("again=1"));
    // Without local accounts there is no form for a password to go on to.
    let f = s.without_local_accounts().await;
    let fields = [("email", "ann@elsewhere.example"), ("rd", "/")];
    let page = f
        .form("/login", &fields, &[("origin", ISS)])
        .await
        .expect(422)
        .text();
    assert!(page.contains("Nobody signs in here by an address of that domain"));
    let page = f.get("/login?password=1").await.expect(200).text();
    assert!(!page.contains("name=\"password\""));
}
