//! Signing in and out at a gate.

use std::time::Duration;

use aeolus_gate::ports::TokenError;

use crate::fleet::*;

fn parameter(location: &str, name: &str) -> String {
    let url = url::Url::parse(location).unwrap();
    let found = url.query_pairs().find(|(n, _)| n == name);
    found.unwrap().1.into_owned()
}

fn pair(answer: &Answer, name: &str) -> String {
    let all = answer.headers("set-cookie");
    let found = all.iter().find(|c| c.starts_with(&format!("{name}=")));
    let found = found.unwrap_or_else(|| panic!("{answer:?}"));
    found.split(';').next().unwrap().to_owned()
}

/// Begins a sign-in; where it leads, and the state cookie.
async fn begin(fleet: &Fleet, next: &str) -> (String, String) {
    let answer = fleet
        .ask(&format!("GET /.aeolus/sign-in?next={next}"), "")
        .await;
    assert_eq!(answer.status, 302, "{answer:?}");
    let cookie = pair(&answer, "__Host-aeolus-s");
    (answer.header("location").unwrap().to_owned(), cookie)
}

#[tokio::test]
async fn a_browser_signs_in_and_lands_where_it_wanted_to_go() {
    let fleet = Fleet::start().await;
    let (location, state_cookie) = begin(&fleet, "/dags%3Fx%3D1").await;
    assert!(location.starts_with(&format!("{ISSUER}/oauth2/authorize?")));
    for (name, value) in [
        ("response_type", "code".to_owned()),
        ("client_id", format!("urn:aeolus:plane:{PLANE}")),
        (
            "redirect_uri",
            "https://etl.test/.aeolus/callback".to_owned(),
        ),
        ("scope", "openid".to_owned()),
        ("code_challenge_method", "S256".to_owned()),
        ("resource", format!("urn:aeolus:deployment:{ETL}")),
    ] {
        assert_eq!(parameter(&location, name), value, "{name}");
    }
    let answer = fleet.token_answer(&parameter(&location, "nonce"));
    *fleet.fake.answer.lock().unwrap() = Some(Ok(answer));
    let callback = format!(
        "GET /.aeolus/callback?code=c&state={}&iss=https%3A%2F%2Fcontrol.test",
        parameter(&location, "state")
    );
    let done = fleet
        .ask(&callback, &format!("Cookie: {state_cookie}\r\n"))
        .await;
    assert_eq!(
        (done.status, done.header("location")),
        (302, Some("/dags?x=1")),
        "{done:?}"
    );
    let session = pair(&done, "__Host-aeolus");
    assert!(session.len() - "__Host-aeolus=".len() <= 512);
    let attributes = done.headers("set-cookie").join("\n");
    for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(attributes.contains(attribute));
    }
    assert!(!attributes.contains("Domain"));
    // The state is spent.
    assert!(attributes.contains("__Host-aeolus-s=; "), "{attributes}");
    let page = fleet
        .ask("GET /dags", &format!("Cookie: {session}\r\n"))
        .await;
    assert_eq!(page.status, 200);
    let who = fleet
        .ask("GET /.aeolus/session", &format!("Cookie: {session}\r\n"))
        .await;
    assert!(who.body().contains("ann@example.com"), "{who:?}");
}

/// Comes back from control with a code, through a connection that the snapshot knows or doesn't.
async fn come_back(fleet: &Fleet) -> Answer {
    let (location, cookie) = begin(fleet, "/dags%3Fx%3D%22").await;
    let answer = fleet.token_answer(&parameter(&location, "nonce"));
    *fleet.fake.answer.lock().unwrap() = Some(Ok(answer));
    let state = parameter(&location, "state");
    let callback =
        format!("GET /.aeolus/callback?code=c&state={state}&iss=https%3A%2F%2Fcontrol.test");
    fleet.ask(&callback, &format!("Cookie: {cookie}\r\n")).await
}

