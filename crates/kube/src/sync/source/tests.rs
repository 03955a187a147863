use aeolus_model::Secret;
use aeolus_pki::KeyKind;
use aeolus_testkit::SeededRng;

use super::*;
use crate::object::Meta;
use crate::sync::keys::*;
use crate::sync::tls::TlsProblem;

const NOW: Time = Time::from_secs(1_800_000_000);

fn secret(kind: &str, data: &[(&str, &str)], annotations: &[(&str, &str)]) -> SecretObject {
    let pairs = annotations.iter();
    SecretObject {
        meta: Meta {
            place: Place::new("astronomer", "s"),
            uid: "u1".to_owned(),
            annotations: pairs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..Meta::default()
        },
        kind: kind.to_owned(),
        data: data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::new(value.as_bytes().to_vec())))
            .collect(),
        is_immutable: false,
    }
}

fn read(secret: &SecretObject, mode: Mode) -> Result<Source, Refused> {
    let rules = Rules {
        release: Some("astro".to_owned()),
        mode,
        ..Rules::default()
    };
    Source::read(secret, &rules, NOW).expect("a source")
}

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";

#[test]
fn private_keys_stay_unless_the_source_lets_them_go() {
    for (data, annotations, mode, fine) in [
        (("a", PEM), &[(SYNC, "*")][..], Mode::Compat, false),
        (("a", "b"), &[(SYNC, "*")], Mode::Strict, true),
        (
            ("a", PEM),
            &[(SYNC, "*"), (PRIVATE_KEY, "true")],
            Mode::Strict,
            true,
        ),
        (("a", PEM), &[(VENDOR_SYNC, "")], Mode::Compat, true),
        (("a", PEM), &[(VENDOR_SYNC, "")], Mode::Strict, false),
        // The key's name is enough.
        (("tls.key", "?"), &[(SYNC, "*")], Mode::Compat, false),
    ] {
        let read = read(&secret("Opaque", &[data], annotations), mode);
        assert_eq!(read.is_ok(), fine, "{annotations:?} {mode:?}");
        if let Err(refused) = read {
            assert_eq!(refused, Refused::PrivateKey(data.0.to_owned()));
        }
    }
    let both = secret(
        "Opaque",
        &[("a", PEM), ("b", "c")],
        &[(SYNC, "*"), (KEYS, "b")],
    );
    let source = read(&both, Mode::Strict).expect("the key doesn't go");
    assert_eq!(source.data.keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn compat_warns_of_private_keys() {
    let read = read(
        &secret("Opaque", &[("a", PEM)], &[(VENDOR_SYNC, "")]),
        Mode::Compat,
    );
    assert_eq!(
        read.expect("copied").wish.warnings,
        [Warning::PrivateKey("a".to_owned())]
    );
}

#[test]
fn what_belongs_to_one_namespace_stays() {
    for kind in BOUND {
        let refused = read(&secret(kind, &[], &[(SYNC, "*")]), Mode::Compat).expect_err(kind);
        assert_eq!(refused, Refused::Kind(kind.to_owned()));
    }
}

#[test]
fn copies_are_no_sources_whoever_made_them() {
    for mark in ["aeolus/source", "reflector.v1.k8s.emberstack.com/reflects"] {
        let copy = secret("Opaque", &[], &[(SYNC, "*"), (mark, "a/b")]);
        assert_eq!(read(&copy, Mode::Compat).expect_err(mark), Refused::IsCopy);
    }
    let mut copy = secret("Opaque", &[], &[(SYNC, "*")]);
    copy.meta
        .labels
        .insert("kubed.appscode.com/origin.name".to_owned(), "x".to_owned());
    assert_eq!(
        read(&copy, Mode::Compat).expect_err("a copy"),
        Refused::IsCopy
    );
}

#[test]
fn a_key_that_is_asked_for_has_to_be_there() {
    let asked = secret("Opaque", &[("a", "1")], &[(SYNC, "*"), (KEYS, "b")]);
    assert_eq!(
        read(&asked, Mode::Compat).expect_err("absent"),
        Refused::NoKey("b".to_owned())
    );
}

#[test]
fn certificates_are_judged_before_they_are_spread() {
    let rng = SeededRng::new("kube tls");
    let (certificate, key) = pair(&rng);
    let other = aeolus_pki::PrivateKey::generate(KeyKind::P256)
        .expect("a key")
        .pem();
    let leaf = &aeolus_pki::read(certificate.as_bytes(), None)
        .expect("PEM")
        .certificates[0];
    let (from, until) = (leaf.not_before, leaf.not_after);
    let good = [("tls.crt", certificate.as_str()), ("tls.key", key.as_str())];
    let judged = |data: &[(&str, &str)], now: Time, more: &[(&str, &str)]| {
        let mut annotations = vec![(SYNC, "*"), (PRIVATE_KEY, "true")];
        annotations.extend(more);
        let rules = Rules::default();
        Source::read(&secret(TLS, data, &annotations), &rules, now).expect("a source")
    };
    let second = std::time::Duration::from_secs(1);
    assert_eq!(
        judged(&good, until, &[])
            .expect("good")
            .pair
            .map(|pair| pair.not_after),
        Some(until)
    );
    assert_eq!(
        judged(&good, until.plus(second), &[]).expect_err("late"),
        Refused::Tls(TlsProblem::Expired(until))
    );
    assert_eq!(
        judged(&good, from.minus(second), &[]).expect_err("early"),
        Refused::Tls(TlsProblem::NotYet(from))
    );
    let mixed = [good[0], ("tls.key", other.expose().as_str())];
    assert_eq!(
        judged(&mixed, until, &[]).expect_err("mixed"),
        Refused::Tls(TlsProblem::Mismatch)
    );
    assert!(judged(&mixed, until, &[(INVALID, "true")]).is_ok());
    let broken = [("tls.crt", "x"), good[1]];
    assert_eq!(
        judged(&broken, until, &[]).expect_err("broken").code(),
        "KUBE-208"
    );
    // Without its key it can't have the type.
    let public = judged(&good, until, &[(KEYS, "tls.crt")]).expect("public");
    assert_eq!(public.kind, "Opaque");
}

/// An authority's own pair will do.
fn pair(rng: &SeededRng) -> (String, String) {
    let key = aeolus_pki::PrivateKey::generate(KeyKind::P256).expect("a key");
    let pem = key.pem().expose().clone();
    let authority = aeolus_pki::Authority::root("Test", key, aeolus_pki::Life::ROOT, (NOW, rng))
        .expect("a root");
    (aeolus_pki::certificates_pem([authority.trusted()]), pem)
}
