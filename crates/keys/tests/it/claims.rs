//! Attacks on claims, all rightly signed.

use std::time::Duration;

use aeolus_keys::claims::{
    Access, Airflow2, Airflow3, Api, ClaimError, Direct, Federated, IdToken, Logout,
    PlaneAssertion, Registered, check_times,
};
use aeolus_keys::jws::{self, JwsError};
use aeolus_keys::{Kind, SigningKey};
use aeolus_model::{AirflowRole, Time};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{ID, ISS, NOW, claims, ed25519, forge, header, merge, rsa};

fn now() -> Time {
    Time::from_secs(NOW)
}

fn key_of(kind: Kind) -> SigningKey {
    match kind.alg() {
        aeolus_keys::Alg::Rs256 => SigningKey::from_pkcs8(&rsa(0).to_pkcs8().unwrap()).unwrap(),
        _ => ed25519("claims"),
    }
}

/// Signs the text as claims of a kind and reads them back as the kind's type.
fn read<T: DeserializeOwned>(kind: Kind, text: impl AsRef<[u8]>) -> Result<T, JwsError> {
    let key = key_of(kind);
    let token = forge(&key, &header(&key, kind), text);
    jws::parse(token.as_bytes())?
        .verify(kind, key.public())?
        .claims()
}

fn access_with(extra: Value) -> Result<Access, JwsError> {
    let mut access = claims(Kind::Access);
    merge(&mut access, extra);
    read(Kind::Access, access.to_string())
}

/// The claims with one member's value replaced by any text.
fn access_text(member: &str, value: &str) -> Result<Access, JwsError> {
    let mut access = claims(Kind::Access);
    access[member] = json!("REPLACED");
    read(
        Kind::Access,
        access.to_string().replace("\"REPLACED\"", value),
    )
}

fn deployment() -> String {
    format!("urn:aeolus:deployment:{ID}")
}

/// Reads, writes and reads a kind's claims: nothing is lost.
fn round_trip<T: DeserializeOwned + Serialize + Registered>(kind: Kind) {
    let read: T = read(kind, claims(kind).to_string()).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    let expected = claims(kind);
    assert_eq!(written, expected, "{kind}");
    let (iss, aud) = (expected["iss"].as_str(), expected["aud"].as_str());
    assert_eq!(read.check(iss.unwrap(), aud.unwrap(), now()), Ok(()));
    for member in expected.as_object().unwrap().keys() {
        let optional = ["org", "nonce", "amr"].contains(&member.as_str());
        let mut missing = expected.clone();
        missing.as_object_mut().unwrap().remove(member);
        let result = self::read::<T>(kind, missing.to_string());
        assert_eq!(result.is_ok(), optional, "{kind} without {member}");
    }
}

#[test]
fn every_kind_reads_what_it_writes_and_misses_what_is_missing() {
    round_trip::<Api>(Kind::Api);
    round_trip::<Direct>(Kind::Direct);
    round_trip::<Federated>(Kind::Federated);
    round_trip::<IdToken>(Kind::Id);
    round_trip::<Logout>(Kind::Logout);
    round_trip::<Airflow3>(Kind::Airflow3);
    round_trip::<Airflow2>(Kind::Airflow2);
    round_trip::<Airflow2>(Kind::Legacy);
    round_trip::<PlaneAssertion>(Kind::PlaneAssertion);
    round_trip::<Access>(Kind::Access);
}

#[test]
fn an_older_reader_ignores_a_newer_claim() {
    assert!(access_with(json!({"new": {"a": [1]}})).is_ok());
}

/// Nobody here asks for the proof (RFC 9449) that such a token needs.
#[test]
fn o17_a_token_that_is_bound_to_a_key_is_no_bearer() {
    for cnf in [json!({"jkt": "x"}), json!({}), json!(null), json!("x")] {
        // What we say to providers is never read here.
        let read_here = |kind: &Kind| *kind != Kind::ClientAssertion;
        for kind in Kind::ALL.into_iter().filter(read_here) {
            let mut bound = claims(kind);
            merge(&mut bound, json!({"cnf": cnf}));
            let read = read::<Value>(kind, bound.to_string());
            assert_eq!(read.unwrap_err(), JwsError::Claims, "{kind} {cnf}");
        }
    }
    // Only the token's own member says so.
    assert!(access_with(json!({"new": {"cnf": {"jkt": "x"}}})).is_ok());
}

#[test]
fn t14_a_member_twice_in_the_claims() {
    let good = claims(Kind::Access).to_string();
    for extra in [
        r#","exp":9999999999}"#,
        r#","x":1,"x":1}"#,
        r#","x":{"a":1,"a":2}}"#,
        r#","x":[[{"a":1,"a":2}]]}"#,
        r#","\u0065xp":9999999999}"#,
    ] {
        let text = format!("{}{extra}", good.strip_suffix('}').unwrap());
        let read = read::<Access>(Kind::Access, &text);
        assert_eq!(read.unwrap_err(), JwsError::Claims, "{extra}");
    }
}

