//! Why an endpoint isn't reached, as whoever has to mend it needs to hear it.

use aeolus_api::egress::EgressError;
use url::{Host, Url};

use super::judge::{Answer, short};
use super::line::Line;
use crate::args::ScimProfile;

const URL: &str = "the endpoint's URL is one that the provider takes";
const ANSWER: &str = "the endpoint answers, and takes the credential";
/// What our own endpoint says where no credential arrived at all.
const NONE_ARRIVED: &str = "in the header Authorization";

/// The URL without what is not its own, and everything that is wrong with it.
pub(super) fn form(written: &str, profile: ScimProfile) -> (String, Vec<Line>) {
    let mut lines = Vec::new();
    let base = written.split(['?', '#']).next().unwrap_or_default();
    let base = base.trim_end_matches('/').to_owned();
    let Ok(url) = Url::parse(written) else {
        let help = "write it whole: https://HOST/v1/scim/v2/CONNECTION";
        lines.push(Line::fail(
            "REACH-URL",
            URL,
            (format!("{written} is no URL"), help),
        ));
        return (base, lines);
    };
    let mut wrong = |code, found: &str, help: &str| {
        lines.push(Line::fail(code, URL, (found.to_owned(), help)));
    };
    if !url.username().is_empty() || url.password().is_some() {
        let help = "providers leave them out: give the credential in its own field";
        wrong("REACH-URL", "there are a user or a password in it", help);
    }
    let last = url.path().trim_end_matches('/').rsplit('/').next();
    if last.is_some_and(|last| matches!(last, "Users" | "Groups")) {
        let help = "leave that off: the provider adds /Users and /Groups itself";
        wrong("REACH-BASE", "it ends with a resource's name", help);
    }
    if profile == ScimProfile::Okta && base.contains('_') {
        let help = "Okta refuses such a base URL: give the connection or the host a name without an underscore";
        wrong("REACH-UNDERSCORE", "there is an underscore in it", help);
    }
    if profile != ScimProfile::Microsoft && url.query().is_some() {
        wrong("REACH-URL", "there is a query in it", "leave it off");
    }
    match (url.scheme(), is_here(&url)) {
        ("https", _) => {}
        ("http", true) => lines.push(Line::warn(
            "REACH-HTTPS",
            URL,
            (
                "it is http, to this machine".to_owned(),
                "providers need https with a certificate of a public authority: try --endpoint with the URL that they get",
            ),
        )),
        _ => wrong(
            "REACH-HTTPS",
            "it is not https",
            "providers send their credential over https alone: put TLS in front of control, and write https",
        ),
    }
    if lines.is_empty() {
        lines.push(Line::pass("REACH-URL", URL));
    }
    (base, lines)
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Why there is no answer.
pub(super) fn unreached(error: &EgressError) -> Line {
    let (code, help) = cause(error);
    Line::fail(code, ANSWER, (short(&error.to_string()), help))
}

fn cause(error: &EgressError) -> (&'static str, &'static str) {
    match error {
        EgressError::Timeout => (
            "REACH-NETWORK",
            "nothing answers there in time: look whether a firewall lets the provider's addresses through",
        ),
        EgressError::Header => (
            "REACH-SECRET",
            "the credential has characters that no header can carry, such as a line end: write it anew",
        ),
        EgressError::Body | EgressError::Unread(_) => (
            "REACH-PROXY",
            "the answer breaks off: look at the proxy in front of control",
        ),
        EgressError::Unreachable(text) => of_text(text),
        _ => ("REACH-URL", "check how the URL is written"),
    }
}

fn of_text(text: &str) -> (&'static str, &'static str) {
    const CAUSES: [(&str, &str, &str); 9] = [
        (
            "UnknownIssuer",
            "REACH-TLS",
            "the certificate is of no authority that this machine trusts, or its chain is not whole: providers trust \
             public authorities alone, so get a certificate of one, and serve the intermediate certificates with it",
        ),
        (
            "NotValidForName",
            "REACH-NAME",
            "the certificate is for other names than the URL's host: write a host that it names, or get one for this host",
        ),
        ("Expired", "REACH-TLS", "the certificate is over: renew it"),
        (
            "NotValidYet",
            "REACH-TLS",
            "the certificate begins later: look at the clock of this machine and of who issued it",
        ),
        (
            "invalid peer certificate",
            "REACH-TLS",
            "the certificate can't be used: get one of a public authority",
        ),
        (
            "HandshakeFailure",
            "REACH-TLS",
            "there is no common kind of TLS: providers need TLS 1.2 at least",
        ),
        (
            "corrupt message",
            "REACH-HTTPS",
            "that port doesn't speak TLS: put TLS in front of control, or write the port that does",
        ),
        (
            "lookup address",
            "REACH-NAME",
            "the host's name is not known: providers need one in the public DNS",
        ),
        (
            "refused",
            "REACH-NETWORK",
            "nothing listens there: look whether control and the proxy in front of it run, and at the port",
        ),
    ];
    let found = CAUSES.iter().find(|(word, ..)| text.contains(word));
    found.map_or(
        (
            "REACH-NETWORK",
            "look whether the host is reachable from the internet",
        ),
        |(_, code, help)| (code, help),
    )
}

/// What was answered to the first request, and what to others that an explanation needs.
pub(super) struct First<'a> {
    pub(super) own: &'a Answer,
    /// At control itself, where that is another place.
    pub(super) direct: Option<&'a Answer>,
    /// What looks wrong with the credential.
    pub(super) suspicion: Option<&'static str>,
}

