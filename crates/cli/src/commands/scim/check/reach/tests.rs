use super::*;
use crate::commands::scim::check::line::Outcome;

fn codes(written: &str, profile: ScimProfile) -> Vec<(&'static str, Outcome)> {
    let (_, lines) = form(written, profile);
    lines.iter().map(|line| (line.code, line.result)).collect()
}

#[test]
fn a_url_is_what_the_provider_takes() {
    use Outcome::{Fail, Pass, Warn};
    use ScimProfile::{Microsoft, Okta, Strict};
    let good = "https://control.example.com/v1/scim/v2/okta/";
    assert_eq!(codes(good, Okta), [("REACH-URL", Pass)]);
    assert_eq!(form(good, Okta).0, good.trim_end_matches('/'));
    let flag = "https://control.example.com/v1/scim/v2/microsoft?aadOptscim062020";
    assert_eq!(codes(flag, Microsoft), [("REACH-URL", Pass)]);
    assert!(form(flag, Microsoft).0.ends_with("/microsoft"));
    assert_eq!(codes(flag, Strict), [("REACH-URL", Fail)]);
    let underscore = "https://my_control.example.com/v1/scim/v2/okta";
    assert_eq!(codes(underscore, Okta), [("REACH-UNDERSCORE", Fail)]);
    assert_eq!(codes(underscore, Microsoft), [("REACH-URL", Pass)]);
    assert_eq!(
        codes("http://localhost:8080/v1/scim/v2/okta", Okta),
        [("REACH-HTTPS", Warn)]
    );
    assert_eq!(
        codes("http://10.0.0.1/v1/scim/v2/okta", Okta),
        [("REACH-HTTPS", Fail)]
    );
    assert_eq!(
        codes("https://u:p@control.example.com/x", Okta),
        [("REACH-URL", Fail)]
    );
    assert_eq!(
        codes("https://control.example.com/v1/scim/v2/okta/Users", Okta),
        [("REACH-BASE", Fail)]
    );
    assert_eq!(codes("control.example.com", Okta), [("REACH-URL", Fail)]);
}

#[test]
fn why_there_is_no_connection_is_explained() {
    let of = |text: &str| unreached(&EgressError::Unreachable(text.to_owned())).code;
    assert_eq!(of("invalid peer certificate: UnknownIssuer"), "REACH-TLS");
    assert_eq!(
        of("invalid peer certificate: certificate not valid for name \"x\"; NotValidForName"),
        "REACH-NAME"
    );
    assert_eq!(
        of("dns error: failed to lookup address information"),
        "REACH-NAME"
    );
    assert_eq!(
        of("received corrupt message of type InvalidContentType"),
        "REACH-HTTPS"
    );
    assert_eq!(of("Connection refused (os error 111)"), "REACH-NETWORK");
    assert_eq!(unreached(&EgressError::Timeout).code, "REACH-NETWORK");
    assert_eq!(unreached(&EgressError::Header).code, "REACH-SECRET");
}

fn answered(status: u16, media: &str, body: &str) -> Answer {
    Answer {
        status,
        media: media.to_owned(),
        body: body.as_bytes().to_vec(),
        ..Answer::default()
    }
}

fn judged(own: &Answer, direct: Option<&Answer>, suspicion: Option<&'static str>) -> Line {
    reached(&First {
        own,
        direct,
        suspicion,
    })
}

#[test]
fn an_answer_that_is_none_of_an_endpoint_says_whose_it_is() {
    let code = |status, body: &str| judged(&answered(status, "text/html", body), None, None).code;
    assert_eq!(code(200, "<html>"), "REACH-PROXY");
    assert_eq!(code(404, ""), "REACH-BASE");
    assert_eq!(code(403, ""), "REACH-NETWORK");
    assert_eq!(code(503, ""), "REACH-DOWN");
    let moved = Answer {
        location: Some("https://elsewhere.example/".to_owned()),
        ..answered(302, "", "")
    };
    let moved = judged(&moved, None, None);
    assert_eq!(moved.code, "REACH-REDIRECT");
    assert!(moved.found.contains("https://elsewhere.example/"));
    let good = answered(200, "application/scim+json", "{}");
    assert_eq!(judged(&good, None, None).result, Outcome::Pass);
}

#[test]
fn a_credential_that_did_not_arrive_is_told_from_one_that_is_wrong() {
    let scim = |detail: &str| {
        let body = format!(r#"{{"status":"401","detail":"{detail}"}}"#);
        answered(401, "application/scim+json", &body)
    };
    let wrong = scim("The credential is not good for this connection.");
    let line = judged(&wrong, None, Some("It looks like base64."));
    assert_eq!(line.code, "REACH-SECRET");
    assert!(line.help.contains("base64") && line.found.contains("not good"));
    let none = scim("This needs a credential of the connection in the header Authorization.");
    assert_eq!(judged(&none, None, None).code, "REACH-HEADER");
    let direct = answered(200, "application/scim+json", "{}");
    assert_eq!(judged(&wrong, Some(&direct), None).code, "REACH-HEADER");
    assert_eq!(judged(&wrong, Some(&wrong), None).code, "REACH-SECRET");
}
