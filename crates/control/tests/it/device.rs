//! The device authorization grant (RFC 8628), attacked: guessed, hurried, reused, framed (O18).

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::oauth::{DeviceAnswer, Metadata, TokenAnswer};
use aeolus_keys::claims::IdToken;
use aeolus_keys::jws;
use aeolus_model::{Action, Actor, Change};
use serde_json::json;

use crate::fixture::{ADMIN, Answer, Fixture, ISS};

const ASK: &str = "/oauth2/device_authorization";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn ask(f: &Fixture) -> DeviceAnswer {
    let fields = [
        ("client_id", "aeolus-cli"),
        ("scope", "openid offline_access"),
    ];
    f.form(ASK, &fields, &[]).await.expect(200).of()
}

async fn poll(f: &Fixture, code: &str) -> Answer {
    let fields = [
        ("grant_type", GRANT),
        ("device_code", code),
        ("client_id", "aeolus-cli"),
    ];
    f.form("/oauth2/token", &fields, &[]).await
}

/// A form of our own page.
async fn press(f: &Fixture, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let headers = [("cookie", cookie), ("origin", ISS)];
    f.form(path, fields, &headers).await
}

async fn decide(f: &Fixture, cookie: &str, code: &str, decision: &str) -> Answer {
    let fields = [("user_code", code), ("decision", decision)];
    press(f, "/device/decide", cookie, &fields).await
}