/// What the first answer says of the way there.
pub(super) fn reached(first: &First<'_>) -> Line {
    let answer = first.own;
    let (said, status) = (said(answer), answer.status);
    let wrong = |code, help: &str| Line::fail(code, ANSWER, (said.clone(), help));
    match status {
        200 if answer.json().is_object() => Line::pass("REACH-ANSWER", ANSWER),
        200 => wrong(
            "REACH-PROXY",
            "that is a page and not SCIM: a proxy shows its own sign-in page, or the URL leads elsewhere; let paths \
             below /v1/scim/v2/ through to control as they are",
        ),
        300..=399 => {
            let to = answer.location.as_deref().unwrap_or("nowhere");
            let found = format!("{said}, a redirect to {}", short(to));
            let help = "providers follow no redirect with their credential: write the URL that it leads to";
            Line::fail("REACH-REDIRECT", ANSWER, (found, help))
        }
        401 if first.direct.is_some_and(|direct| direct.status == 200) => wrong(
            "REACH-HEADER",
            "control itself takes the credential, so something in front of it takes the header Authorization away or \
             answers in its place: let it through for paths below /v1/scim/v2/",
        ),
        401 if said.contains(NONE_ARRIVED) => wrong(
            "REACH-HEADER",
            "no credential arrived: a proxy in front of control takes the header Authorization away; let it through for \
             paths below /v1/scim/v2/",
        ),
        401 => {
            let help = "the credential is not the connection's: make another one, or paste it anew";
            let help = first.suspicion.map_or_else(
                || help.to_owned(),
                |suspicion| format!("{help}. {suspicion}"),
            );
            wrong("REACH-SECRET", &help)
        }
        403 => wrong(
            "REACH-NETWORK",
            "it may not be asked from here: look at the list of networks of SCIM's listener, and at firewalls for web \
             applications",
        ),
        404 | 405 => wrong(
            "REACH-BASE",
            "there is no SCIM endpoint at this URL: it is https://HOST/v1/scim/v2/CONNECTION, with no /scim before or \
             behind, and a proxy has to leave the path as it is",
        ),
        429 => wrong("REACH-RATE", "too much was asked: wait a minute"),
        500..=599 => wrong(
            "REACH-DOWN",
            "control or the proxy in front of it is not able to answer: look at their logs",
        ),
        _ => wrong(
            "REACH-ANSWER",
            "that is no answer of a SCIM endpoint: look at what is in front of control",
        ),
    }
}

fn said(answer: &Answer) -> String {
    let json = answer.json();
    let detail = json.get("detail").and_then(serde_json::Value::as_str);
    match detail {
        Some(detail) => format!("answered {}: {}", answer.status, short(detail)),
        None if answer.media.is_empty() => format!("answered {}", answer.status),
        None => format!("answered {} with {}", answer.status, short(&answer.media)),
    }
}

#[cfg(test)]
mod tests;
