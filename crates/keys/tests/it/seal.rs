//! Sealed cookies, the plane secret's generations, and envelopes.

use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_keys::seal::{GenerationError, GenerationState, Keyring, Purpose, SealError, Sealer};
use aeolus_keys::{Kind, jws};
use aeolus_model::{KeyId, Secret};
use aeolus_testkit::SeededRng;

use crate::support::{b64, claims, ed25519, unb64};

const HOST: &str = "etl.example.com";

fn rng() -> SeededRng {
    SeededRng::new("seal")
}

fn seal(sealer: &Sealer, plain: &[u8]) -> String {
    sealer.seal(Purpose::Session, HOST, plain, &rng()).unwrap()
}

#[test]
fn the_layout_is_as_documented() {
    let sealer = Sealer::new(&Keyring::generate(&rng()), b"plane");
    let bytes = unb64(&seal(&sealer, b"hello"));
    assert_eq!(bytes.len(), 1 + 4 + 12 + 5 + 16);
    assert_eq!(bytes[..5], [1, 0, 0, 0, 1]);
}

#[test]
fn o28_flipped_truncated_or_extended() {
    let sealer = Sealer::new(&Keyring::generate(&rng()), b"plane");
    let text = seal(&sealer, b"who");
    let bytes = unb64(&text);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = sealer.open(Purpose::Session, HOST, b64(flipped).as_bytes());
        assert!(opened.is_none(), "bit {bit}");
    }
    for len in 0..text.len() {
        assert!(
            sealer
                .open(Purpose::Session, HOST, &text.as_bytes()[..len])
                .is_none()
        );
    }
    for longer in [
        format!("{text}A"),
        format!("{text}AAAA"),
        format!("{text}="),
        format!(" {text}"),
    ] {
        assert!(
            sealer
                .open(Purpose::Session, HOST, longer.as_bytes())
                .is_none()
        );
    }
    let huge = "A".repeat(5_000);
    assert!(
        sealer
            .open(Purpose::Session, HOST, huge.as_bytes())
            .is_none()
    );
}

#[test]
fn o28_of_another_host_purpose_plane_or_secret() {
    let keyring = Keyring::generate(&rng());
    let sealer = Sealer::new(&keyring, b"plane");
    let text = seal(&sealer, b"who");
    let opens =
        |sealer: &Sealer, purpose, host| sealer.open(purpose, host, text.as_bytes()).is_some();
    assert!(opens(&sealer, Purpose::Session, HOST));
    for host in [
        "",
        "ETL.example.com",
        "etl.example.com.",
        "other.example.com",
        "etl.example.co",
    ] {
        assert!(!opens(&sealer, Purpose::Session, host), "{host}");
    }
    for purpose in Purpose::ALL {
        assert_eq!(opens(&sealer, purpose, HOST), purpose == Purpose::Session);
    }
    assert!(!opens(
        &Sealer::new(&keyring, b"plan"),
        Purpose::Session,
        HOST
    ));
    assert!(!opens(
        &Sealer::new(&keyring, b"other"),
        Purpose::Session,
        HOST
    ));
    let other = Keyring::generate(&SeededRng::new("other"));
    assert!(!opens(
        &Sealer::new(&other, b"plane"),
        Purpose::Session,
        HOST
    ));
}

#[test]
fn t32_a_token_is_no_cookie_and_a_cookie_no_token() {
    let sealer = Sealer::new(&Keyring::generate(&rng()), b"plane");
    let token = ed25519("t32")
        .sign(Kind::Access, &claims(Kind::Access))
        .unwrap();
    assert!(
        sealer
            .open(Purpose::Session, HOST, token.as_bytes())
            .is_none()
    );
    let cookie = sealer
        .seal(Purpose::Session, HOST, token.as_bytes(), &rng())
        .unwrap();
    assert!(jws::parse(cookie.as_bytes()).is_err());
    assert!(jws::parse_foreign(cookie.as_bytes()).is_err());
}

#[test]
fn what_would_not_fit_a_cookie_is_not_sealed() {
    let sealer = Sealer::new(&Keyring::generate(&rng()), b"plane");
    let most = vec![7; 4096 / 4 * 3 - 33];
    let text = seal(&sealer, &most);
    assert_eq!(text.len(), 4096);
    let opened = sealer
        .open(Purpose::Session, HOST, text.as_bytes())
        .unwrap();
    assert_eq!(*opened.expose(), most);
    let more = sealer.seal(Purpose::Session, HOST, &vec![7; most.len() + 1], &rng());
    assert_eq!(more, Err(SealError::TooLong));
    let host = "h".repeat(256);
    let long = sealer.seal(Purpose::Session, &host, b"", &rng());
    assert_eq!(long, Err(SealError::TooLong));
    let host = "h".repeat(253);
    let text = sealer
        .seal(Purpose::ParentCookie, &host, b"", &rng())
        .unwrap();
    assert!(
        sealer
            .open(Purpose::ParentCookie, &host, text.as_bytes())
            .is_some()
    );
}