#[tokio::test]
async fn whom_control_let_in_before_the_gate_heard_of_it_is_not_sent_round_in_circles() {
    let fleet = Fleet::start().await;
    let mut connections = Vec::new();
    fleet.publish(|sections| {
        connections = std::mem::take(&mut sections.connections.connections);
    });
    let page = come_back(&fleet).await;
    assert_eq!((page.status, page.header("location")), (503, None));
    assert!(page.body().contains("sign_in_not_heard_of"), "{page:?}");
    assert!(page.body().contains("href=\"/dags?x=&quot;\""), "{page:?}");
    // The session is there: whoever goes on once the gate has heard is let in.
    let session = pair(&page, "__Host-aeolus");
    fleet.publish(|sections| sections.connections.connections.clone_from(&connections));
    let jar = format!("Cookie: {session}\r\n");
    assert_eq!(fleet.ask("GET /dags", &jar).await.status, 200);

    // News that come while the code is being exchanged are waited for.
    fleet.publish(|sections| sections.connections.connections.clear());
    let (done, ()) = tokio::join!(come_back(&fleet), async {
        while fleet.fake.answer.lock().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        fleet.publish(|sections| sections.connections.connections = connections);
    });
    assert_eq!(
        (done.status, done.header("location")),
        (302, Some("/dags?x=\""))
    );
}

#[tokio::test]
async fn loopback_is_plain_http_with_its_port_and_through_the_check_listener_too() {
    let fleet = Fleet::start().await;
    let request =
        "GET /.aeolus/sign-in HTTP/1.1\r\nHost: etl.localhost:8080\r\nConnection: close\r\n\r\n";
    let answer = raw(&fleet.checks, request.as_bytes()).await;
    let redirect = parameter(answer.header("location").unwrap(), "redirect_uri");
    assert_eq!(redirect, "http://etl.localhost:8080/.aeolus/callback");
    let cookie = &answer.headers("set-cookie")[0];
    assert!(cookie.starts_with("aeolus-s=") && !cookie.contains("Secure"));
    let elsewhere = "GET /.aeolus/sign-in HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(&fleet.checks, elsewhere.as_bytes()).await.status, 404);
}

#[tokio::test]
async fn o7_o8_o9_a_callback_that_does_not_fit_begins_no_session() {
    let fleet = Fleet::start().await;
    let (location, cookie) = begin(&fleet, "/").await;
    let state = parameter(&location, "state");
    let iss = "iss=https%3A%2F%2Fcontrol.test";
    let jar = format!("Cookie: {cookie}\r\n");
    let good = format!("GET /.aeolus/callback?code=c&state={state}&{iss}");
    for (line, jar) in [
        (format!("GET /.aeolus/callback?code=c&{iss}"), &*jar),
        (
            format!("GET /.aeolus/callback?code=c&state=foreign&{iss}"),
            &*jar,
        ),
        (
            format!("GET /.aeolus/callback?code=c&state={state}&state={state}&{iss}"),
            &*jar,
        ),
        (format!("GET /.aeolus/callback?code=c&state={state}"), &*jar),
        (
            format!("GET /.aeolus/callback?code=c&state={state}&iss=https%3A%2F%2Fevil.test"),
            &*jar,
        ),
        (good.clone(), ""),
    ] {
        let answer = fleet.ask(&line, jar).await;
        assert_eq!(answer.status, 400, "{line}");
        assert!(!answer.text.contains("__Host-aeolus="), "{line}");
    }
    assert!(fleet.fake.exchanged.lock().unwrap().is_empty());
    // Another nonce than the one asked for.
    *fleet.fake.answer.lock().unwrap() = Some(Ok(fleet.token_answer("other")));
    let answer = fleet.ask(&good, &jar).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text.contains("__Host-aeolus="));
    // Control says no, or is away.
    *fleet.fake.answer.lock().unwrap() = Some(Err(TokenError::Refused));
    assert_eq!(fleet.ask(&good, &jar).await.status, 400);
    *fleet.fake.answer.lock().unwrap() = Some(Err(TokenError::Unavailable));
    assert_eq!(fleet.ask(&good, &jar).await.status, 503);
    // Eleven minutes later.
    fleet.fake.clock.advance(Duration::from_secs(660));
    assert_eq!(fleet.ask(&good, &jar).await.status, 400);
}