#[test]
fn t24_times_are_whole_seconds() {
    for member in ["exp", "iat", "auth_time"] {
        for value in [
            "\"9999999999\"",
            "1e308",
            "1e400",
            "null",
            "true",
            "[9999999999]",
            "{}",
            "9223372036854775808",
            "-9223372036854775809",
            "1.5",
            "9999999999.0",
            "1e10",
            "0x10",
            "01",
            "+1",
            "NaN",
            "Infinity",
            "\"\"",
        ] {
            let read = access_text(member, value);
            assert_eq!(read.unwrap_err(), JwsError::Claims, "{member} {value}");
        }
    }
    for past in ["-1", "0", "-9223372036854775808"] {
        let read = access_text("exp", past).unwrap();
        assert_eq!(
            read.check(ISS, &deployment(), now()),
            Err(ClaimError::Expired),
            "{past}"
        );
    }
    let forever = access_text("exp", "9223372036854775807").unwrap();
    assert_eq!(forever.check(ISS, &deployment(), now()), Ok(()));
}

#[test]
fn t26_not_before_and_issued_at_ahead() {
    let check = |iat, nbf| {
        let leeway = Duration::from_secs(60);
        check_times(NOW + iat, Some(NOW + nbf), NOW + 3600, now(), leeway)
    };
    assert_eq!(check(60, 60), Ok(()));
    assert_eq!(check(0, 61), Err(ClaimError::NotYet));
    assert_eq!(check(61, 0), Err(ClaimError::FromTheFuture));
    assert_eq!(check(i64::MAX - NOW, 0), Err(ClaimError::FromTheFuture));
    let mut api = claims(Kind::Api);
    merge(&mut api, json!({"nbf": NOW.to_string()}));
    assert!(read::<Api>(Kind::Api, api.to_string()).is_err());
    let ahead = json!({"iat": NOW + 61});
    let ahead = access_with(ahead).unwrap();
    let refused = ahead.check(ISS, &deployment(), now());
    assert_eq!(refused, Err(ClaimError::FromTheFuture));
}

#[test]
fn t27_expired() {
    let check = |ago| {
        let claims = access_with(json!({"exp": NOW - ago})).unwrap();
        claims.check(ISS, &deployment(), now())
    };
    assert_eq!(check(59), Ok(()));
    assert_eq!(check(60), Err(ClaimError::Expired));
    assert_eq!(check(61), Err(ClaimError::Expired));
    assert_eq!(check(NOW), Err(ClaimError::Expired));
}

#[test]
fn t28_the_audience_is_one_exact_string() {
    for aud in [
        json!([deployment(), "other"]),
        json!([deployment()]),
        json!([]),
        json!([[deployment()]]),
        json!({"aud": deployment()}),
        json!(null),
        json!(1),
    ] {
        assert_eq!(
            access_with(json!({"aud": aud})).unwrap_err(),
            JwsError::Claims,
            "{aud}"
        );
    }
    let exact = deployment();
    for aud in [
        exact.to_uppercase(),
        format!("{exact}/"),
        format!("{exact} "),
        format!(" {exact}"),
        format!("x{exact}"),
        exact[..exact.len() - 1].to_owned(),
        exact.replace("urn:", "URN:"),
        String::new(),
        "*".to_owned(),
        "urn:airflow.apache.org:task".to_owned(),
    ] {
        let claims = access_with(json!({"aud": aud})).unwrap();
        let refused = claims.check(ISS, &exact, now());
        assert_eq!(refused, Err(ClaimError::Audience), "{aud}");
    }
}

#[test]
fn t29_the_issuer_is_exact() {
    for iss in [
        "https://control.example.com/",
        "https://control.example.com:443",
        "http://control.example.com",
        "https://Control.example.com",
        "HTTPS://control.example.com",
        "https://control.example.com.",
        "https://control%2Eexample.com",
        "https://contr\u{43e}l.example.com",
        "https://xn--contrl-jye.example.com",
        "https://control.example.com@attacker.example",
        "https://control.example.com?",
        "https://control.example.co",
        "",
    ] {
        let claims = access_with(json!({"iss": iss})).unwrap();
        let refused = claims.check(ISS, &deployment(), now());
        assert_eq!(refused, Err(ClaimError::Issuer), "{iss}");
    }
    assert!(access_with(json!({"iss": [ISS]})).is_err());
}

#[test]
fn t38_subjects_and_ids_that_would_break_what_carries_them() {
    let long = "a".repeat(256);
    let bad = [
        "",
        " ",
        "a b",
        "a\u{0}b",
        "a\r\nX-Admin: 1",
        "a\tb",
        "\u{202e}nimda",
        "é",
        "\u{7f}",
        &long,
    ];
    for text in bad {
        assert!(access_with(json!({"sub": text})).is_err(), "{text:?}");
        assert!(access_with(json!({"jti": text})).is_err(), "{text:?}");
        assert!(access_with(json!({"client_id": text})).is_err(), "{text:?}");
        let mut airflow = claims(Kind::Airflow3);
        merge(&mut airflow, json!({"sub": text}));
        assert!(read::<Airflow3>(Kind::Airflow3, airflow.to_string()).is_err());
    }
    let upper = ID.to_uppercase();
    for sub in [
        "admin",
        "ann@example.com",
        &upper,
        &format!("{{{ID}}}"),
        &format!("{ID} "),
    ] {
        assert!(access_with(json!({"sub": sub})).is_err(), "{sub}");
    }
}

