//! Attacks on signing in at a provider, by their ids (O).

use std::time::Duration;

use serde_json::json;

use super::browser::Browser;
use super::idp::{Idp, query};
use super::{EVE, Scene};
use crate::fixture::{Answer, HOST, ISS};

/// Nobody is signed in, and a page says what to do.
#[track_caller]
fn refused(browser: &Browser<'_>, answer: Answer, (status, code): (u16, &str)) {
    let answer = answer.expect(status);
    let page = answer.text();
    assert!(page.contains(code), "no {code}: {page}");
    let reference = answer.header("x-request-id");
    assert!(
        page.contains(reference) && page.contains("/login?rd="),
        "{page}"
    );
    assert_eq!(answer.header("refresh"), "", "nothing goes on by itself");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn o7_a_state_that_is_missing_foreign_or_old_is_answered_by_nobody() {
    let s = Scene::new("fed-o7", json!({})).await;
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    s.idp.asked();
    let good = s.idp.code(&sent, "eve-1");
    let code = good.split('&').next().unwrap().to_owned();
    let none = eve.back(&code).await;
    refused(&eve, none, (400, "answer_without_state"));
    let mut eves_other = s.browser();
    let other = eves_other.start("provider=idp").await;
    let foreign = query(&[("code", "code-0"), ("state", &other.param("state"))]);
    let foreign = eve.back(&foreign).await;
    refused(&eve, foreign, (400, "answer_attempt"));
    let odd = eve.back(&format!("{good}&state=x")).await;
    refused(&eve, odd, (400, "answer_duplicate"));
    s.f.clock.advance(Duration::from_secs(600));
    let old = eve.back(&good).await;
    refused(&eve, old, (400, "answer_attempt"));
    assert_eq!(s.idp.asked(), [""; 0], "nobody was asked");
    assert_eq!(s.sign_ins().await, [""; 0], "strangers cause no lines");
}

/// The victim's browser is led to an answer that the attacker's browser asked for.
#[tokio::test]
async fn o7_an_attackers_answer_signs_no_victim_in() {
    let s = Scene::new("fed-csrf", json!({})).await;
    let (mut attacker, mut victim) = (s.browser(), s.browser());
    let sent = attacker.start("provider=idp").await;
    victim.start("provider=idp").await;
    s.idp.asked();
    let answer = s.idp.code(&sent, "eve-1");
    let led = victim.back(&answer).await;
    refused(&victim, led, (400, "answer_attempt"));
    assert_eq!(s.idp.asked(), [""; 0]);
    // Nor with a cookie of the attacker's under the name that the answer needs.
    let own = victim.attempts();
    let name = attacker.attempts().pop().unwrap();
    let value = victim.jar[&own[0]].clone();
    victim.jar.insert(name, value);
    let led = victim.back(&answer).await;
    refused(&victim, led, (400, "answer_attempt"));
}

#[tokio::test]
async fn o1_o7_an_answer_is_good_once() {
    let s = Scene::new("fed-replay", json!({})).await;
    s.idp.lies(|lie| lie.takes_codes_again = true);
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    let answer = s.idp.code(&sent, "eve-1");
    let mut copy = s.browser();
    copy.jar = eve.jar.clone();
    eve.back(&answer).await.expect(303);
    eve.jar.remove(super::SESSION);
    let again = eve.back(&answer).await;
    refused(&eve, again, (400, "answer_attempt"));
    // Whoever copied the cookie too, at a provider that takes a code twice.
    let again = copy.back(&answer).await;
    refused(&copy, again, (400, "answer_again"));
    s.idp.lies(|lie| lie.takes_codes_again = false);
    let sent = copy.start("provider=idp").await;
    let answer = s.idp.code(&sent, "eve-1");
    let jar = copy.jar.clone();
    copy.back(&answer).await.expect(303);
    copy.jar = jar.clone();
    let spent = copy.back(&answer).await;
    refused(&copy, spent, (400, "answer_again"));
    // Elsewhere nobody remembers it, but the provider does.
    let replica = s.f.replica(|_| {}).await;
    let mut elsewhere = Browser::new(&replica);
    elsewhere.jar = jar;
    let spent = elsewhere.back(&answer).await;
    refused(&elsewhere, spent, (401, "tokens_grant"));
}

#[tokio::test]
async fn a13_one_of_many_answers_at_once_begins_a_session() {
    let s = Scene::new("fed-a13", json!({"flow": "implicit"})).await;
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    let fragment = s.idp.fragment(&sent, "eve-1");
    let one = || async {
        let mut copy = s.browser();
        copy.jar = eve.jar.clone();
        copy.back_by_fragment(&fragment).await.status.as_u16()
    };
    let all = tokio::join!(one(), one(), one(), one(), one(), one());
    let mut statuses = [all.0, all.1, all.2, all.3, all.4, all.5];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400, 400, 400, 400, 400]);
}