#[tokio::test]
async fn o26_an_old_session_is_replaced_not_continued() {
    let fleet = Fleet::start().await;
    let old = fleet.cookie("etl.test", EVE);
    let (location, state) = begin(&fleet, "/").await;
    *fleet.fake.answer.lock().unwrap() =
        Some(Ok(fleet.token_answer(&parameter(&location, "nonce"))));
    let callback = format!(
        "GET /.aeolus/callback?code=c&state={}&iss=https%3A%2F%2Fcontrol.test",
        parameter(&location, "state")
    );
    let done = fleet
        .ask(&callback, &format!("Cookie: {old}; {state}\r\n"))
        .await;
    let new = pair(&done, "__Host-aeolus");
    assert_ne!(new, old);
    let who = fleet
        .ask("GET /.aeolus/session", &format!("Cookie: {new}\r\n"))
        .await;
    assert!(who.body().contains("ann@example.com"));
}

#[tokio::test]
async fn row_60_next_stays_on_the_host() {
    let fleet = Fleet::start().await;
    for next in [
        "//evil.test",
        "%2F%5Cevil.test",
        "https%3A%2F%2Fevil.test",
        "/.aeolus/sign-out",
        "/%09/evil",
    ] {
        let (location, state) = begin(&fleet, next).await;
        *fleet.fake.answer.lock().unwrap() =
            Some(Ok(fleet.token_answer(&parameter(&location, "nonce"))));
        let callback = format!(
            "GET /.aeolus/callback?code=c&state={}&iss=https%3A%2F%2Fcontrol.test",
            parameter(&location, "state")
        );
        let done = fleet.ask(&callback, &format!("Cookie: {state}\r\n")).await;
        assert_eq!(done.header("location"), Some("/"), "{next}");
    }
}

#[tokio::test]
async fn row_65_three_sign_ins_fit_the_ring_and_the_cookie_stays_small() {
    let fleet = Fleet::start().await;
    let next = format!("/{}", "a".repeat(500));
    let mut cookie = String::new();
    let mut states = Vec::new();
    for _ in 0..4 {
        let jar = if cookie.is_empty() {
            String::new()
        } else {
            format!("Cookie: {cookie}\r\n")
        };
        let answer = fleet
            .ask(&format!("GET /.aeolus/sign-in?next={next}"), &jar)
            .await;
        cookie = pair(&answer, "__Host-aeolus-s");
        states.push(parameter(answer.header("location").unwrap(), "state"));
    }
    assert!(cookie.len() < 4_096, "{}", cookie.len());
    let finish = async |state: &str| {
        let line =
            format!("GET /.aeolus/callback?code=c&state={state}&iss=https%3A%2F%2Fcontrol.test");
        *fleet.fake.answer.lock().unwrap() = Some(Err(TokenError::Unavailable));
        fleet
            .ask(&line, &format!("Cookie: {cookie}\r\n"))
            .await
            .status
    };
    assert_eq!(finish(&states[0]).await, 400);
    assert_eq!(finish(&states[1]).await, 503);
    assert_eq!(finish(&states[3]).await, 503);
}