#[test]
fn f64_rotation_ends_no_session_until_the_old_generation_goes() {
    let mut keyring = Keyring::generate(&rng());
    let old = seal(&Sealer::new(&keyring, b"plane"), b"old");
    let second = keyring.announce(&SeededRng::new("second")).unwrap();
    assert_eq!((second, keyring.active().id), (2, 1));
    assert_eq!(keyring.get(2).unwrap().state, GenerationState::Announced);

    // A replica that activated first seals what one that has only heard of it can open.
    let behind = Sealer::new(&keyring, b"plane");
    keyring.activate(second).unwrap();
    let ahead = Sealer::new(&keyring, b"plane");
    let new = seal(&ahead, b"new");
    let opens = |sealer: &Sealer, text: &str| {
        sealer
            .open(Purpose::Session, HOST, text.as_bytes())
            .is_some()
    };
    assert!(opens(&behind, &new) && opens(&ahead, &old));
    assert_eq!(keyring.get(1).unwrap().state, GenerationState::Retired);

    assert_eq!(keyring.activate(1), Err(GenerationError::NoSuch));
    assert_eq!(keyring.activate(9), Err(GenerationError::NoSuch));
    assert_eq!(keyring.retire(2), Err(GenerationError::Active));
    assert_eq!(keyring.retire(9), Err(GenerationError::NoSuch));
    assert_eq!(keyring.retire_below(3), Err(GenerationError::Active));
    keyring.retire_below(2).unwrap();
    let after = Sealer::new(&keyring, b"plane");
    assert!(!opens(&after, &old) && opens(&after, &new));
    // Numbers are not used again.
    assert_eq!(keyring.announce(&rng()).unwrap(), 3);
}

#[test]
fn a_keyring_survives_its_file_and_a_damaged_file_is_refused() {
    let mut keyring = Keyring::generate(&rng());
    keyring.announce(&SeededRng::new("second")).unwrap();
    let file = keyring.to_json();
    let again = Keyring::from_json(file.expose().as_bytes()).unwrap();
    assert_eq!(*again.to_json().expose(), *file.expose());
    let text = seal(&Sealer::new(&keyring, b"p"), b"x");
    let opened = Sealer::new(&again, b"p").open(Purpose::Session, HOST, text.as_bytes());
    assert!(opened.is_some());
    assert!(!format!("{keyring:?}").contains("secret: [") && format!("{keyring:?}").contains('…'));

    let good = file.expose();
    for bad in [
        good.replace("\"version\":1", "\"version\":2"),
        good.replace("active", "announced"),
        good.replace("announced", "active"),
        good.replace("\"id\":2", "\"id\":1"),
        good.replace("\"id\":1", "\"id\":3"),
        good.replace("\"id\":1", "\"id\":-1"),
        good.replace("\"secret\":\"", "\"secret\":\"A"),
        good.replace("\"secret\"", "\"unknown\":1,\"secret\""),
        good[..good.len() / 2].to_owned(),
        r#"{"version":1,"generations":[]}"#.to_owned(),
        String::new(),
    ] {
        let read = Keyring::from_json(bad.as_bytes());
        assert_eq!(read.unwrap_err(), GenerationError::Malformed, "{bad}");
    }
}

#[test]
fn each_use_of_a_generation_has_its_own_key() {
    let keyring = Keyring::generate(&rng());
    let derive = |label, info: &[u8]| *keyring.active().derive(label, info).expose();
    let one = derive("airflow", b"a");
    assert_eq!(one, derive("airflow", b"a"));
    assert_ne!(one, derive("airflow", b"b"));
    assert_ne!(one, derive("cookie", b"a"));
    assert_ne!(one, *keyring.active().secret.expose());
}

#[test]
fn rfc5869_derivation_is_hkdf_sha256() {
    // Test case 1 of appendix A has a 22-byte secret and a 42-byte output; this one was computed
    // from the definition: T(1) = HMAC(HMAC(salt, secret), info ‖ 1).
    let keyring = Keyring::generate(&rng());
    let generation = keyring.active();
    let hmac = |key: &[u8], data: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        aws_lc_rs::hmac::sign(&key, data).as_ref().to_vec()
    };
    let prk = hmac(b"label", generation.secret.expose());
    let expected = hmac(&prk, b"info\x01");
    assert_eq!(generation.derive("label", b"info").expose()[..], expected);
}

#[test]
fn an_envelope_opens_for_its_record_under_its_master_key_only() {
    let id = |byte| KeyId::from_bytes([byte; 16]);
    let master = MasterKey::new(&Secret::new([1; 32])).unwrap();
    let sealed = master
        .seal(id(1), Kind::Access, b"private", &rng())
        .unwrap();
    let opened = master.open(id(1), Kind::Access, &sealed).unwrap();
    assert_eq!(opened.expose(), b"private");

    let refused = |id, kind, sealed: &[u8]| master.open(id, kind, sealed).unwrap_err();
    assert_eq!(
        refused(id(2), Kind::Access, &sealed),
        EnvelopeError::Tampered
    );
    assert_eq!(refused(id(1), Kind::Api, &sealed), EnvelopeError::Tampered);
    let mut changed = sealed.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(
        refused(id(1), Kind::Access, &changed),
        EnvelopeError::Tampered
    );
    assert_eq!(
        refused(id(1), Kind::Access, &sealed[..10]),
        EnvelopeError::Tampered
    );
    assert_eq!(
        refused(id(1), Kind::Access, &sealed[..4]),
        EnvelopeError::Malformed
    );
    changed[0] = 9;
    assert_eq!(
        refused(id(1), Kind::Access, &changed),
        EnvelopeError::Malformed
    );

    let other = MasterKey::new(&MasterKey::generate(&rng())).unwrap();
    let other = other.open(id(1), Kind::Access, &sealed).unwrap_err();
    assert_eq!(other, EnvelopeError::OtherMaster);
}
