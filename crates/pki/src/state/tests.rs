use super::*;
use crate::{KeyKind, Profile, San};

fn serial(text: &str) -> Serial {
    text.parse().unwrap()
}

fn record(serial: &str, lies: fn(Files) -> Lies) -> Record {
    Record {
        serial: self::serial(serial),
        names: vec![San::parse("a.example.com").unwrap()],
        profile: Profile::Server,
        root: Fingerprint::of(b"root"),
        issuer: Fingerprint::of(b"aa"),
        not_before: Time::from_secs(0),
        not_after: Time::from_secs(1),
        life: Life::LEAF,
        lies: lies(Files {
            stem: "/tls".to_owned(),
            key: KeyKind::P256,
            encrypted: false,
        }),
        revoked: None,
    }
}

#[test]
fn what_lies_in_the_files_decides() {
    let mut state = State {
        issued: vec![record("01", Lies::Superseded), record("02", Lies::Files)],
        ..State::default()
    };
    assert_eq!(state.at("/tls").unwrap().0.serial, serial("02"));
    assert_eq!(state.settle("/tls", &serial("03")), None);
    assert_eq!(state.settle("/other", &serial("01")), None);
    assert_eq!(
        state.settle("/tls", &serial("01")).unwrap().0.serial,
        serial("01")
    );
    assert_eq!(state.issued, [record("01", Lies::Files)]);
}

#[test]
fn what_is_written_is_read_again() {
    let mut one = record("01", Lies::Superseded);
    one.revoked = Some(Revocation {
        at: Time::from_secs(1),
        reason: Reason::KeyCompromise,
    });
    let mut other = record("02", Lies::Files);
    other.lies = Lies::Request;
    let state = State {
        issued: vec![one, other],
        permitted: Subtrees::parse(&["10.0.0.0/8".to_owned()]).unwrap(),
        ..State::default()
    };
    let json = state.json();
    let text = String::from_utf8(json.clone()).unwrap();
    assert!(text.contains(r#""superseded": {"#) && text.contains("key-compromise"));
    assert_eq!(State::parse(&json), Ok(state));
    for (from, to) in [
        (r#""request""#, r#""nowhere""#),
        (r#""days": 90"#, r#""days": 0"#),
        (r#""serial": "01""#, r#""serial": "01", "stem": "/tls""#),
        (r#""serial": "01""#, r#""serial": "zz""#),
        (r#""a.example.com""#, r#""a example.com""#),
        (r#""permitted": ["#, r#""permitted": ["not a name","#),
        (r#""issuer": ""#, r#""issuer": "0"#),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text);
        assert!(State::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn an_intermediate_is_kept_until_its_last_certificate_has_ended() {
    let former = |issuer: &str| Former {
        number: Number::free(&[]),
        issuer: Fingerprint::of(issuer.as_bytes()),
    };
    let state = State {
        issued: vec![record("01", Lies::Superseded)],
        former: vec![former("aa"), former("bb")],
        ..State::default()
    };
    let ended = |secs| state.ended(Time::from_secs(secs));
    assert_eq!(ended(1), [former("bb")]);
    assert_eq!(ended(2), [former("aa"), former("bb")]);
}

#[test]
fn only_the_end_of_a_rotation_can_not_be_gone_back_from() {
    let mut at = Rotation::Standby;
    for back in [
        Some(Rotation::Standby),
        Some(Rotation::Init),
        Some(Rotation::UpdateClients),
        None,
    ] {
        at = at.next();
        assert_eq!(at.back(), back);
    }
    assert_eq!((at, at.next()), (Rotation::Retiring, Rotation::Standby));
}

#[test]
fn a_certificate_is_revoked_once_and_one_of_a_stranger_never() {
    let mut state = State {
        issued: vec![record("01", Lies::Files)],
        ..State::default()
    };
    let mut revoke =
        |serial: &str, reason| state.revoke(&self::serial(serial), reason, Time::from_secs(1));
    let unknown = revoke("02", Reason::Superseded);
    assert_eq!(unknown, Err(RevokeError::Unknown));
    assert_eq!(revoke("01", Reason::KeyCompromise), Ok(()));
    let before = Revocation {
        at: Time::from_secs(1),
        reason: Reason::KeyCompromise,
    };
    let again = revoke("01", Reason::Superseded);
    assert_eq!(again, Err(RevokeError::Already(before)));
}
