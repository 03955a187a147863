use aeolus_decide::{Destination, Reason};
use aeolus_model::DeploymentId;
use proptest::prelude::*;
use prost::Message as _;

use super::messages::{Address, Attributes, HeaderMap, Peer, RequestAttributes, SocketAddress};
use super::*;

const ETL: DeploymentId = DeploymentId::from_bytes([4; 16]);

fn check(path: &str, headers: &[(&str, &[u8])]) -> CheckRequest {
    let header = |(key, value): &(&str, &[u8])| HeaderValue {
        key: (*key).to_owned(),
        value: String::new(),
        raw_value: value.to_vec(),
    };
    CheckRequest {
        attributes: Some(Attributes {
            source: Some(Peer {
                address: Some(Address {
                    socket: Some(SocketAddress {
                        address: "192.0.2.1".to_owned(),
                    }),
                }),
            }),
            request: Some(RequestAttributes {
                http: Some(HttpRequest {
                    method: "GET".to_owned(),
                    path: path.to_owned(),
                    host: "etl.test".to_owned(),
                    header_map: Some(HeaderMap {
                        headers: headers.iter().map(header).collect(),
                    }),
                    ..HttpRequest::default()
                }),
            }),
            context_extensions: [(PIN.to_owned(), ETL.to_string())].into(),
        }),
    }
}

fn http(check: &mut CheckRequest) -> &mut HttpRequest {
    let attributes = check.attributes.as_mut().unwrap();
    attributes.request.as_mut().unwrap().http.as_mut().unwrap()
}

fn status(answer: &CheckResponse) -> (i32, i32) {
    let http = match answer.http.as_ref().unwrap() {
        HttpResponse::Ok(_) => 200,
        HttpResponse::Denied(denied) => denied.status.as_ref().unwrap().code,
    };
    (answer.status.as_ref().unwrap().code, http)
}

#[test]
fn a_check_is_read_as_it_stands() {
    let check = check(
        "/api%2Fv2?x=1",
        &[("x-forwarded-for", b"10.0.0.1, 198.51.100.7")],
    );
    let question = parse(&check).unwrap();
    assert_eq!(question.target, b"/api%2Fv2?x=1");
    assert_eq!(
        (question.method, question.host),
        (&b"GET"[..], Some(&b"etl.test"[..]))
    );
    assert_eq!(question.pin, Some(ETL));
    assert_eq!(question.peer, "198.51.100.7".parse().ok());
    let mut without = check.clone();
    http(&mut without).header_map = None;
    assert_eq!(parse(&without).unwrap().peer, "192.0.2.1".parse().ok());
}

#[test]
fn a_deployment_must_be_pinned_by_the_proxys_configuration() {
    let mut none = check("/", &[]);
    none.attributes.as_mut().unwrap().context_extensions.clear();
    assert!(parse(&none).is_none());
    let other = ("deployment".to_owned(), "etl".to_owned());
    none.attributes
        .as_mut()
        .unwrap()
        .context_extensions
        .extend([other]);
    assert!(parse(&none).is_none());
    assert!(parse(&CheckRequest { attributes: None }).is_none());
}

#[test]
fn row_34_repeated_headers_stay_two_and_joined_ones_are_no_token() {
    let twice = check(
        "/",
        &[
            ("authorization", b"Bearer a"),
            ("authorization", b"Bearer b"),
        ],
    );
    let seen = parse(&twice).unwrap().headers.authorization;
    assert_eq!(seen, aeolus_decide::Once::Many);
    // Without raw headers Envoy joins them, which the decision reads as one malformed credential.
    let mut joined = check("/", &[]);
    let http = http(&mut joined);
    http.header_map = None;
    let both = ("authorization".to_owned(), "Bearer a,Bearer b".to_owned());
    http.headers.extend([both]);
    let seen = parse(&joined).unwrap().headers.authorization;
    assert_eq!(seen, aeolus_decide::Once::One(b"Bearer a,Bearer b"));
}

#[test]
fn row_49_every_refusal_says_so_twice_and_carries_no_credential() {
    for reason in [
        Reason::Forbidden,
        Reason::TokenExpired,
        Reason::NoSnapshot,
        Reason::TargetForm,
    ] {
        let verdict = Verdict::Deny(Deny::because(reason));
        let answer = render(&verdict, &check("/", &[("authorization", b"Bearer x")]));
        let (code, http) = status(&answer);
        assert_ne!(code, OK, "{reason:?}");
        assert_eq!(http, i32::from(reason.status()));
        let text = format!("{answer:?}");
        assert!(
            !text.contains("Bearer x") && !text.contains("x-aeolus"),
            "{text}"
        );
    }
    let sign_in = Verdict::SignIn(SignIn {
        class: aeolus_decide::PathClass::PrivateRead,
        deployment: ETL,
        reason: Reason::CredentialMissing,
        to: Destination::SignOut,
    });
    let answer = render(&sign_in, &check("/", &[]));
    assert_eq!(status(&answer), (PERMISSION_DENIED, 302));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(check) = CheckRequest::decode(&bytes[..]) {
            let _ = parse(&check);
        }
    }

    #[test]
    fn row_41b_header_bytes_are_no_text(bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
        let check = check("/", &[("cookie", &bytes)]);
        let again = CheckRequest::decode(&check.encode_to_vec()[..]).unwrap();
        prop_assert_eq!(parse(&again).unwrap().headers.cookies, vec![&bytes[..]]);
    }
}