#[tokio::test]
async fn without_control_nobody_signs_in_and_the_signed_in_stay_so() {
    let fleet = Fleet::start().await;
    *fleet.fake.age.lock().unwrap() = Some(Duration::from_secs(600));
    let answer = fleet.ask("GET /.aeolus/sign-in?next=/", "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body().contains("10 minutes ago"), "{answer:?}");
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    let cookie = format!("Cookie: {}\r\n", fleet.cookie("etl.test", ANN));
    assert_eq!(fleet.ask("GET /dags", &cookie).await.status, 200);
}

#[tokio::test]
async fn o31_signing_out_needs_the_same_origin_and_ends_the_session_at_once() {
    let fleet = Fleet::start().await;
    let cookie = format!("Cookie: {}\r\n", fleet.cookie("etl.test", ANN));
    let foreign = format!("{cookie}Sec-Fetch-Site: cross-site\r\n");
    let asked = fleet.ask("GET /.aeolus/sign-out", &foreign).await;
    assert!(asked.body().contains("<form method=\"post\""), "{asked:?}");
    let forged = format!("{foreign}Content-Length: 0\r\n");
    assert_eq!(
        fleet.ask("POST /.aeolus/sign-out", &forged).await.status,
        400
    );
    assert_eq!(fleet.ask("GET /dags", &cookie).await.status, 200);
    let own = format!("{cookie}Sec-Fetch-Site: same-origin\r\n");
    let out = fleet.ask("GET /.aeolus/sign-out", &own).await;
    assert_eq!(out.status, 200);
    assert_eq!(pair(&out, "__Host-aeolus"), "__Host-aeolus=");
    assert_eq!(fleet.ask("GET /dags", &cookie).await.status, 401);
    let who = fleet.ask("GET /.aeolus/session", &cookie).await;
    assert_eq!(who.body(), "{\"signedIn\":false}");
}

#[tokio::test]
async fn what_an_outage_lets_a_session_do_is_said_of_it_and_kept_in_no_cookie() {
    let fleet = Fleet::start().await;
    let cookie = format!("Cookie: {}\r\n", fleet.cookie("etl.test", ANN));
    let outage = Duration::from_secs(9 * 3_600);
    fleet.fake.clock.advance(outage);
    *fleet.fake.age.lock().unwrap() = Some(outage);
    assert_eq!(fleet.ask("GET /dags", &cookie).await.status, 200);
    let who = fleet.ask("GET /.aeolus/session", &cookie).await;
    assert!(who.body().contains("\"signedIn\":true"), "{who:?}");
    let kept = fleet.ask("GET /.aeolus/refresh", &cookie).await;
    assert_eq!((kept.status, kept.header("set-cookie")), (204, None));
    // Control was there all the time and did not renew it: it is over, and everything says so.
    let fleet = Fleet::start().await;
    fleet.fake.clock.advance(outage);
    let page = format!("{cookie}Accept: application/json\r\n");
    assert_eq!(fleet.ask("GET /dags", &page).await.status, 401);
    let who = fleet.ask("GET /.aeolus/session", &cookie).await;
    assert_eq!(who.body(), "{\"signedIn\":false}");
    assert_eq!(fleet.ask("GET /.aeolus/refresh", &cookie).await.status, 401);
}

#[tokio::test]
async fn refresh_writes_a_renewed_session_into_its_cookie() {
    let fleet = Fleet::start().await;
    let cookie = format!("Cookie: {}\r\n", fleet.cookie("etl.test", ANN));
    let before = fleet.ask("GET /.aeolus/refresh", &cookie).await;
    assert_eq!((before.status, before.header("set-cookie")), (204, None));
    let later = NOW.plus(Duration::from_secs(20 * 3_600));
    fleet.fake.renewed.lock().unwrap().insert(SESSION, later);
    let renewed = fleet.ask("GET /.aeolus/refresh?next=/dags", &cookie).await;
    assert_eq!(
        (renewed.status, renewed.header("location")),
        (302, Some("/dags"))
    );
    let fresh = format!("Cookie: {}\r\n", pair(&renewed, "__Host-aeolus"));
    fleet.fake.renewed.lock().unwrap().clear();
    fleet.fake.clock.advance(Duration::from_secs(19 * 3_600));
    assert_eq!(fleet.ask("GET /dags", &fresh).await.status, 200);
    assert_eq!(fleet.ask("GET /dags", &cookie).await.status, 401);
}

const OWN: &str =
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nAccept: text/html\r\n";

fn kept(fleet: &Fleet) -> usize {
    fleet.gate.gauges().minted.kept
}

/// A page of Airflow with a session's cookie: its status, and the token's id that Airflow saw.
async fn page(fleet: &Fleet, cookie: &str) -> (u16, Option<String>) {
    let before = fleet.airflow.count();
    let jar = format!("Cookie: {cookie}\r\n");
    let answer = fleet.ask("GET /api/v2/dags", &jar).await;
    if fleet.airflow.count() == before {
        return (answer.status, None);
    }
    let head = fleet.airflow.seen.lock().unwrap().last().unwrap().clone();
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let token = lines.find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let claims = airflow_claims(token.unwrap().1);
    (answer.status, claims["jti"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn airflows_own_sign_out_ends_the_session_and_drops_its_token() {
    let fleet = Fleet::start().await;
    let cookie = fleet.cookie("etl.test", ANN);
    let jar = format!("Cookie: {cookie}\r\n{OWN}");
    let (status, minted) = page(&fleet, &cookie).await;
    assert_eq!((status, kept(&fleet)), (200, 1));

    // The link in Airflow's menu: Airflow itself never sees it, so it refuses no token by its id.
    let seen = fleet.airflow.count();
    let out = fleet.ask("GET /api/v2/auth/logout", &jar).await;
    assert_eq!(
        (out.status, out.header("location")),
        (302, Some("/.aeolus/sign-out")),
        "{out:?}"
    );
    let out = fleet.ask("GET /.aeolus/sign-out", &jar).await;
    assert_eq!(out.status, 200, "{out:?}");
    assert_eq!(pair(&out, "__Host-aeolus"), "__Host-aeolus=");
    assert_eq!(fleet.airflow.count(), seen);

    assert_eq!(kept(&fleet), 0);
    assert_eq!(page(&fleet, &cookie).await, (401, None));
    // Whoever signs in again gets another token.
    fleet.fake.ended.lock().unwrap().clear();
    let (status, again) = page(&fleet, &cookie).await;
    assert_eq!(status, 200);
    assert_ne!(again, minted);
}

#[tokio::test]
async fn airflow_2s_own_sign_out_does_too() {
    let fleet = Fleet::start().await;
    fleet.publish(|sections| {
        sections.deployments.deployments[0].profile =
            aeolus_snapshot::section::Profile::Airflow2.into();
    });
    let cookie = fleet.cookie("etl.test", ANN);
    let jar = format!("Cookie: {cookie}\r\n{OWN}");
    assert_eq!(fleet.ask("GET /home", &jar).await.status, 200);
    assert_eq!(kept(&fleet), 1);
    for path in ["/logout", "/logout/"] {
        let out = fleet.ask(&format!("GET {path}"), &jar).await;
        assert_eq!(out.header("location"), Some("/.aeolus/sign-out"), "{out:?}");
    }
    fleet.ask("GET /.aeolus/sign-out", &jar).await;
    assert_eq!(kept(&fleet), 0);
    assert_eq!(fleet.ask("GET /home", &jar).await.status, 302);
}

#[tokio::test]
async fn only_the_session_that_signs_out_loses_its_token() {
    let fleet = Fleet::start().await;
    let cookie = fleet.cookie("etl.test", ANN);
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    page(&fleet, &cookie).await;
    fleet.ask("GET /api/v2/dags", &bearer).await;
    assert_eq!(kept(&fleet), 2);
    let jar = format!("Cookie: {cookie}\r\n{OWN}");
    fleet.ask("GET /.aeolus/sign-out", &jar).await;
    assert_eq!(kept(&fleet), 1);
    assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 200);
    assert_eq!(fleet.gate.gauges().minted.minted, 2, "from memory still");
}

#[tokio::test]
async fn a_session_that_control_or_the_snapshot_ends_leaves_no_token() {
    let fleet = Fleet::start().await;
    let cookie = fleet.cookie("etl.test", ANN);
    page(&fleet, &cookie).await;
    fleet.gate.sweep();
    assert_eq!(kept(&fleet), 1, "it is alive");
    // Control's answer to a renewal.
    fleet.fake.ended.lock().unwrap().insert(SESSION);
    assert_eq!(page(&fleet, &cookie).await, (401, None));
    fleet.gate.sweep();
    assert_eq!(kept(&fleet), 0);

    fleet.fake.ended.lock().unwrap().clear();
    page(&fleet, &cookie).await;
    fleet.publish(|sections| {
        let revocations = sections.revocations.get_mut(&ORG).unwrap();
        let id = SESSION.as_bytes().to_vec();
        let ended = aeolus_snapshot::section::EndedSession {
            id,
            ..Default::default()
        };
        revocations.sessions.push(ended);
    });
    assert_eq!(page(&fleet, &cookie).await, (401, None));
    assert_eq!(kept(&fleet), 1);
    fleet.gate.sweep();
    assert_eq!(kept(&fleet), 0);
}

#[tokio::test]
async fn tokens_that_are_over_are_forgotten_also_without_a_sign_out() {
    let fleet = Fleet::start().await;
    page(&fleet, &fleet.cookie("etl.test", ANN)).await;
    fleet.fake.clock.advance(Duration::from_secs(120));
    fleet.gate.sweep();
    assert_eq!(kept(&fleet), 1, "good for minutes still");
    fleet.fake.clock.advance(Duration::from_secs(300));
    fleet.gate.sweep();
    assert_eq!(kept(&fleet), 0);
}
