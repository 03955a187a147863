//! The requests to a running proxy.

use std::collections::HashSet;

use aeolus_doctor::probe::{Answer, PROBES, Probe, Target};

fn probe(code: &str) -> &'static Probe {
    PROBES
        .iter()
        .find(|probe| probe.guard.code == code)
        .unwrap()
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
    let headers = headers
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    Answer {
        status,
        headers: headers.collect(),
        has_body: true,
        body: String::new(),
    }
}

const SIGN_IN: (&str, &str) = ("location", "http://etl.example.com/.aeolus/sign-in?next=/");

#[test]
fn no_request_has_a_credential_or_changes_anything() {
    let target = Target {
        host: "etl.example.com".to_owned(),
        base: "/etl".to_owned(),
    };
    let mut codes = HashSet::new();
    for probe in PROBES {
        let request = String::from_utf8(probe.request(&target)).unwrap();
        assert!(request.starts_with("GET ") || request.starts_with("OPTIONS "));
        assert!(request.ends_with("\r\n\r\n") && request.contains("Host: etl.example.com\r\n"));
        let lines: Vec<_> = request
            .to_ascii_lowercase()
            .lines()
            .map(str::to_owned)
            .collect();
        assert!(
            !lines
                .iter()
                .any(|line| line.starts_with("authorization:") || line.starts_with("cookie:"))
        );
        assert!(codes.insert(probe.guard.code));
        assert!(!probe.tries.is_empty() && probe.guard.means.ends_with('.'));
    }
}

#[test]
fn an_application_that_answers_is_found_by_every_attack() {
    for probe in PROBES {
        let holds = probe.holds(&answer(200, &[]));
        // One asks whether the gate answers at all, one whether the host is another's.
        let others = ["DOC-PROBE-02", "DOC-PROBE-03"];
        assert_eq!(
            holds,
            others.contains(&probe.guard.code),
            "{}",
            probe.guard.code
        );
    }
}

#[test]
fn row_46_another_host_must_not_be_judged_as_the_deployment() {
    let probe = probe("DOC-PROBE-03");
    assert!(!probe.holds(&answer(302, &[SIGN_IN])));
    assert!(!probe.holds(&answer(401, &[("www-authenticate", "Bearer")])));
    assert!(probe.holds(&answer(403, &[])));
}

#[test]
fn row_13_connection_is_judged_by_what_the_proxy_is() {
    let probe = probe("DOC-PROBE-04");
    assert!(!probe.holds(&answer(302, &[SIGN_IN, ("server", "Caddy")])));
    assert!(probe.holds(&answer(400, &[("server", "Caddy")])));
    assert!(probe.holds(&answer(302, &[SIGN_IN, ("server", "nginx")])));
}

#[test]
fn an_application_that_sends_to_its_own_login_is_not_taken_for_the_gate() {
    let own = answer(302, &[("location", "/auth/login?next=/")]);
    assert!(!probe("DOC-PROBE-01").holds(&own));
    assert!(!probe("DOC-PROBE-05").holds(&own));
    assert!(probe("DOC-PROBE-01").holds(&answer(302, &[SIGN_IN])));
}

#[test]
fn row_85_a_check_that_answers_is_found() {
    let probe = probe("DOC-PROBE-16");
    assert!(!probe.holds(&answer(403, &[("x-aeolus-request-id", "1")])));
    assert!(!probe.holds(&answer(401, &[("x-auth-location", "/")])));
    assert!(probe.holds(&answer(404, &[])));
}
