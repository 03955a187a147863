//! What somebody with a cookie of ours can have us ask of a provider, and answers that come from its own page.

use aeolus_model::Action;
use serde_json::json;

use super::browser::{Browser, Sent};
use super::idp::query;
use super::{EVE, SESSION, Scene};
use crate::fixture::ISS;

fn bogus(s: &Scene, sent: &Sent, code: &str) -> String {
    query(&[
        ("code", code),
        ("state", &sent.param("state")),
        ("iss", &s.idp.url),
    ])
}

/// One kept cookie, as many made-up codes as one likes.
#[tokio::test]
async fn o1_an_attempt_is_worth_one_exchange() {
    let s = Scene::new("fed-exchanges", json!({})).await;
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    let kept = eve.jar.clone();
    s.idp.asked();
    for n in 0..20 {
        eve.jar.clone_from(&kept);
        let answer = eve.back(&bogus(&s, &sent, &format!("made-up-{n}"))).await;
        let code = if n == 0 {
            "tokens_grant"
        } else {
            "answer_again"
        };
        assert!(answer.text().contains(code), "{n}: {}", answer.text());
    }
    assert_eq!(s.idp.asked(), ["/token"]);
    // Whoever begins anew is not kept out by that.
    let sent = eve.start("provider=idp").await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
}

/// An attempt for each made-up code: the provider hears of so many in a minute, and beginning goes on.
#[tokio::test]
async fn f56_made_up_codes_from_one_source_are_few() {
    let s = Scene::new("fed-made-up", json!({})).await;
    let mut sent = Vec::new();
    for _ in 0..65 {
        let mut eve = s.browser();
        let on_the_way = eve.start("provider=idp").await;
        sent.push((eve, on_the_way));
    }
    s.idp.asked();
    let mut refused = 0;
    for (eve, sent) in &mut sent {
        let answer = eve.back(&bogus(&s, sent, "made-up")).await;
        refused += usize::from(answer.status.as_u16() == 429);
    }
    assert_eq!((s.idp.asked().len(), refused), (60, 5));
    s.browser().start("provider=idp").await;
    s.f.clock.advance(std::time::Duration::from_secs(60));
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
}

fn form_post() -> serde_json::Value {
    json!({"authUrlParams": {"response_mode": "form_post"}})
}

fn sign_in_as(browser: &mut Browser<'_>, cookie: &str) {
    let (name, value) = cookie.split_once('=').unwrap();
    browser.jar.insert(name.to_owned(), value.to_owned());
}

#[tokio::test]
async fn o26_a_session_from_before_is_over_although_the_provider_posts() {
    let s = Scene::new("fed-form-o26", form_post()).await;
    let before = s.f.login("member@example.com").await;
    let mut eve = s.browser();
    sign_in_as(&mut eve, &before);
    let sent = eve.start("provider=idp").await;
    let form = s.idp.code(&sent, "eve-1");
    let path = "/v1/oauth/callback/";
    eve.back_by_form(path, &form, &s.idp.url).await.expect(303);
    assert_eq!(eve.who().await.as_deref(), Some(EVE));
    s.f.visit("/", &before).await.expect(303);
}

#[tokio::test]
async fn o22_a_way_in_is_added_although_the_provider_posts() {
    let s = Scene::new("fed-form-link", form_post()).await;
    let member = s.f.login("member@example.com").await;
    let mut browser = s.browser();
    sign_in_as(&mut browser, &member);
    let page = browser.post("/v1/oauth/start", "provider=idp", ISS).await;
    let page = page.expect(200);
    let onward = page.header("refresh").strip_prefix("0; url=").unwrap();
    let url = onward.parse().unwrap();
    let form = s.idp.code(&Sent { url }, "member-1");
    s.idp.lies(|lie| {
        let info = json!({"sub": "member-1"}).to_string();
        lie.user_info = Some((200, "application/json", info));
    });
    let path = "/v1/oauth/callback";
    let back = browser.back_by_form(path, &form, &s.idp.url).await;
    back.expect(303);
    assert_eq!(s.f.audited(Action::IdentityLink).await.len(), 1);
    assert_eq!(browser.who().await.as_deref(), Some("member@example.com"));
}

/// What another site posts that this browser began nothing for is on no page of ours.
#[tokio::test]
async fn o7_a_strangers_form_is_not_brought_home() {
    let s = Scene::new("fed-form-o7", form_post()).await;
    let (mut attacker, mut victim) = (s.browser(), s.browser());
    let sent = attacker.start("provider=idp").await;
    victim.start("provider=idp").await;
    let form = s.idp.code(&sent, "eve-1");
    let page = victim.post("/v1/oauth/callback", &form, &s.idp.url).await;
    assert!(page.expect(400).text().contains("answer_attempt"));
    assert_eq!(victim.jar.get(SESSION), None);
}
