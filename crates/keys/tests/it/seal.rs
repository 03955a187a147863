//! Sealed cookies, the plane secret's generations, and envelopes.

use std::sync::Arc;
use std::time::Duration;

use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_keys::seal::{
    GenerationError, GenerationState, Keyring, OPENS_FOR, Purpose, SealError, Sealer,
    SiblingMessage, SiblingSealer,
};
use aeolus_keys::{Alg, Kind, SigningKey, jws};
use aeolus_model::{KeyId, Secret, Time};
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
    let sealer = Sealer::new(&Keyring::generate(&rng()), b"plane", Time::EPOCH);
    let bytes = unb64(&seal(&sealer, b"hello"));
    assert_eq!(bytes.len(), 1 + 4 + 12 + 5 + 16);
    assert_eq!(bytes[..5], [1, 0, 0, 0, 1]);
}

#[test]
fn o28_flipped_truncated_or_extended() {
    let sealer = Sealer::new(&Keyring::generate(&rng()), b"plane", Time::EPOCH);
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
    let sealer = Sealer::new(&keyring, b"plane", Time::EPOCH);
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
        &Sealer::new(&keyring, b"plan", Time::EPOCH),
        Purpose::Session,
        HOST
    ));
    assert!(!opens(
        &Sealer::new(&keyring, b"other", Time::EPOCH),
        Purpose::Session,
        HOST
    ));
    let other = Keyring::generate(&SeededRng::new("other"));
    assert!(!opens(
        &Sealer::new(&other, b"plane", Time::EPOCH),
        Purpose::Session,
        HOST
    ));
}