#[track_caller]
fn refused(answer: Answer, code: &str) {
    let answer = answer.expect(400);
    assert_eq!(answer.json()["error"], code, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_machine_is_signed_in_by_whoever_types_its_code_and_agrees() {
    let f = Fixture::new("device").await;
    let metadata: Metadata = f.get("/.well-known/openid-configuration").await.of();
    let endpoint = metadata.device_authorization_endpoint.unwrap();
    assert_eq!(endpoint, format!("{ISS}{ASK}"));
    assert!(metadata.grant_types_supported.contains(&GRANT.to_owned()));
    let asked = ask(&f).await;
    assert_eq!((asked.expires_in, asked.interval), (600, 5));
    assert_eq!(asked.verification_uri, format!("{ISS}/device"));
    let code = asked.user_code.as_str();
    let complete = format!("{ISS}/device?user_code={code}");
    assert_eq!(asked.verification_uri_complete, complete);
    refused(poll(&f, &asked.device_code).await, "authorization_pending");
    // Not signed in: first that, then back with the code filled in.
    let page = format!("/device?user_code={code}");
    let login = f.get(&page).await.expect(303);
    assert_eq!(login.param("rd").as_deref(), Some(page.as_str()));
    let password = crate::fixture::PASSWORD;
    let back = f.try_login(ADMIN, password, &page).await.expect(303);
    assert_eq!(back.location(), page);
    let cookie = back.cookie();
    let filled_in = f.visit(&page, &cookie).await.expect(200);
    assert!(filled_in.text().contains(&format!("value=\"{code}\"")));
    let typed = code.to_lowercase().replace('-', " ");
    let confirm = press(&f, "/device", &cookie, &[("user_code", &typed)]).await;
    let confirm = confirm.expect(200).text();
    assert!(
        confirm.contains("aeolus-cli") && confirm.contains(code),
        "{confirm}"
    );
    assert!(confirm.contains("from which address is not known"));
    f.clock.advance(Duration::from_secs(5));
    refused(poll(&f, &asked.device_code).await, "authorization_pending");
    let done = decide(&f, &cookie, code, "approve").await.expect(200);
    assert!(done.text().contains("is signed in"));
    let held: TokenAnswer = poll(&f, &asked.device_code).await.expect(200).of();
    assert_eq!(held.scope, "openid offline_access");
    let token = jws::parse(held.id_token.as_ref().unwrap().as_bytes()).unwrap();
    let id: IdToken = token.unverified_claims().unwrap();
    assert_eq!((id.email.as_str(), id.nonce), (ADMIN, None));
    let me = f.call("GET", "/v1/me", &held.access_token, None).await;
    assert_eq!(me.expect(200).json()["email"], ADMIN);
    let refresh = held.refresh_token.unwrap();
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("client_id", "aeolus-cli"),
    ];
    f.form("/oauth2/token", &fields, &[]).await.expect(200);
    // It hangs on the session of whoever agreed.
    press(&f, "/logout", &cookie, &[]).await.expect(303);
    let me = f.call("GET", "/v1/me", &held.access_token, None).await;
    me.expect(401);
}

#[tokio::test]
async fn the_page_says_from_where_it_was_asked() {
    let f = Fixture::new("device-where").await;
    let from = [("x-forwarded-for", "10.0.0.1, 192.0.2.7")];
    let fields = [("client_id", "aeolus-cli")];
    let asked: DeviceAnswer = f.form(ASK, &fields, &from).await.expect(200).of();
    let cookie = f.login(ADMIN).await;
    let code = [("user_code", asked.user_code.as_str())];
    let confirm = press(&f, "/device", &cookie, &code).await.expect(200);
    assert!(confirm.text().contains("from the address 192.0.2.7"));
    decide(&f, &cookie, &asked.user_code, "approve")
        .await
        .expect(200);
    let elsewhere = [("x-forwarded-for", "198.51.100.9")];
    let fields = [
        ("grant_type", GRANT),
        ("client_id", "aeolus-cli"),
        ("device_code", &asked.device_code),
    ];
    let held = f.form("/oauth2/token", &fields, &elsewhere).await;
    let held: TokenAnswer = held.expect(200).of();
    assert_eq!((held.scope.as_str(), held.refresh_token), ("openid", None));
    // Who asked, who took the tokens and whose they are stands in one line.
    let lines = f.audited(Action::DeviceRedeem).await;
    let [line] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(matches!(line.actor, Actor::User(_)), "{:?}", line.actor);
    assert_eq!(line.source, "198.51.100.9");
    assert_eq!(line.changes, [Change::to("askedFrom", "192.0.2.7")]);
}

#[tokio::test]
async fn o18_asking_too_often_slows_down_for_good() {
    let f = Fixture::new("o18-fast").await;
    let asked = ask(&f).await;
    let code = asked.device_code.as_str();
    refused(poll(&f, code).await, "authorization_pending");
    f.clock.advance(Duration::from_secs(4));
    refused(poll(&f, code).await, "slow_down");
    f.clock.advance(Duration::from_secs(9));
    refused(poll(&f, code).await, "slow_down");
    f.clock.advance(Duration::from_secs(15));
    refused(poll(&f, code).await, "authorization_pending");
}

#[tokio::test]
async fn o18_a_code_is_good_once_and_for_ten_minutes() {
    let f = Fixture::new("o18-once").await;
    let cookie = f.login(ADMIN).await;
    let asked = ask(&f).await;
    decide(&f, &cookie, &asked.user_code, "approve")
        .await
        .expect(200);
    // Decided is decided.
    for again in ["deny", "approve"] {
        decide(&f, &cookie, &asked.user_code, again)
            .await
            .expect(404);
    }
    poll(&f, &asked.device_code).await.expect(200);
    refused(poll(&f, &asked.device_code).await, "invalid_grant");
    let late = ask(&f).await;
    let approved = ask(&f).await;
    decide(&f, &cookie, &approved.user_code, "approve")
        .await
        .expect(200);
    f.clock.advance(Duration::from_secs(600));
    decide(&f, &cookie, &late.user_code, "approve")
        .await
        .expect(404);
    for code in [&late.device_code, &approved.device_code] {
        refused(poll(&f, code).await, "expired_token");
    }
}

/// A browser that somebody left open is enough to read, not to let a machine in.
#[tokio::test]
async fn o18_whoever_agrees_has_signed_in_just_now() {
    let f = Fixture::new("o18-recent").await;
    let cookie = f.login(ADMIN).await;
    f.clock.advance(Duration::from_secs(600));
    let asked = ask(&f).await;
    let code = asked.user_code.as_str();
    let page = format!("/device?user_code={code}");
    f.visit(&page, &cookie).await.expect(200);
    f.clock.advance(Duration::from_secs(1));
    let answers = [
        f.visit(&page, &cookie).await,
        press(&f, "/device", &cookie, &[("user_code", code)]).await,
        decide(&f, &cookie, code, "approve").await,
        decide(&f, &cookie, code, "deny").await,
    ];
    for answer in answers {
        let answer = answer.expect(303);
        assert!(answer.location().starts_with("/login?again=1&"));
        assert_eq!(answer.param("rd").as_deref(), Some(page.as_str()));
    }
    assert_eq!(f.audited(Action::DeviceDecide).await, []);
    refused(poll(&f, &asked.device_code).await, "authorization_pending");
    // The same session elsewhere is as good as before.
    f.visit("/", &cookie).await.expect(200);
    let password = crate::fixture::PASSWORD;
    let back = f.try_login(ADMIN, password, &page).await.expect(303);
    assert_eq!(back.location(), page);
    let now = back.cookie();
    decide(&f, &now, code, "approve").await.expect(200);
    poll(&f, &asked.device_code).await.expect(200);
}

#[tokio::test]
async fn o18_a_machine_that_is_refused_is_told_so() {
    let f = Fixture::new("o18-denied").await;
    let cookie = f.login(ADMIN).await;
    let asked = ask(&f).await;
    decide(&f, &cookie, &asked.user_code, "deny")
        .await
        .expect(200);
    refused(poll(&f, &asked.device_code).await, "access_denied");
    // Somebody agrees, and signs out before the machine asks.
    let asked = ask(&f).await;
    decide(&f, &cookie, &asked.user_code, "approve")
        .await
        .expect(200);
    press(&f, "/logout", &cookie, &[]).await.expect(303);
    refused(poll(&f, &asked.device_code).await, "invalid_grant");
}

#[tokio::test]
async fn o18_guesses_are_counted_and_then_not_even_the_right_one_is_taken() {
    let f = Fixture::new("o18-guess").await;
    let cookie = f.login(ADMIN).await;
    let asked = ask(&f).await;
    let wrong = [("user_code", "BBBB-BBBB")];
    for n in 0..10 {
        let answer = match n % 2 {
            0 => press(&f, "/device", &cookie, &wrong).await,
            _ => decide(&f, &cookie, "CCCC-CCCC", "approve").await,
        };
        answer.expect(404);
    }
    let right = [("user_code", asked.user_code.as_str())];
    let answer = press(&f, "/device", &cookie, &right).await.expect(429);
    assert_eq!(answer.header("retry-after"), "900");
    decide(&f, &cookie, &asked.user_code, "approve")
        .await
        .expect(429);
    refused(poll(&f, &asked.device_code).await, "authorization_pending");
    // Somebody else is not locked out by it, and time helps.
    let admin = f.token_of_cookie(&cookie).await;
    f.fleet(&admin).await;
    let eve = f.login("eve@example.com").await;
    press(&f, "/device", &eve, &right).await.expect(200);
    f.clock.advance(Duration::from_secs(901));
    let cookie = f.login(ADMIN).await;
    let asked = ask(&f).await;
    decide(&f, &cookie, &asked.user_code, "approve")
        .await
        .expect(200);
}

#[tokio::test]
async fn o18_o29_a_link_or_another_sites_form_decides_nothing() {
    let f = Fixture::new("o18-link").await;
    let cookie = f.login(ADMIN).await;
    let asked = ask(&f).await;
    let code = asked.user_code.as_str();
    for path in [
        format!("/device?user_code={code}"),
        format!("/device?user_code={code}&decision=approve"),
    ] {
        f.visit(&path, &cookie).await.expect(200);
    }
    f.visit("/device/decide", &cookie).await.expect(405);
    let fields = [("user_code", code), ("decision", "approve")];
    for origin in ["https://evil.example", "null"] {
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        for path in ["/device", "/device/decide"] {
            f.form(path, &fields, &headers).await.expect(403);
        }
    }
    let none = [("cookie", cookie.as_str())];
    f.form("/device/decide", &fields, &none).await.expect(403);
    decide(&f, &cookie, code, "maybe").await.expect(400);
    // Nobody who isn't signed in decides, and what they type isn't looked up.
    let nobody = decide(&f, "", code, "approve").await.expect(303);
    assert!(nobody.location().starts_with("/login?rd="));
    let page = f.visit("/device", &cookie).await.expect(200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    refused(poll(&f, &asked.device_code).await, "authorization_pending");
}

#[tokio::test]
async fn o18_only_the_command_line_asks_and_not_all_the_time() {
    let f = Fixture::new("o18-ask").await;
    let scope = [("client_id", "aeolus-cli"), ("scope", "email")];
    refused(f.form(ASK, &scope, &[]).await, "invalid_scope");
    for client in ["", "someone", "aeolus-ui"] {
        let answer = f.form(ASK, &[("client_id", client)], &[]).await;
        assert_eq!(answer.expect(401).json()["error"], "invalid_client");
    }
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let client = format!("urn:aeolus:plane:{}", gate.plane);
    let assertion = f.assertion(&gate);
    let fields = [
        ("client_id", client.as_str()),
        ("client_assertion_type", aeolus_api::oauth::ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ];
    refused(f.form(ASK, &fields, &[]).await, "unauthorized_client");
    let asked = ask(&f).await;
    let assertion = f.assertion(&gate);
    let fields = [
        ("grant_type", GRANT),
        ("device_code", asked.device_code.as_str()),
        fields[0],
        fields[1],
        ("client_assertion", &assertion),
    ];
    refused(f.form("/oauth2/token", &fields, &[]).await, "invalid_grant");
    refused(poll(&f, "made-up").await, "invalid_grant");
    refused(poll(&f, "").await, "invalid_request");
    refused(poll(&f, &asked.user_code).await, "invalid_grant");
    for _ in 1..30 {
        ask(&f).await;
    }
    let fields = [("client_id", "aeolus-cli")];
    let answer = f.form(ASK, &fields, &[]).await.expect(429);
    assert_eq!(answer.json()["error"], "slow_down");
    // Another address is another matter, unless it is another one of the same network.
    let neighbours = (0..30).map(|n| (format!("2001:db8:1:2::{n}"), 200));
    let then = [
        ("192.0.2.7", 200),
        ("2001:db8:1:2:ffff::1", 429),
        ("2001:db8:1:3::1", 200),
    ];
    let then = then.map(|(address, status)| (address.to_owned(), status));
    for (address, status) in neighbours.chain(then) {
        let from = [("x-forwarded-for", address.as_str())];
        f.form(ASK, &fields, &from).await.expect(status);
    }
}

#[tokio::test]
async fn a13_of_fifty_questions_at_once_one_gets_the_tokens() {
    let f = Arc::new(Fixture::new("device-a13").await);
    let cookie = f.login(ADMIN).await;
    let asked = ask(&f).await;
    decide(&f, &cookie, &asked.user_code, "approve")
        .await
        .expect(200);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (f, code) = (f.clone(), asked.device_code.clone());
        tasks.spawn(async move { poll(&f, &code).await.status.as_u16() });
    }
    let answers = tasks.join_all().await;
    let good = answers.iter().filter(|status| **status == 200).count();
    assert_eq!(good, 1, "{answers:?}");
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let f = Fixture::configured("device-off", |config| config.device_flow = false).await;
    let fields = [("client_id", "aeolus-cli")];
    refused(f.form(ASK, &fields, &[]).await, "unauthorized_client");
    refused(poll(&f, "x").await, "unsupported_grant_type");
    let cookie = f.login(ADMIN).await;
    f.visit("/device", &cookie).await.expect(404);
    decide(&f, &cookie, "BCDF-GHJK", "approve")
        .await
        .expect(404);
    let metadata: Metadata = f.get("/.well-known/openid-configuration").await.of();
    assert_eq!(metadata.device_authorization_endpoint, None);
    assert!(!metadata.grant_types_supported.contains(&GRANT.to_owned()));
}

/// An organization may forbid it to its people: what a machine gets could go into the organization as well.
#[tokio::test]
async fn an_organization_lets_its_people_sign_in_no_machine() {
    let (f, admin, owner) = Fixture::new("device-policy").await.peopled().await;
    let member = f.login("member@example.com").await;
    let asked = ask(&f).await;
    // Agreed to before, and taken after: too late.
    let between = ask(&f).await;
    decide(&f, &member, &between.user_code, "approve")
        .await
        .expect(200);
    let policy = "/v1/organizations/acme/policy";
    let off = json!({"deviceFlow": "off"});
    f.call("PUT", policy, &owner, Some(off)).await.expect(200);
    refused(poll(&f, &between.device_code).await, "access_denied");
    let page = decide(&f, &member, &asked.user_code, "approve").await;
    assert!(page.expect(403).text().contains("acme"));
    refused(poll(&f, &asked.device_code).await, "access_denied");
    let lines = f.audited(Action::DeviceDecide).await;
    assert!(lines.iter().any(|line| line.reason == "by_policy"));
    // Others, and who administers the installation, are not bound by it.
    let asked = ask(&f).await;
    let cookie = f.login(ADMIN).await;
    decide(&f, &cookie, &asked.user_code, "approve")
        .await
        .expect(200);
    poll(&f, &asked.device_code).await.expect(200);
    drop(admin);
}

#[tokio::test]
async fn the_database_holds_neither_code() {
    let f = Fixture::new("device-db").await;
    let asked = ask(&f).await;
    let plain = asked.user_code.replace('-', "");
    let values = [&asked.device_code, &asked.user_code, &plain];
    for entry in std::fs::read_dir(f.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for value in values {
                let found = bytes.windows(value.len()).any(|w| w == value.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}
