//! What a receiver's answer means (RFC 8935 §2.2 to §2.4).

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;

/// So much of what a receiver says is repeated.
const SAID: usize = 200;
/// Nobody is waited for longer because they say so.
pub(super) const LONGEST: Duration = Duration::from_secs(3_600);

/// What it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// The receiver has it.
    Taken,
    /// It never will: something is wrong with this event.
    Refused(String),
    /// It may later: why not now, and when it wants to be asked again, if it says so.
    Later(String, Option<Duration>),
}

/// RFC 8935 §2.3.
#[derive(Deserialize)]
struct Refusal {
    err: String,
    #[serde(default)]
    description: String,
}

/// What is wrong with whoever sends, not with what is sent: somebody mends it.
const OF_THE_SENDER: [&str; 5] = [
    "invalid_key",
    "invalid_issuer",
    "invalid_audience",
    "authentication_failed",
    "access_denied",
];

/// What an answer means.
pub(super) fn judge(answer: &Response<impl AsRef<[u8]>>) -> Judged {
    let status = answer.status();
    if status == StatusCode::ACCEPTED {
        return Judged::Taken;
    }
    let refusal = serde_json::from_slice::<Refusal>(answer.body().as_ref());
    let refusal = refusal.ok().filter(|_| status == StatusCode::BAD_REQUEST);
    if let Some(Refusal { err, description }) = refusal {
        let said = shown(&format!("{err}: {description}"));
        let said = format!("it refuses: {}", said.trim_end_matches([':', ' ']));
        return if OF_THE_SENDER.contains(&err.as_str()) {
            Judged::Later(said, None)
        } else {
            Judged::Refused(said)
        };
    }
    let what = match status {
        status if status.is_success() => {
            format!(
                "it answers {status}, and what takes an event answers 202: is this the endpoint?"
            )
        }
        StatusCode::BAD_REQUEST => "it answers 400 and doesn't say why".to_owned(),
        status if status.is_redirection() => {
            format!("it answers {status}: no redirect is followed")
        }
        status => format!("it answers {status}"),
    };
    Judged::Later(what, asked(answer.headers()))
}

/// When a receiver wants to be asked again, where it says so in seconds.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// As it may stand in a line of a log.
pub(super) fn shown(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SAID).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, body: &[u8]) -> Response<Vec<u8>> {
        let mut answer = Response::new(body.to_vec());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        answer
    }

    #[test]
    fn scim_202_is_taken_and_nothing_else_is() {
        assert_eq!(judge(&answer(202, b"")), Judged::Taken);
        for status in [
            200, 201, 204, 301, 302, 307, 400, 401, 403, 404, 413, 429, 500, 503,
        ] {
            let judged = judge(&answer(status, b"<html>"));
            assert!(
                matches!(judged, Judged::Later(_, None)),
                "{status} {judged:?}"
            );
        }
    }

    #[test]
    fn scim_a_400_with_a_code_is_judged_by_the_code() {
        for code in OF_THE_SENDER {
            let body = format!(r#"{{"err":"{code}","description":"no"}}"#);
            let wanted = Judged::Later(format!("it refuses: {code}: no"), None);
            assert_eq!(judge(&answer(400, body.as_bytes())), wanted);
            // Only a 400 has a code.
            let other = judge(&answer(403, body.as_bytes()));
            assert_eq!(
                other,
                Judged::Later("it answers 403 Forbidden".to_owned(), None)
            );
        }
        let wanted = Judged::Refused("it refuses: invalid_request".to_owned());
        assert_eq!(judge(&answer(400, br#"{"err":"invalid_request"}"#)), wanted);
        let unknown = br#"{"err":"setData","description":"a\r\nb"}"#;
        let wanted = Judged::Refused("it refuses: setData: a  b".to_owned());
        assert_eq!(judge(&answer(400, unknown)), wanted);
    }

    #[test]
    fn scim_a_receiver_says_when_to_come_again_within_bounds() {
        for (text, wanted) in [
            ("7", Some(7)),
            ("999999999", Some(3_600)),
            ("-1", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let mut busy = answer(503, b"");
            busy.headers_mut()
                .insert(RETRY_AFTER, text.parse().unwrap());
            let wanted = wanted.map(Duration::from_secs);
            assert!(
                matches!(judge(&busy), Judged::Later(_, after) if after == wanted),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn scim_no_answer_breaks_or_floods_a_log(
            status in 100_u16..1000,
            body in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..400),
                (".{0,300}", ".{0,300}").prop_map(|(err, description)| {
                    serde_json::json!({"err": err, "description": description}).to_string().into_bytes()
                }),
            ],
        ) {
            match judge(&answer(status, &body)) {
                Judged::Taken => prop_assert_eq!(status, 202),
                Judged::Refused(said) | Judged::Later(said, _) => {
                    prop_assert!(said.chars().count() <= SAID + 100);
                    prop_assert!(!said.contains(char::is_control));
                }
            }
        }
    }
}
