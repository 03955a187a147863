//! Wrong codes: they slow whoever guesses, and keep nobody out who can prove more.

use std::time::Duration;

use http::header::RETRY_AFTER;

use crate::factor::{Enrolled, MEMBER, session_of, with_fleet};
use crate::fixture::{Answer, Fixture, ISS};

const WRONG: &str = "000000";

/// A code from an address, for a sign-in whose password was right.
async fn give(f: &Fixture, from: &str, code: &str) -> Answer {
    let step = f.step(MEMBER).await;
    let headers = [
        ("origin", ISS),
        ("cookie", step.as_str()),
        ("x-forwarded-for", from),
    ];
    let fields = [("code", code), ("rd", "/")];
    f.form("/login/code", &fields, &headers).await
}

/// Somebody who signs in at home, and whose password somebody else knows.
async fn known_at(f: &Fixture, home: &str) -> Enrolled {
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let code = f.next_code(&enrolled.secret);
    give(f, home, &code).await.expect(303);
    enrolled
}

#[tokio::test]
async fn whoever_knows_the_password_keeps_its_owner_out_neither_at_home_nor_elsewhere() {
    let f = with_fleet("tries-wait").await;
    let (home, stranger) = ("192.0.2.1", "198.51.100.1");
    let owner = known_at(&f, home).await;
    for _ in 0..5 {
        give(&f, stranger, WRONG).await.expect(401);
    }
    let refused = give(&f, stranger, WRONG).await.expect(429);
    assert_eq!(refused.header(RETRY_AFTER), "30");
    // At home, and at a place that nobody knows yet.
    for from in [home, "203.0.113.1"] {
        let code = f.next_code(&owner.secret);
        assert!(session_of(&give(&f, from, &code).await.expect(303)).is_some());
    }
    // From the same network as the stranger: an app's code has to wait, a recovery code hasn't.
    give(&f, stranger, WRONG).await.expect(401);
    let code = f.next_code(&owner.secret);
    f.clock.advance(Duration::from_secs(30));
    give(&f, stranger, WRONG).await.expect(401);
    give(&f, stranger, &code).await.expect(429);
    give(&f, stranger, &owner.codes[0]).await.expect(303);
    give(&f, stranger, &owner.codes[0]).await.expect(401);
}

#[tokio::test]
async fn a13_all_strangers_together_have_a_hundred_codes_a_day() {
    let f = with_fleet("tries-strangers").await;
    let home = "192.0.2.1";
    let owner = known_at(&f, home).await;
    for stranger in 0..20 {
        for _ in 0..5 {
            let from = format!("198.51.100.{stranger}");
            give(&f, &from, WRONG).await.expect(401);
        }
    }
    let code = f.next_code(&owner.secret);
    let away = "203.0.113.1";
    let refused = give(&f, away, &code).await.expect(429);
    let seconds: u64 = refused.header(RETRY_AFTER).parse().unwrap();
    assert!((86_000..=86_400).contains(&seconds), "{seconds}");
    give(&f, home, &code).await.expect(303);
    // A recovery code makes a place known; its owner's signing in gives strangers nothing back.
    give(&f, away, &owner.codes[0]).await.expect(303);
    let code = f.next_code(&owner.secret);
    give(&f, away, &code).await.expect(303);
    give(&f, "203.0.113.2", WRONG).await.expect(429);
    f.clock.advance(Duration::from_secs(86_400));
    give(&f, "203.0.113.2", WRONG).await.expect(401);
}

#[tokio::test]
async fn recovery_codes_have_a_bound_of_their_own() {
    let f = with_fleet("tries-recovery").await;
    let owner = known_at(&f, "192.0.2.1").await;
    let from = "198.51.100.1";
    for _ in 0..20 {
        give(&f, from, "AAAA AAAA AAAA AAAA").await.expect(401);
    }
    give(&f, from, &owner.codes[0]).await.expect(429);
    // They count for no code of the app, and are counted at each source.
    let code = f.next_code(&owner.secret);
    give(&f, from, &code).await.expect(303);
    give(&f, "198.51.100.2", &owner.codes[0]).await.expect(303);
    f.clock.advance(Duration::from_secs(900));
    give(&f, from, &owner.codes[1]).await.expect(303);
}