#[tokio::test]
async fn o8_a_nonce_of_another_attempt_proves_nobody() {
    for (name, settings) in [
        ("fed-o8", json!({})),
        ("fed-o8i", json!({"flow": "implicit"})),
    ] {
        let s = Scene::new(name, settings.clone()).await;
        for claims in [json!({"nonce": "another"}), json!({"nonce": null})] {
            s.idp.lies(|lie| lie.claims = claims);
            let mut eve = s.browser();
            let sent = eve.start("provider=idp").await;
            let back = if settings == json!({}) {
                eve.back(&s.idp.code(&sent, "eve-1")).await
            } else {
                eve.back_by_fragment(&s.idp.fragment(&sent, "eve-1")).await
            };
            refused(&eve, back, (401, "sign_in_nonce"));
        }
        assert_eq!(s.sign_ins().await, ["sign_in_nonce"; 2]);
    }
}

/// An access token from elsewhere beside an honest `id_token`.
#[tokio::test]
async fn o8_at_hash_binds_the_access_token() {
    let s = Scene::new("fed-at-hash", json!({"flow": "implicit"})).await;
    for claims in [
        json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
        json!({"at_hash": null}),
    ] {
        s.idp.lies(|lie| lie.claims = claims);
        let mut eve = s.browser();
        let sent = eve.start("provider=idp").await;
        s.idp.asked();
        let back = eve.back_by_fragment(&s.idp.fragment(&sent, "eve-1")).await;
        refused(&eve, back, (401, "sign_in_access_token"));
        assert!(!s.idp.asked().contains(&"/userinfo".to_owned()));
    }
}

#[tokio::test]
async fn o9_another_providers_answer_is_refused_before_anybody_is_asked() {
    let s = Scene::new("fed-o9", json!({})).await;
    let evil = Idp::start("evil").await;
    s.connect("evil", &evil.url, json!({})).await;
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    s.idp.asked();
    let good = s.idp.code(&sent, "eve-1");
    let state = sent.param("state");
    for iss in [evil.url.as_str(), &format!("{}/", s.idp.url)] {
        let mixed = query(&[("code", "code-0"), ("state", &state), ("iss", iss)]);
        let jar = eve.jar.clone();
        let back = eve.back(&mixed).await;
        refused(&eve, back, (400, "answer_issuer"));
        assert_eq!(eve.attempts(), [""; 0], "the attempt ends with the answer");
        eve.jar = jar;
    }
    let unnamed = query(&[("code", "code-0"), ("state", &state)]);
    let jar = eve.jar.clone();
    let back = eve.back(&unnamed).await;
    refused(&eve, back, (400, "answer_issuer"));
    assert_eq!((s.idp.asked(), evil.asked()), (vec![], vec![]));
    eve.jar = jar;
    eve.back(&good).await.expect(303);
}

/// What the attacker's provider signs is nothing at the honest one's connection, and the other way round.
#[tokio::test]
async fn t7_a_token_of_one_connection_is_nobody_at_another() {
    let s = Scene::new("fed-t7", json!({"flow": "implicit"})).await;
    let evil = Idp::start("evil-t7").await;
    s.connect("evil", &evil.url, json!({"flow": "implicit"}))
        .await;
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    let foreign = evil.fragment(&sent, "eve-1");
    let honest = query(&[("iss", &s.idp.url)]);
    let mixed = foreign.replace(&query(&[("iss", &evil.url)]), &honest);
    let back = eve.back_by_fragment(&mixed).await;
    refused(&eve, back, (401, "sign_in_issuer"));
    evil.lies(|lie| lie.claims = json!({"iss": s.idp.url}));
    let sent = eve.start("provider=idp").await;
    let foreign = evil.fragment(&sent, "eve-1");
    let mixed = foreign.replace(&query(&[("iss", &evil.url)]), &honest);
    let back = eve.back_by_fragment(&mixed).await;
    refused(&eve, back, (401, "sign_in_key"));
}

