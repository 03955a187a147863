use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::sync::keys::*;

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn namespace(name: &str, labels: &[(&str, &str)]) -> Namespace {
    Namespace {
        name: name.to_owned(),
        uid: "u".to_owned(),
        labels: annotations(labels),
        is_ending: false,
    }
}

fn rules() -> Rules {
    Rules {
        release: Some("astro".to_owned()),
        ..Rules::default()
    }
}

fn read(pairs: &[(&str, &str)], rules: &Rules) -> Result<Wish, Refused> {
    Wish::read(&annotations(pairs), rules).expect("a source")
}

#[test]
fn without_an_annotation_it_is_no_source() {
    assert!(Wish::read(&annotations(&[(KEYS, "a"), (RESTART, "x")]), &rules()).is_none());
}

#[test]
fn who_gets_it() {
    let astro = namespace("astro-etl", &[("platform-release", "astro")]);
    let other = namespace("shop", &[("platform-release", "other")]);
    let system = namespace("kube-system", &[]);
    for (pairs, wanted) in [
        (&[(SYNC, "")][..], [true, false, false]),
        (&[(SYNC, "*")], [true, true, false]),
        (&[(SYNC, "platform-release=other")], [false, true, false]),
        (&[(SYNC, "!platform-release")], [false, false, true]),
        (&[(NAMESPACES, "astro-*")], [true, false, false]),
        (&[(NAMESPACES, "*")], [true, true, false]),
        (&[(NAMESPACES, "shop"), (SYNC, "")], [false, true, false]),
        (
            &[(NAMESPACES, "shop"), (SYNC, "platform-release=astro")],
            [false, false, false],
        ),
        (&[(SYNC, "*"), (EXCLUDE, "astro-*")], [false, true, false]),
        (&[(VENDOR_SYNC, "")], [true, false, false]),
        (&[(VENDOR_SYNC, "platform=astro")], [true, false, false]),
        (
            &[(VENDOR_SYNC, "platform-release=other")],
            [true, false, false],
        ),
        (
            &[(VENDOR_SYNC, "platform-release in (other)")],
            [true, false, false],
        ),
        (
            &[(VENDOR_SYNC, "platform-release notin (astro)")],
            [false, true, true],
        ),
        // Ours wins.
        (
            &[(VENDOR_SYNC, ""), (SYNC, "platform-release=other")],
            [false, true, false],
        ),
    ] {
        let wish = read(pairs, &rules()).expect("a wish");
        let got = [&astro, &other, &system].map(|namespace| wish.whom.takes(namespace));
        assert_eq!(got, wanted, "{pairs:?}");
    }
}

#[test]
fn another_release_is_warned_of_or_refused() {
    let pairs = [(VENDOR_SYNC, "platform-release=other")];
    let wish = read(&pairs, &rules()).expect("a wish");
    assert_eq!(wish.warnings, [Warning::OtherRelease("other".to_owned())]);
    let strict = Rules {
        mode: Mode::Strict,
        ..rules()
    };
    assert_eq!(
        read(&pairs, &strict),
        Err(Refused::OtherRelease("other".to_owned()))
    );
    let nameless = Rules::default();
    let wish = read(&pairs, &nameless).expect("a wish");
    assert!(
        wish.whom
            .takes(&namespace("a", &[("platform-release", "other")]))
    );
    assert_eq!(
        read(&[(VENDOR_SYNC, "")], &nameless),
        Err(Refused::NoDefault)
    );
    assert_eq!(read(&[(SYNC, "")], &nameless), Err(Refused::NoDefault));
}

#[test]
fn what_else_is_asked_for() {
    let wish = read(
        &[
            (SYNC, "*"),
            (KEYS, " tls.crt , ca.crt"),
            (PRIVATE_KEY, "true"),
            (NAME, "other"),
            (ON_CONFLICT, "adopt"),
            (ON_DELETE, "retain"),
            (RESTART, "deployment/web, statefulset/db"),
        ],
        &rules(),
    )
    .expect("a wish");
    assert_eq!(
        wish.keys,
        Some(["ca.crt", "tls.crt"].map(str::to_owned).into())
    );
    assert!(wish.private_key && !wish.invalid);
    assert_eq!(wish.name.as_ref().map(Name::as_str), Some("other"));
    assert_eq!(
        (wish.on_conflict, wish.on_delete),
        (OnConflict::Adopt, OnDelete::Retain)
    );
    assert_eq!(wish.restart.len(), 2);
}

#[test]
fn what_cannot_be_read_is_refused_by_its_name() {
    for (key, value) in [
        (SYNC, "a=b=c"),
        (NAMESPACES, "a,,b"),
        (EXCLUDE, ""),
        (KEYS, "a,"),
        (PRIVATE_KEY, "yes"),
        (NAME, "A"),
        (ON_CONFLICT, "overwrite"),
        (ON_DELETE, "keep"),
        (RESTART, "pod/x"),
    ] {
        let pairs = [(SYNC, "*"), (key, value)];
        let refused = read(&pairs, &rules()).expect_err(key);
        assert!(
            matches!(&refused, Refused::Annotation { key: named, .. } if *named == key),
            "{key}: {refused}"
        );
        assert_eq!(refused.code(), "KUBE-201");
    }
}

proptest! {
    #[test]
    fn annotations_never_panic(
        values in proptest::collection::vec("\\PC{0,30}", 11),
        given in proptest::collection::vec(any::<bool>(), 11),
    ) {
        let names = [SYNC, NAMESPACES, EXCLUDE, KEYS, PRIVATE_KEY, NAME, ON_CONFLICT, ON_DELETE, RESTART, INVALID, VENDOR_SYNC];
        let pairs = names.iter().zip(values).zip(given).filter(|(_, given)| *given);
        let all: BTreeMap<String, String> = pairs.map(|((name, value), _)| ((*name).to_owned(), value)).collect();
        if let Some(Ok(wish)) = Wish::read(&all, &rules()) {
            wish.whom.takes(&namespace("a", &[]));
        }
    }
}
