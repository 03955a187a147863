//! The pages: signing in and out.

use std::time::Duration;

use http::header::{CONTENT_SECURITY_POLICY, RETRY_AFTER};

use crate::fixture::{ADMIN, Fixture, ISS, PASSWORD};

#[tokio::test]
async fn o26_signing_in_makes_a_new_session_and_ends_the_one_before() {
    let f = Fixture::new("o26").await;
    let planted = format!("__Host-aeolus-control={}", "A".repeat(64));
    let fields = [("email", ADMIN), ("password", PASSWORD), ("rd", "/")];
    let headers = [("origin", ISS), ("cookie", planted.as_str())];
    let first = f
        .form("/login", &fields, &headers)
        .await
        .expect(303)
        .cookie();
    assert_ne!(first, planted);
    f.visit("/", &planted).await.expect(303);
    f.visit("/", &first).await.expect(200);
    let headers = [("origin", ISS), ("cookie", first.as_str())];
    let second = f
        .form("/login", &fields, &headers)
        .await
        .expect(303)
        .cookie();
    assert_ne!(first, second);
    f.visit("/", &first).await.expect(303);
    let page = f.visit("/", &second).await.expect(200);
    assert!(page.text().contains(ADMIN));
}

#[tokio::test]
async fn a1_who_has_an_account_shows_nowhere() {
    let f = Fixture::new("a1").await;
    let known = f
        .try_login(ADMIN, "wrong password here", "/")
        .await
        .expect(401);
    let unknown = f
        .try_login("x@example.com", "wrong password here", "/")
        .await
        .expect(401);
    let page = |text: String| text.replace(ADMIN, "-").replace("x@example.com", "-");
    assert_eq!(page(known.text()), page(unknown.text()));
    let odd = f
        .try_login("not an address", "wrong password here", "/")
        .await;
    odd.expect(401);
}

#[tokio::test]
async fn a1_too_many_attempts_are_answered_alike_and_end_with_the_window() {
    let f = Fixture::new("throttle").await;
    for email in [ADMIN, "x@example.com"] {
        for _ in 0..20 {
            f.try_login(email, "wrong password here", "/")
                .await
                .expect(401);
        }
        let refused = f
            .try_login(email, "wrong password here", "/")
            .await
            .expect(429);
        assert_eq!(refused.header(RETRY_AFTER), "900");
    }
    // The right password doesn't get past it either: else the throttle would not slow guessing.
    f.try_login(ADMIN, PASSWORD, "/").await.expect(429);
    f.clock.advance(Duration::from_secs(901));
    f.try_login(ADMIN, PASSWORD, "/").await.expect(303);
}

#[tokio::test]
async fn a4_locking_somebody_out_leaves_their_session_alone() {
    let f = Fixture::new("a4").await;
    let cookie = f.login(ADMIN).await;
    for _ in 0..25 {
        f.try_login(ADMIN, "wrong password here", "/").await;
    }
    f.try_login(ADMIN, PASSWORD, "/").await.expect(429);
    f.visit("/", &cookie).await.expect(200);
    let code = f.cli_code(&cookie).await;
    f.cli_exchange(&code).await.expect(200);
}

#[tokio::test]
async fn a2_huge_passwords_are_refused_unread() {
    let f = Fixture::new("a2").await;
    f.try_login(ADMIN, &"x".repeat(1025), "/").await.expect(413);
    f.try_login(ADMIN, &"x".repeat(1024 * 1024), "/")
        .await
        .expect(413);
    f.try_login(ADMIN, &format!("{PASSWORD}x"), "/")
        .await
        .expect(401);
    f.try_login(ADMIN, &format!("{PASSWORD}\0x"), "/")
        .await
        .expect(401);
}