#[tokio::test]
async fn o26_a_session_that_was_there_before_is_over() {
    let s = Scene::new("fed-o26", json!({})).await;
    let mut eve = s.browser();
    let planted = s.f.login("member@example.com").await;
    let planted = planted.split_once('=').unwrap().1.to_owned();
    eve.jar.insert(super::SESSION.to_owned(), planted.clone());
    let sent = eve.start("provider=idp").await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    assert_ne!(eve.session(), Some(&planted));
    assert_eq!(eve.who().await.as_deref(), Some(EVE));
    let mut attacker = s.browser();
    attacker.jar.insert(super::SESSION.to_owned(), planted);
    assert_eq!(attacker.who().await, None);
}

#[tokio::test]
async fn o31_rd_leads_to_our_own_places_and_known_deployments_alone() {
    let s = Scene::new("fed-rd", json!({})).await;
    for evil in [
        "https%3A%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "javascript%3Aalert(1)",
        "https%3A%2F%2Fetl.example.com%40evil.example%2F",
    ] {
        let mut eve = s.browser();
        let sent = eve.start(&format!("provider=idp&rd={evil}")).await;
        let back = eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
        assert_eq!(back.location(), "/", "{evil}");
    }
    // What is too long for a cookie is its deployment's first page.
    let long = format!("https%3A%2F%2F{HOST}%2F{}", "x".repeat(2000));
    let mut eve = s.browser();
    let sent = eve.start(&format!("provider=idp&rd={long}")).await;
    let back = eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    let first = format!("https://{HOST}/.aeolus/sign-in?next=%2F");
    assert_eq!(back.location(), first);
}