#[test]
fn t39_claims_that_are_not_utf8_json() {
    let good = claims(Kind::Access).to_string();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bom = [&b"\xef\xbb\xbf"[..], good.as_bytes()].concat();
    let bad_value = [good.trim_end_matches('}').as_bytes(), b",\"x\":\"\xff\"}"].concat();
    let overlong = [
        good.trim_end_matches('}').as_bytes(),
        b",\"x\":\"\xc0\xaf\"}",
    ]
    .concat();
    let surrogate = good.replace("j1", "\\ud800");
    let nul = format!("{good}\0");
    let twice = format!("{good}{good}");
    for bad in [
        utf16,
        bom,
        bad_value,
        overlong,
        surrogate.into_bytes(),
        nul.into_bytes(),
        twice.into_bytes(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"{}\"".to_vec(),
        b"{".to_vec(),
    ] {
        assert_eq!(
            read::<Access>(Kind::Access, &bad).unwrap_err(),
            JwsError::Claims
        );
    }
}

#[test]
fn t41_nesting_and_number_of_claims_are_capped() {
    let nested = |n: usize| format!("{{\"x\":{}{}}}", "[".repeat(n), "]".repeat(n));
    let key = ed25519("t41");
    let parse = |text: &str| {
        let token = forge(&key, &header(&key, Kind::Manifest), text);
        jws::parse_document(token.as_bytes()).map(|_| ())
    };
    assert_eq!(parse(&nested(15)), Ok(()));
    assert_eq!(parse(&nested(16)), Err(JwsError::Claims));
    assert_eq!(parse(&nested(10_000)), Err(JwsError::Claims));
    assert_eq!(parse(&nested(90_000)), Err(JwsError::Claims));
    let many = |n: u32| {
        let members: Vec<_> = (0..n).map(|i| format!("\"{i}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    assert_eq!(parse(&many(10_000)), Ok(()));
    assert_eq!(parse(&many(16_385)), Err(JwsError::Claims));
    assert_eq!(parse(&many(100_000)), Err(JwsError::TooLong));
    assert!(read::<Value>(Kind::Airflow3, many(512)).is_ok());
    assert_eq!(
        read::<Value>(Kind::Airflow3, many(513)).unwrap_err(),
        JwsError::Claims
    );
}

#[test]
fn a_logout_token_has_the_event_and_no_nonce() {
    let logout = |extra: Value| {
        let mut logout = claims(Kind::Logout);
        merge(&mut logout, extra);
        read::<Logout>(Kind::Logout, logout.to_string())
    };
    assert!(logout(json!({})).is_ok());
    assert!(logout(json!({"nonce": "n"})).is_err());
    assert!(logout(json!({"nonce": null})).is_err());
    assert!(logout(json!({"events": {}})).is_err());
    assert!(logout(json!({"events": {"http://example.com": {}}})).is_err());
}

#[test]
fn a_plane_assertion_names_one_plane() {
    let assertion = |iss: &str, sub: &str| {
        let mut claims = claims(Kind::PlaneAssertion);
        merge(&mut claims, json!({"iss": iss, "sub": sub}));
        read::<PlaneAssertion>(Kind::PlaneAssertion, claims.to_string())
            .unwrap()
            .plane()
    };
    let plane = format!("plane:{ID}");
    assert_eq!(assertion(&plane, &plane).unwrap().to_string(), ID);
    assert_eq!(
        assertion(&plane, "plane:01890a5d-ac96-774b-bcce-b302099a8058"),
        None
    );
    assert_eq!(assertion(ID, ID), None);
}

#[test]
fn an_airflow_token_without_a_role_says_none() {
    let json = |role: &str| {
        format!(
            r#"{{"iss":"i","aud":"a","sub":"s","email":"","name":"","role":{role},"teams":[],"iat":1,"nbf":1,"exp":2,"jti":"j"}}"#
        )
    };
    let none: Airflow3 = serde_json::from_str(&json("\"none\"")).unwrap();
    assert_eq!(none.role, None);
    assert_eq!(serde_json::to_value(&none).unwrap()["role"], "none");
    let op: Airflow3 = serde_json::from_str(&json("\"op\"")).unwrap();
    assert_eq!(op.role, Some(AirflowRole::Op));
    assert!(serde_json::from_str::<Airflow3>(&json("null")).is_err());
    assert!(serde_json::from_str::<Airflow3>(&json("\"root\"")).is_err());
}