#[test]
fn t32_a_token_is_no_cookie_and_a_cookie_no_token() {
    let sealer = Sealer::new(&Keyring::generate(&rng()), b"plane", Time::EPOCH);
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
    let sealer = Sealer::new(&Keyring::generate(&rng()), b"plane", Time::EPOCH);
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

const NOW: Time = Time::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_hours(1);

fn states(keyring: &Keyring, now: Time) -> Vec<(u32, GenerationState)> {
    let states = keyring.at(now);
    states.map(|(g, state)| (g.id, state)).collect()
}

#[test]
fn f64_rotation_ends_no_session_until_the_longest_of_the_old_is_over() {
    use GenerationState::{Active, Announced, Retired};
    let mut keyring = Keyring::generate(&rng());
    let sealer = |keyring: &Keyring, now| Sealer::new(keyring, b"plane", now);
    let old = seal(&sealer(&keyring, NOW), b"old");
    let begins = NOW.plus(HOUR);
    let second = keyring.announce((NOW, begins), None, &SeededRng::new("second"));
    assert_eq!(second, Ok(2));
    assert_eq!(states(&keyring, NOW), [(1, Active), (2, Announced)]);

    // A replica whose clock is ahead seals what one whose clock is behind can open.
    let (behind, ahead) = (
        sealer(&keyring, begins.minus(HOUR)),
        sealer(&keyring, begins),
    );
    let new = seal(&ahead, b"new");
    assert_eq!(unb64(&new)[..5], [1, 0, 0, 0, 2]);
    let opens = |sealer: &Sealer, text: &str| {
        let opened = sealer.open(Purpose::Session, HOST, text.as_bytes());
        opened.is_some()
    };
    assert!(opens(&behind, &new) && opens(&ahead, &old));
    let retired = Retired { since: begins };
    assert_eq!(states(&keyring, begins), [(1, retired), (2, Active)]);

    let month = begins.plus(HOUR * 24 * 30);
    assert!(opens(&sealer(&keyring, month), &old));
    let over = begins.plus(OPENS_FOR);
    assert_eq!(states(&keyring, over), [(2, Active)]);
    assert!(!opens(&sealer(&keyring, over), &old) && opens(&sealer(&keyring, over), &new));
}

#[test]
fn one_generation_waits_at_a_time_and_those_that_are_over_are_dropped() {
    let mut keyring = Keyring::generate(&rng());
    let begins = NOW.plus(HOUR);
    keyring.announce((NOW, begins), None, &rng()).unwrap();
    let again = keyring.announce((NOW, begins.plus(HOUR)), None, &rng());
    assert_eq!(again, Err(GenerationError::Announced { id: 2, begins }));
    let later = begins.plus(OPENS_FOR);
    let third = keyring.announce((later, later.plus(HOUR)), None, &rng());
    assert_eq!(third, Ok(3));
    let kept = Keyring::from_json(keyring.to_json().unwrap().expose().as_bytes()).unwrap();
    assert!(kept.from_generation(2).unwrap().at(NOW).count() == 2);
    assert_eq!(kept.at(NOW).count(), 2, "the first is in the file no more");
}

#[test]
fn whatever_the_clock_says_there_is_one_active_generation() {
    let mut keyring = Keyring::generate(&rng());
    keyring.announce((NOW, NOW), None, &rng()).unwrap();
    // A clock that went back: what comes later must not begin earlier.
    let before = NOW.minus(HOUR * 1_000);
    let third = keyring.clone().announce((before, before), None, &rng());
    assert_eq!(
        third,
        Err(GenerationError::Announced { id: 2, begins: NOW })
    );
    for now in [
        Time::from_secs(i64::MIN),
        Time::EPOCH,
        before,
        NOW,
        Time::from_secs(i64::MAX),
    ] {
        let active = |(_, state): &(_, GenerationState)| *state == GenerationState::Active;
        assert_eq!(keyring.at(now).filter(active).count(), 1, "{now:?}");
    }
}

#[test]
fn a_compromised_generation_opens_nothing_at_once_and_its_number_is_not_used_again() {
    let mut keyring = Keyring::generate(&rng());
    let old = seal(&Sealer::new(&keyring, b"plane", NOW), b"old");
    assert_eq!(keyring.replace(0, None, &SeededRng::new("second")), Ok(2));
    let sealer = Sealer::new(&keyring, b"plane", Time::EPOCH);
    assert!(
        sealer
            .open(Purpose::Session, HOST, old.as_bytes())
            .is_none()
    );
    assert_eq!(states(&keyring, NOW), [(2, GenerationState::Active)]);
    assert_eq!(keyring.replace(9, None, &SeededRng::new("third")), Ok(9));
    assert_eq!(keyring.replace(u32::MAX, None, &rng()), Ok(u32::MAX));
    let none_left = keyring.replace(0, None, &rng());
    assert_eq!(none_left, Err(GenerationError::Exhausted));
}

#[test]
fn generations_below_what_the_snapshot_allows_are_none() {
    let mut keyring = Keyring::generate(&rng());
    let begins = NOW.plus(HOUR);
    keyring.announce((NOW, begins), None, &rng()).unwrap();
    // The announced one takes over at once, because there is no other.
    let left = keyring.from_generation(2).unwrap();
    assert_eq!(states(&left, NOW), [(2, GenerationState::Active)]);
    assert!(keyring.from_generation(3).is_none());
}

#[test]
fn the_rsa_key_that_signs_is_the_newest_that_has_begun() {
    let key = || Some(Arc::new(SigningKey::generate(Alg::Rs256, &rng()).unwrap()));
    let kid = |key: &Arc<SigningKey>| key.public().kid();
    let active = |keyring: &Keyring, now| keyring.active_rsa(now).map(kid);
    let mut keyring = Keyring::generate(&rng());
    assert_eq!(active(&keyring, NOW), None);
    let (second, begins) = (key(), NOW.plus(HOUR));
    keyring
        .announce((NOW, begins), second.clone(), &rng())
        .unwrap();
    // A plane that had none uses its first one at once.
    assert_eq!(active(&keyring, NOW), second.as_ref().map(kid));
    let (third, later) = (key(), begins.plus(HOUR));
    keyring
        .announce((begins, later), third.clone(), &rng())
        .unwrap();
    assert_eq!(active(&keyring, begins), second.as_ref().map(kid));
    assert_eq!(active(&keyring, later), third.as_ref().map(kid));
    let file = keyring.to_json().unwrap();
    let again = Keyring::from_json(file.expose().as_bytes()).unwrap();
    assert_eq!(active(&again, later), third.as_ref().map(kid));
}

#[test]
fn a_keyring_survives_its_file_and_a_damaged_file_is_refused() {
    let mut keyring = Keyring::generate(&rng());
    let rsa = Arc::new(SigningKey::generate(Alg::Rs256, &rng()).unwrap());
    let begins = (Time::EPOCH, Time::from_secs(7));
    keyring
        .announce(begins, Some(rsa), &SeededRng::new("second"))
        .unwrap();
    let file = keyring.to_json().unwrap();
    let again = Keyring::from_json(file.expose().as_bytes()).unwrap();
    assert_eq!(*again.to_json().unwrap().expose(), *file.expose());
    let text = seal(&Sealer::new(&keyring, b"p", NOW), b"x");
    let opened = Sealer::new(&again, b"p", NOW).open(Purpose::Session, HOST, text.as_bytes());
    assert!(opened.is_some());
    assert!(!format!("{keyring:?}").contains("secret: [") && format!("{keyring:?}").contains('…'));

    let good = file.expose();
    let ed25519 = b64(ed25519("no rsa").to_pkcs8().unwrap().expose());
    for bad in [
        good.replace("\"version\":2", "\"version\":3"),
        good.replace("\"version\":2", "\"version\":1"),
        good.replace("\"id\":2", "\"id\":1"),
        good.replace("\"id\":1", "\"id\":3"),
        good.replace("\"id\":1", "\"id\":-1"),
        good.replace("\"begins\":0", "\"begins\":8"),
        good.replace("\"begins\":0", "\"begins\":-1"),
        good.replace("\"begins\":0", "\"begins\":0,\"state\":\"active\""),
        good.replace("\"secret\":\"", "\"secret\":\"A"),
        good.replace("\"secret\"", "\"unknown\":1,\"secret\""),
        good.replace("\"rsa\":\"", "\"rsa\":\"A"),
        good.replace(
            "\"begins\":0,",
            &format!("\"begins\":0,\"rsa\":\"{ed25519}\","),
        ),
        good[..good.len() / 2].to_owned(),
        r#"{"version":2,"generations":[]}"#.to_owned(),
        String::new(),
    ] {
        let read = Keyring::from_json(bad.as_bytes());
        assert_eq!(read.unwrap_err(), GenerationError::Malformed, "{bad}");
    }
}

#[test]
fn the_file_of_before_is_read_with_its_one_generation() {
    let secret = b64([7; 32]);
    let file = |generations: &str| format!(r#"{{"version":1,"generations":[{generations}]}}"#);
    let one = |id, state| format!(r#"{{"id":{id},"state":"{state}","secret":"{secret}"}}"#);
    let read = Keyring::from_json(file(&one(1, "active")).as_bytes()).unwrap();
    assert_eq!(*read.active(NOW).secret.expose(), [7; 32]);
    assert_eq!(states(&read, NOW), [(1, GenerationState::Active)]);
    for bad in [
        one(1, "announced"),
        [one(1, "retired"), one(2, "active")].join(","),
        String::new(),
    ] {
        assert!(Keyring::from_json(file(&bad).as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_fingerprint_tells_generations_apart_and_says_nothing_of_them() {
    let [one, other] = ["one", "other"].map(|name| Keyring::generate(&SeededRng::new(name)));
    let fingerprint = |keyring: &Keyring| keyring.active(NOW).fingerprint();
    assert_eq!(fingerprint(&one), fingerprint(&one.clone()));
    assert_ne!(fingerprint(&one), fingerprint(&other));
    assert_eq!(fingerprint(&one).len(), 16);
    let secret = one
        .active(NOW)
        .secret
        .expose()
        .map(|byte| format!("{byte:02x}"));
    assert!(!secret.concat().contains(&fingerprint(&one)));
}

#[test]
fn each_use_of_a_generation_has_its_own_key() {
    let keyring = Keyring::generate(&rng());
    let derive = |label, info: &[u8]| *keyring.active(NOW).derive(label, info).expose();
    let one = derive("airflow", b"a");
    assert_eq!(one, derive("airflow", b"a"));
    assert_ne!(one, derive("airflow", b"b"));
    assert_ne!(one, derive("cookie", b"a"));
    assert_ne!(one, *keyring.active(NOW).secret.expose());
}

#[test]
fn each_use_and_generation_has_a_p256_key_of_its_own() {
    let mut keyring = Keyring::generate(&rng());
    let kid = |keyring: &Keyring, label, info: &[u8]| {
        let key = keyring.active(NOW).derive_p256(label, info).unwrap();
        key.public().kid()
    };
    let one = kid(&keyring, "client", b"a");
    let replica = Keyring::from_json(keyring.to_json().unwrap().expose().as_bytes()).unwrap();
    assert_eq!(one, kid(&replica, "client", b"a"));
    assert_ne!(one, kid(&keyring, "client", b"b"));
    assert_ne!(one, kid(&keyring, "other", b"a"));
    let next = SeededRng::new("next");
    keyring.announce((NOW, NOW), None, &next).unwrap();
    assert_ne!(one, kid(&keyring, "client", b"a"));
}

#[test]
fn rfc5869_derivation_is_hkdf_sha256() {
    // Test case 1 of appendix A has a 22-byte secret and a 42-byte output; this one was computed
    // from the definition: T(1) = HMAC(HMAC(salt, secret), info ‖ 1).
    let keyring = Keyring::generate(&rng());
    let generation = keyring.active(NOW);
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

#[test]
fn siblings_understand_each_other_and_nobody_else() {
    let keyring = Keyring::generate(&rng());
    let sealer = |plane: &[u8], keyring: &Keyring| SiblingSealer::new(keyring, plane, Time::EPOCH);
    let (one, two) = (sealer(b"plane", &keyring), sealer(b"plane", &keyring));
    let question = one.seal(SiblingMessage::Question, b"?", &rng()).unwrap();
    let opened = two
        .open(SiblingMessage::Question, question.clone())
        .unwrap();
    assert_eq!(opened.expose(), b"?");
    let answer = SiblingMessage::AnswerTo(&question);
    let sealed = two.seal(answer, b"all of it", &rng()).unwrap();
    assert_eq!(
        one.open(answer, sealed.clone()).unwrap().expose(),
        b"all of it"
    );

    let other = Keyring::generate(&SeededRng::new("other"));
    for stranger in [sealer(b"plan", &keyring), sealer(b"plane", &other)] {
        assert!(stranger.open(answer, sealed.clone()).is_none());
    }
    for elsewhere in [
        SiblingMessage::Question,
        SiblingMessage::AnswerTo(b"another question"),
    ] {
        assert!(
            one.open(elsewhere, sealed.clone()).is_none(),
            "{elsewhere:?}"
        );
    }
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(one.open(answer, flipped).is_none(), "bit {bit}");
    }
    for len in 0..sealed.len() {
        assert!(one.open(answer, sealed[..len].to_vec()).is_none());
    }
}

#[test]
fn a_retired_generation_opens_nothing_between_siblings() {
    let mut keyring = Keyring::generate(&rng());
    let before = SiblingSealer::new(&keyring, b"plane", Time::EPOCH);
    let takes_over = Time::EPOCH.plus(Duration::from_secs(3600));
    keyring
        .announce((Time::EPOCH, takes_over), None, &SeededRng::new("next"))
        .unwrap();
    let question = before.seal(SiblingMessage::Question, b"?", &rng()).unwrap();
    let at = |now| SiblingSealer::new(&keyring, b"plane", now);
    let asked = |sealer: &SiblingSealer| sealer.open(SiblingMessage::Question, question.clone());
    assert!(asked(&at(Time::EPOCH)).is_some());
    assert!(asked(&at(takes_over)).is_none());
    // Between the two moments the one that was announced is understood already.
    let early = at(takes_over)
        .seal(SiblingMessage::Question, b"?", &rng())
        .unwrap();
    assert!(
        at(Time::EPOCH)
            .open(SiblingMessage::Question, early)
            .is_some()
    );
}