#[tokio::test]
async fn o28_five_attempts_at_most_and_each_opens_for_its_own_state() {
    let s = Scene::new("fed-five", json!({})).await;
    let mut eve = s.browser();
    let mut sent = Vec::new();
    for _ in 0..7 {
        sent.push(eve.start("provider=idp").await);
        s.f.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(eve.attempts().len(), 5);
    for old in &sent[..2] {
        let back = eve.back(&s.idp.code(old, "eve-1")).await;
        refused(&eve, back, (400, "answer_attempt"));
    }
    // Two cookies that changed places.
    let names = eve.attempts();
    let jar = eve.jar.clone();
    eve.jar.insert(names[0].clone(), jar[&names[1]].clone());
    eve.jar.insert(names[1].clone(), jar[&names[0]].clone());
    let mut refusals = 0;
    for tab in &sent[2..] {
        let answer = eve.back(&s.idp.code(tab, "eve-1")).await;
        refusals += usize::from(answer.status.as_u16() == 400);
    }
    assert_eq!(refusals, 2);
}

#[tokio::test]
async fn what_a_provider_refuses_is_told_in_our_own_words() {
    let s = Scene::new("fed-errors", json!({})).await;
    for (error, code) in [
        ("access_denied", "provider_access_denied"),
        ("login_required", "provider_login_required"),
        ("temporarily_unavailable", "provider_unavailable"),
        ("<script>alert(1)</script>", "provider_error"),
    ] {
        let mut eve = s.browser();
        let sent = eve.start("provider=idp").await;
        let state = sent.param("state");
        let said = [
            ("error", error),
            ("error_description", "<b>call +1 555 0100</b>"),
            ("state", &state),
            ("iss", &s.idp.url),
        ];
        let back = eve.back(&query(&said)).await;
        assert!(!back.text().contains("555") && !back.text().contains("<script>"));
        refused(&eve, back, (403, code));
    }
    assert_eq!(s.sign_ins().await.len(), 4);
}

#[tokio::test]
async fn answers_that_are_none_sign_nobody_in() {
    let s = Scene::new("fed-odd", json!({})).await;
    let html = (
        "text/html",
        "<html>Sign in to the guest network</html>".to_owned(),
    );
    let huge = (
        "application/json",
        format!("{{\"x\": \"{}\"}}", "x".repeat(2 << 20)),
    );
    let odd = [
        ((200, html.0, html.1.clone()), (502, "tokens_malformed")),
        ((200, huge.0, huge.1.clone()), (503, "provider_unreachable")),
        (
            (302, "text/plain", String::new()),
            (502, "tokens_malformed"),
        ),
    ];
    for (answer, expected) in odd {
        s.idp.lies(|lie| lie.token = Some(answer));
        let mut eve = s.browser();
        let sent = eve.start("provider=idp").await;
        let back = eve.back(&s.idp.code(&sent, "eve-1")).await;
        refused(&eve, back, expected);
    }
    s.idp.lies(|lie| lie.token = None);
    for answer in [
        (200, html.0, html.1),
        (200, huge.0, huge.1),
        (
            200,
            "application/json",
            json!({"sub": "somebody-else"}).to_string(),
        ),
    ] {
        s.idp.lies(|lie| lie.user_info = Some(answer));
        let mut eve = s.browser();
        let sent = eve.start("provider=idp").await;
        let back = eve.back(&s.idp.code(&sent, "eve-1")).await;
        assert!(back.status.as_u16() > 400, "{}", back.text());
        assert_eq!(eve.session(), None);
    }
    // And one that is too long to be read at all.
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    let long = format!("state={}&code={}", sent.param("state"), "x".repeat(60_000));
    eve.post("/v1/oauth/callback/", &long, &s.idp.url)
        .await
        .expect(413);
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_its_own_sign_ins_only() {
    let s = Scene::new("fed-away", json!({})).await;
    let gone = "http://127.0.0.1:9";
    s.connect("gone", gone, json!({})).await;
    let mut eve = s.browser();
    let page = eve.get("/v1/oauth/start?provider=gone").await.expect(503);
    let text = page.text();
    assert!(text.contains("provider_unreachable") && !text.contains("127.0.0.1"));
    assert!(text.contains(page.header("x-request-id")));
    let sent = eve.start("provider=idp").await;
    eve.back(&s.idp.code(&sent, "eve-1")).await.expect(303);
    // A document of somebody else is no document.
    let lying = Idp::start("lying").await;
    lying.lies(|lie| lie.document = json!({"issuer": s.idp.url}));
    s.connect("lying", &lying.url, json!({})).await;
    let page = eve.get("/v1/oauth/start?provider=lying").await.expect(503);
    assert!(page.text().contains("provider_document"));
}

#[tokio::test]
async fn a_provider_that_hangs_is_not_waited_for_for_long() {
    let s = Scene::new("fed-hangs", json!({})).await;
    s.idp.lies(|lie| lie.hangs = "/token");
    let mut eve = s.browser();
    let sent = eve.start("provider=idp").await;
    let begun = tokio::time::Instant::now();
    let back = eve.back(&s.idp.code(&sent, "eve-1")).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    refused(&eve, back, (503, "provider_unreachable"));
}

#[tokio::test]
async fn o22_somebody_whom_nobody_knows_is_nobody_whatever_their_address() {
    let s = Scene::new("fed-o22", json!({})).await;
    let mut other = s.browser();
    let info = json!({"sub": "evil-1"}).to_string();
    s.idp
        .lies(|lie| lie.user_info = Some((200, "application/json", info)));
    let sent = other.start("provider=idp").await;
    let back = other.back(&s.idp.code(&sent, "evil-1")).await;
    refused(&other, back, (403, "not-known-here"));
}

/// Adding an identity to somebody's account takes our own page, their session, and a fresh proof.
#[tokio::test]
async fn o29_nobody_else_links_an_identity() {
    let s = Scene::new("fed-link", json!({})).await;
    let mut eve = s.browser();
    let form = "provider=idp";
    eve.post("/v1/oauth/start", form, ISS).await.expect(401);
    let cookie = s.f.login(EVE).await;
    let (name, value) = cookie.split_once('=').unwrap();
    eve.jar.insert(name.to_owned(), value.to_owned());
    eve.post("/v1/oauth/start", form, "https://evil.example")
        .await
        .expect(403);
    let page = eve.post("/v1/oauth/start", form, ISS).await.expect(200);
    let onward = page.header("refresh").strip_prefix("0; url=").unwrap();
    let sent = super::browser::Sent {
        url: onward.parse().unwrap(),
    };
    assert_eq!(sent.param("prompt"), "login");
    // Somebody else uses the browser meanwhile.
    let other = s.f.login("member@example.com").await;
    let mine = eve.jar.clone();
    let (name, value) = other.split_once('=').unwrap();
    eve.jar.insert(name.to_owned(), value.to_owned());
    let answer = s.idp.code(&sent, "eve-1");
    let back = eve.back(&answer).await.expect(400);
    assert!(back.text().contains("answer_linking"));
    drop(mine);
}
