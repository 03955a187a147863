//! Second factors: set up, asked for, spent once, changed only by whoever proves both again.

use std::collections::BTreeSet;
use std::time::Duration;

use aeolus_keys::claims::Access;
use aeolus_keys::jws;
use aeolus_keys::totp::TotpSecret;
use aeolus_model::{Action, Clock as _, Outcome};
use http::header::{RETRY_AFTER, SET_COOKIE};
use serde_json::json;

use crate::fixture::{ADMIN, Answer, Fixture, ISS, PASSWORD};

pub(crate) const MEMBER: &str = "member@example.com";
const OWNER: &str = "owner@example.com";

/// Somebody with a second factor.
pub(crate) struct Enrolled {
    pub(crate) cookie: String,
    pub(crate) secret: TotpSecret,
    pub(crate) codes: Vec<String>,
}

/// What stands in a page between two texts.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let start = page.find(from).unwrap_or_else(|| panic!("{from}: {page}")) + from.len();
    let rest = &page[start..];
    &rest[..rest.find(to).unwrap()]
}

/// As an app reads a key that is typed in.
fn from_base32(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = text.chars().filter(|c| *c != ' ');
    let bits = letters.fold(String::new(), |bits, letter| {
        format!("{bits}{:05b}", alphabet.find(letter).unwrap())
    });
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

/// The key that a page shows.
fn key_on(page: &str) -> TotpSecret {
    let key = between(page, "<code id=\"secret\" class=\"key\">", "</code>");
    let secret = TotpSecret::from_slice(&from_base32(key)).unwrap();
    let linked = between(page, "?secret=", "&");
    assert_eq!(from_base32(linked), secret.expose());
    secret
}

fn codes_on(page: &str) -> Vec<String> {
    let list = between(page, "<ol class=\"codes\">", "</ol>");
    let items = list.split("<li><code>").skip(1);
    items
        .map(|item| item.split('<').next().unwrap().to_owned())
        .collect()
}

/// The cookie of a name that an answer sets; none if it clears it.
fn cookie_of(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.get_all(SET_COOKIE).iter();
    let set = set.map(|value| value.to_str().unwrap().split(';').next().unwrap());
    let full = format!("{name}=");
    set.filter_map(|pair| pair.strip_prefix(&full))
        .find(|value| !value.is_empty())
        .map(|value| format!("{name}={value}"))
}

pub(crate) fn session_of(answer: &Answer) -> Option<String> {
    cookie_of(answer, "__Host-aeolus-control")
}

impl Fixture {
    fn code(&self, secret: &TotpSecret) -> String {
        secret.code(self.clock.now()).expose().clone()
    }

    /// A code that wasn't used before.
    pub(crate) fn next_code(&self, secret: &TotpSecret) -> String {
        self.clock.advance(Duration::from_secs(30));
        self.code(secret)
    }

    pub(crate) async fn page(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [("origin", ISS), ("cookie", cookie)];
        self.form(path, fields, &headers).await
    }

    /// Sets up a second factor in the browser of a cookie.
    pub(crate) async fn enroll(&self, cookie: &str) -> Enrolled {
        let begun = self.page("/second-factor/begin", cookie, &[]).await;
        let secret = key_on(&begun.expect(200).text());
        let code = self.next_code(&secret);
        let fields = [("password", PASSWORD), ("code", code.as_str())];
        let done = self.page("/second-factor/confirm", cookie, &fields).await;
        let done = done.expect(200);
        Enrolled {
            cookie: session_of(&done).unwrap(),
            secret,
            codes: codes_on(&done.text()),
        }
    }

    /// The first step: the cookie that waits for a code.
    pub(crate) async fn step(&self, email: &str) -> String {
        let answer = self.try_login(email, PASSWORD, "/").await.expect(303);
        assert_eq!(session_of(&answer), None);
        assert!(answer.location().starts_with("/login/code?"));
        cookie_of(&answer, "__Host-aeolus-step").unwrap()
    }

    pub(crate) async fn give(&self, step: &str, code: &str) -> Answer {
        let fields = [("code", code), ("rd", "/")];
        self.page("/login/code", step, &fields).await
    }

    /// Both steps.
    pub(crate) async fn login_with(&self, email: &str, code: &str) -> String {
        let step = self.step(email).await;
        session_of(&self.give(&step, code).await.expect(303)).unwrap()
    }

    async fn claims(&self, cookie: &str) -> Access {
        let token = self.token_of_cookie(cookie).await;
        let token = jws::parse(token.as_bytes()).unwrap();
        token.unverified_claims().unwrap()
    }
}

pub(crate) async fn with_fleet(name: &str) -> Fixture {
    let f = Fixture::configured(name, |config| config.hash_permits = Some(40)).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f
}

#[tokio::test]
async fn a8_enrolling_takes_the_password_and_a_code_and_ends_what_began_without() {
    let f = with_fleet("factor-enroll").await;
    let (cookie, other) = (f.login(MEMBER).await, f.login(MEMBER).await);
    let begun = f
        .page("/second-factor/begin", &cookie, &[])
        .await
        .expect(200);
    let page = begun.text();
    assert!(page.contains("<svg") && page.contains("otpauth://totp/"));
    let secret = key_on(&page);
    let code = f.code(&secret);
    let wrong_password = [("password", "not the password"), ("code", code.as_str())];
    let answer = f.page("/second-factor/confirm", &cookie, &wrong_password);
    let answer = answer.await.expect(401);
    assert!(!answer.text().contains("id=\"secret\""), "shown once");
    let wrong_code = [("password", PASSWORD), ("code", "000000")];
    f.page("/second-factor/confirm", &cookie, &wrong_code)
        .await
        .expect(401);
    // Nothing counts yet.
    f.login(MEMBER).await;
    let right = [("password", PASSWORD), ("code", code.as_str())];
    let done = f.page("/second-factor/confirm", &cookie, &right).await;
    let done = done.expect(200);
    let codes = codes_on(&done.text());
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
    for ended in [&cookie, &other] {
        f.visit("/", ended).await.expect(303);
    }
    let cookie = session_of(&done).unwrap();
    let account = f.visit("/", &cookie).await.expect(200).text();
    assert!(account.contains("Second factor</a> <span class=\"small\">on<"));
    let claims = f.claims(&cookie).await;
    assert_eq!(claims.amr, ["pwd", "otp", "mfa"]);
    assert_eq!(claims.acr.as_deref(), Some("aal2"));
    // It is not put aside by beginning again, and the code that proved it is spent.
    f.page("/second-factor/begin", &cookie, &[])
        .await
        .expect(409);
    let step = f.step(MEMBER).await;
    f.give(&step, &code).await.expect(401);
    let lines = f.audited(Action::SecondFactorEnroll).await;
    let outcomes: Vec<_> = lines.iter().map(|line| line.outcome).collect();
    assert_eq!(outcomes, [Outcome::Denied, Outcome::Success]);
}

#[tokio::test]
async fn a_password_alone_opens_nothing_and_a_code_is_good_once() {
    let f = with_fleet("factor-sign-in").await;
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let step = f.step(MEMBER).await;
    let value = step.split_once('=').unwrap().1;
    for cookie in [step.clone(), format!("__Host-aeolus-control={value}")] {
        f.visit("/", &cookie).await.expect(303);
        let authorize = f.visit(&Fixture::cli_authorize(""), &cookie).await;
        assert!(authorize.expect(303).location().starts_with("/login?"));
    }
    f.visit("/login/code?rd=%2F", &step).await.expect(200);
    f.visit("/login/code?rd=%2F", "").await.expect(303);
    f.give(
        "__Host-aeolus-step=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "1",
    )
    .await
    .expect(303);
    let code = f.next_code(&enrolled.secret);
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let done = f.give(&step, &spaced).await.expect(303);
    assert_eq!(done.location(), "/");
    let cookie = session_of(&done).unwrap();
    f.visit("/", &cookie).await.expect(200);
    assert_eq!(f.claims(&cookie).await.amr, ["pwd", "otp", "mfa"]);
    // The step is used up, and so is the code for another step.
    assert_eq!(session_of(&f.give(&step, &code).await.expect(303)), None);
    let step = f.step(MEMBER).await;
    f.give(&step, &code).await.expect(401);
    f.clock.advance(Duration::from_secs(301));
    let late = f.give(&step, &f.code(&enrolled.secret)).await.expect(303);
    assert_eq!(late.location(), "/login?rd=%2F");
    assert_eq!(session_of(&late), None);
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_and_is_told() {
    let f = with_fleet("factor-recovery").await;
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let code = enrolled.codes[3].to_lowercase().replace(' ', "-");
    let cookie = f.login_with(MEMBER, &code).await;
    let claims = f.claims(&cookie).await;
    assert_eq!(claims.amr, ["pwd", "mfa"]);
    assert_eq!(claims.acr.as_deref(), Some("aal2"));
    let step = f.step(MEMBER).await;
    f.give(&step, &code).await.expect(401);
    let page = f.visit("/second-factor", &cookie).await.expect(200);
    assert!(page.text().contains("9 recovery codes left"));
    let used = f.audited(Action::RecoveryCodeUse).await;
    assert_eq!(used.len(), 1);
    assert_eq!(used[0].reason, "9 left");
}

#[tokio::test]
async fn wrong_codes_make_wait_longer_each_time_and_strangers_make_nobody_wait() {
    let f = with_fleet("factor-wait").await;
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let step = f.step(MEMBER).await;
    for _ in 0..5 {
        f.give(&step, "000000").await.expect(401);
    }
    let refused = f.give(&step, "000000").await.expect(429);
    assert_eq!(refused.header(RETRY_AFTER), "30");
    // Also the right code: else the wait would slow no guessing.
    f.give(&step, &f.code(&enrolled.secret)).await.expect(429);
    f.clock.advance(Duration::from_secs(30));
    f.give(&step, "000000").await.expect(401);
    let refused = f.give(&step, "000000").await.expect(429);
    assert_eq!(refused.header(RETRY_AFTER), "60");
    // Who doesn't know the password adds nothing to it.
    f.try_login(MEMBER, "not the password at all", "/")
        .await
        .expect(401);
    f.clock.advance(Duration::from_secs(60));
    let done = f.give(&step, &f.code(&enrolled.secret)).await.expect(303);
    assert!(session_of(&done).is_some());
    let step = f.step(MEMBER).await;
    f.give(&step, "000000").await.expect(401);
    let denied = f.audited(Action::SignIn).await;
    let denied = denied.iter().filter(|line| line.reason == "second_factor");
    assert_eq!(denied.count(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a13_of_fifty_uses_at_once_of_a_code_or_a_recovery_code_one_signs_in() {
    let f = std::sync::Arc::new(with_fleet("factor-a13").await);
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let code = f.next_code(&enrolled.secret);
    for code in [code, enrolled.codes[0].clone()] {
        let mut steps = Vec::new();
        for _ in 0..5 {
            steps.push(f.step(MEMBER).await);
        }
        let tries = (0..50).map(|n| {
            let (f, step, code) = (f.clone(), steps[n % 5].clone(), code.clone());
            tokio::spawn(async move { f.give(&step, &code).await })
        });
        let mut sessions = 0;
        for one in tries.collect::<Vec<_>>() {
            let answer = one.await.unwrap();
            assert_ne!(answer.status, 500, "{}", answer.text());
            sessions += usize::from(session_of(&answer).is_some());
        }
        assert_eq!(sessions, 1);
        f.clock.advance(Duration::from_secs(901));
    }
}

#[tokio::test]
async fn a8_changing_it_takes_the_password_and_a_code_again() {
    let f = with_fleet("factor-change").await;
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let cookie = &enrolled.cookie;
    for path in ["/second-factor/codes", "/second-factor/remove"] {
        f.page(path, cookie, &[]).await.expect(401);
        let code = f.next_code(&enrolled.secret);
        let fields = [("password", "not the password"), ("code", code.as_str())];
        f.page(path, cookie, &fields).await.expect(401);
        let fields = [("password", PASSWORD), ("code", "000000")];
        f.page(path, cookie, &fields).await.expect(401);
        let fields = [("password", PASSWORD), ("code", code.as_str())];
        let cross = [("origin", "https://evil.example"), ("cookie", cookie)];
        f.form(path, &fields, &cross).await.expect(403);
        f.page(path, "", &fields).await.expect(303);
    }
    let code = f.next_code(&enrolled.secret);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    let renewed = f.page("/second-factor/codes", cookie, &fields).await;
    let codes = codes_on(&renewed.expect(200).text());
    assert_eq!(codes.len(), 10);
    let step = f.step(MEMBER).await;
    f.give(&step, &enrolled.codes[0]).await.expect(401);
    let other = f.login_with(MEMBER, &codes[0]).await;
    let code = f.next_code(&enrolled.secret);
    let fields = [("password", PASSWORD), ("code", code.as_str())];
    let removed = f.page("/second-factor/remove", cookie, &fields).await;
    let removed = removed.expect(200);
    f.visit("/", cookie).await.expect(303);
    f.visit("/", &other).await.expect(303);
    let cookie = session_of(&removed).unwrap();
    let claims = f.claims(&cookie).await;
    assert_eq!(
        (claims.amr, claims.acr.as_deref()),
        (vec!["pwd".to_owned()], Some("aal1"))
    );
    f.login(MEMBER).await;
    for (action, right, wrong) in [
        (Action::RecoveryCodesRenew, 1, 3),
        (Action::SecondFactorRemove, 1, 3),
    ] {
        let lines = f.audited(action).await;
        let done = lines.iter().filter(|line| line.outcome == Outcome::Success);
        assert_eq!(
            (done.count(), lines.len()),
            (right, right + wrong),
            "{action:?}"
        );
    }
}

#[tokio::test]
async fn a_reset_is_for_administrators_of_all_that_somebody_holds() {
    let f = with_fleet("factor-reset").await;
    let admin = f.admin().await;
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let owner = f.token_of(OWNER).await;
    let eve = f.token_of("eve@example.com").await;
    let reset = |who: &str| format!("/v1/users/{who}/second-factor");
    let of_member = reset("member%40example.com");
    f.call("DELETE", &of_member, &eve, None).await.expect(403);
    f.call("DELETE", &reset("x%40example.com"), &owner, None)
        .await
        .expect(404);
    f.call("DELETE", &reset("admin%40example.com"), &owner, None)
        .await
        .expect(404);
    f.call("DELETE", &reset("owner%40example.com"), &owner, None)
        .await
        .expect(409);
    // A token could be the very person's, made by a session that somebody found.
    let body = json!({"name": "mine", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 1});
    let path = "/v1/organizations/acme/tokens";
    let made = f.call("POST", path, &owner, Some(body)).await.expect(201);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    for who in ["owner%40example.com", "member%40example.com"] {
        let refused = f.call("DELETE", &reset(who), &token, None).await;
        refused.expect(403);
    }
    // Of somebody who holds something elsewhere too the owner of the one organization is no master.
    let body = json!({"name": "other"});
    let created = f
        .call("POST", "/v1/organizations", &admin, Some(body))
        .await;
    created.expect(201);
    let body = json!({"email": MEMBER, "role": "ORGANIZATION_MEMBER"});
    let path = "/v1/organizations/other/users";
    f.call("POST", path, &admin, Some(body)).await.expect(201);
    f.call("DELETE", &of_member, &owner, None).await.expect(403);
    f.visit("/", &enrolled.cookie).await.expect(200);
    let listed = f.call("GET", path, &admin, None).await.expect(200).json();
    let mut listed = listed["items"].as_array().unwrap().iter();
    let member = listed.find(|user| user["email"] == MEMBER).unwrap();
    let id = member["id"].as_str().unwrap().to_owned();
    let path = format!("{path}/{id}");
    f.call("DELETE", &path, &admin, None).await.expect(200);
    let done = f
        .call("DELETE", &of_member, &owner, None)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&done["reset"], &done["sessionsEnded"]),
        (&json!(true), &json!(1))
    );
    f.visit("/", &enrolled.cookie).await.expect(303);
    f.login(MEMBER).await;
    let again = f
        .call("DELETE", &of_member, &admin, None)
        .await
        .expect(200)
        .json();
    assert_eq!(again["reset"], json!(false));
    let lines = f.audited(Action::SecondFactorReset).await;
    assert_eq!(lines.len(), 1);
    assert!(lines[0].organization.is_some());
}

#[tokio::test]
async fn sign_ins_of_the_disabled_and_pages_of_strangers_end_at_the_door() {
    let f = with_fleet("factor-door").await;
    f.visit("/second-factor", "").await.expect(303);
    for path in ["begin", "confirm", "codes", "remove"] {
        let path = format!("/second-factor/{path}");
        f.page(&path, "", &[]).await.expect(303);
    }
    let admin = f.login(ADMIN).await;
    let page = f.visit("/second-factor", &admin).await.expect(200).text();
    assert!(page.contains("Set it up"));
}

#[tokio::test]
async fn a_sign_in_under_way_ends_with_the_password_that_began_it() {
    let f = with_fleet("factor-password").await;
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let step = f.step(MEMBER).await;
    let mut fleet = crate::fixture::fleet();
    fleet["secrets"]["organizations[0].users[1].password"] = json!("another good password");
    let admin = f.admin().await;
    let applied = f.call("POST", "/v1/apply", &admin, Some(fleet)).await;
    applied.expect(200);
    let code = f.next_code(&enrolled.secret);
    let answer = f.give(&step, &code).await.expect(303);
    assert_eq!(session_of(&answer), None);
}