#[tokio::test]
async fn o29_posts_from_elsewhere_are_refused() {
    let f = Fixture::new("o29").await;
    let cookie = f.login(ADMIN).await;
    let fields = [("email", ADMIN), ("password", PASSWORD)];
    let from = |origin| [("cookie", cookie.as_str()), ("origin", origin)];
    for path in ["/login", "/logout"] {
        let none = [("cookie", cookie.as_str())];
        f.form(path, &fields, &none).await.expect(403);
        f.form(path, &fields, &from("https://evil.example"))
            .await
            .expect(403);
        f.form(path, &fields, &from("null")).await.expect(403);
        let cross = [from(ISS)[0], from(ISS)[1], ("sec-fetch-site", "cross-site")];
        f.form(path, &fields, &cross).await.expect(403);
    }
    f.visit("/", &cookie).await.expect(200);
}

#[tokio::test]
async fn o31_a_get_asks_and_a_post_signs_out() {
    let f = Fixture::new("o31").await;
    let cookie = f.login(ADMIN).await;
    let asked = f.visit("/logout", &cookie).await.expect(200);
    assert!(asked.text().contains("Sign out?"));
    f.visit("/", &cookie).await.expect(200);
    let headers = [("cookie", cookie.as_str()), ("origin", ISS)];
    let out = f.form("/logout", &[], &headers).await.expect(303);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    f.visit("/", &cookie).await.expect(303);
    f.form("/logout", &[], &headers).await.expect(303);
}

#[tokio::test]
async fn o34_no_page_can_be_framed_or_kept() {
    let f = Fixture::new("o34").await;
    for path in ["/login", "/logout", "/nowhere", "/oauth2/authorize", "/"] {
        let answer = f.get(path).await;
        let policy = answer.header(CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(policy.contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(
            answer
                .header("strict-transport-security")
                .starts_with("max-age=")
        );
    }
}

#[tokio::test]
async fn o27_two_session_cookies_are_one_too_many() {
    let f = Fixture::new("o27").await;
    let cookie = f.login(ADMIN).await;
    f.visit("/", &format!("{cookie}; {cookie}"))
        .await
        .expect(400);
}

#[tokio::test]
async fn o28_cookies_that_were_changed_are_no_session() {
    let f = Fixture::new("o28").await;
    let cookie = f.login(ADMIN).await;
    let flipped = format!("{}{}", &cookie[..cookie.len() - 2], "AA");
    f.visit("/", &flipped).await.expect(303);
    f.visit("/", &cookie[..cookie.len() - 1]).await.expect(303);
    f.clock.advance(Duration::from_secs(30 * 86_400));
    f.visit("/", &cookie).await.expect(303);
}

#[tokio::test]
async fn row_60_a_sign_in_never_leads_elsewhere() {
    let f = Fixture::new("row60").await;
    for rd in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%5Cevil.example",
        "/.\\evil",
        "/%2f%2fevil",
        "/\t/evil",
    ] {
        let answer = f.try_login(ADMIN, PASSWORD, rd).await.expect(303);
        assert_eq!(answer.location(), "/", "{rd}");
        let page = f
            .visit(&format!("/login?rd={}", encode(rd)), &answer.cookie())
            .await;
        assert_eq!(page.expect(303).location(), "/", "{rd}");
    }
}

#[tokio::test]
async fn a21_only_trusted_hops_name_the_source() {
    let f = Fixture::new("a21").await;
    let fields = |n: u32| {
        [
            ("email", format!("u{n}@example.com")),
            ("password", "w".into()),
        ]
    };
    let mut last = 0;
    // The fixture trusts one hop: what stands left of it is the client's own invention.
    for n in 0..201 {
        let fields = fields(n);
        let fields = [
            ("email", fields[0].1.as_str()),
            ("password", fields[1].1.as_str()),
        ];
        let forged = format!("10.0.0.{}, 192.0.2.7", n % 250);
        let headers = [("origin", ISS), ("x-forwarded-for", forged.as_str())];
        last = f.form("/login", &fields, &headers).await.status.as_u16();
    }
    assert_eq!(last, 429);
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
