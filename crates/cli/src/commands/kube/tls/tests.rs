use std::collections::BTreeSet;

use aeolus_pki::Profile;
use aeolus_pki::check::Role;

use super::super::tls_fixture::{NOW, authority, pair, place, seen, stored, wanted};
use super::*;

fn served() -> Subject<'static> {
    Subject {
        role: Role::Served,
        ..Subject::default()
    }
}

fn codes(failure: &Failure) -> Vec<&str> {
    failure.reports.iter().map(Report::code).collect()
}

#[test]
fn k2_a_pair_that_would_not_serve_is_refused() {
    let root = authority();
    let mut wanted = wanted(pair(&root, "*.example.com", Profile::Server));
    let warnings = wanted.judge(&served(), NOW).unwrap();
    let codes_of = |all: &[Finding]| all.iter().map(|one| one.rule.code).collect::<Vec<_>>();
    // Row K14: the platform's certificate, and its key is not RSA.
    assert_eq!(codes_of(&warnings), ["PKI-129"]);
    let late = NOW.plus(std::time::Duration::from_secs(91 * 86_400));
    assert_eq!(
        codes(&wanted.judge(&served(), late).unwrap_err()),
        ["PKI-106"]
    );
    let rsa = Subject {
        rsa_only: true,
        ..served()
    };
    assert_eq!(codes(&wanted.judge(&rsa, NOW).unwrap_err()), ["PKI-117"]);
    wanted.pair.key = pair(&root, "a.example.com", Profile::Server).key;
    let refused = wanted.judge(&served(), NOW).unwrap_err();
    assert_eq!(codes(&refused), ["PKI-110"]);
    assert!(refused.render().contains("Nothing was changed"));
    let client = super::super::tls_fixture::wanted(pair(&root, "a.example.com", Profile::Client));
    assert_eq!(
        codes(&client.judge(&served(), NOW).unwrap_err()),
        ["PKI-116"]
    );
}

#[test]
fn the_same_pair_in_another_writing_is_no_change() {
    let root = authority();
    let mut wanted = wanted(pair(&root, "a.example.com", Profile::Server));
    let there = stored(&wanted.pair.chain, &wanted.pair.key);
    assert!(matches!(
        wanted.step(Some(&seen(there.clone()))),
        Step::Keep
    ));
    let mut immutable = there.clone();
    immutable.is_immutable = true;
    assert!(matches!(
        wanted.step(Some(&seen(immutable.clone()))),
        Step::Keep
    ));
    // A mark is a change, and the data stays as it was written: whoever owns it sees none.
    wanted
        .annotations
        .insert("aeolus/sync".to_owned(), Some("*".to_owned()));
    let Step::Apply(secret) = wanted.step(Some(&seen(there.clone()))) else {
        panic!("it is annotated");
    };
    assert_eq!(secret.data[CHAIN].expose(), there.data[CHAIN].expose());
    assert_eq!(secret.meta.version, "7");
    wanted.annotations.clear();
    wanted.pair = pair(&root, "a.example.com", Profile::Server);
    assert!(matches!(wanted.step(Some(&seen(there))), Step::Apply(_)));
    assert!(matches!(
        wanted.step(Some(&seen(immutable))),
        Step::Recreate(_, Unchangeable::Immutable)
    ));
}

#[test]
fn what_an_earlier_run_marked_stays_until_it_is_to_go() {
    let root = authority();
    let mut wanted = wanted(pair(&root, "a.example.com", Profile::Server));
    let other = pair(&root, "a.example.com", Profile::Server);
    let mut there = seen(stored(&other.chain, &other.key));
    for key in ["aeolus/sync", "meta.helm.sh/release-name"] {
        let annotations = &mut there.secret.meta.annotations;
        annotations.insert(key.to_owned(), "x".to_owned());
    }
    there.annotations = BTreeSet::from(["aeolus/sync".to_owned()]);
    let applied = |wanted: &Wanted| match wanted.step(Some(&there)) {
        Step::Apply(secret) => secret.meta.annotations.into_keys().collect::<Vec<_>>(),
        _ => panic!("it is changed"),
    };
    assert_eq!(applied(&wanted), ["aeolus/sync"]);
    wanted.annotations = marks(&["aeolus/sync-".parse().unwrap()]);
    assert!(applied(&wanted).is_empty());
}

#[test]
fn one_of_another_type_is_made_again_with_its_marks_and_without_the_old_key() {
    let wanted = wanted(pair(&authority(), "a.example.com", Profile::Server));
    let mut there = stored(&wanted.pair.chain, &wanted.pair.key);
    there.kind = "Opaque".to_owned();
    there
        .meta
        .labels
        .insert("tier".to_owned(), "nginx".to_owned());
    there
        .meta
        .annotations
        .insert(LAST_APPLIED.to_owned(), "{}".to_owned());
    let Step::Recreate(secret, why) = wanted.step(Some(&seen(there))) else {
        panic!("its type can't be changed");
    };
    assert_eq!(why, Unchangeable::Type("Opaque".to_owned()));
    assert_eq!(secret.kind, TLS);
    assert!(secret.meta.uid.is_empty() && secret.meta.version.is_empty());
    assert_eq!(secret.meta.labels["tier"], "nginx");
    assert!(secret.meta.annotations.is_empty());
}

#[test]
fn changes_are_told_by_name_and_never_by_value() {
    let root = authority();
    let (old, new) = (
        pair(&root, "a.example.com", Profile::Server),
        pair(&root, "a.example.com", Profile::Server),
    );
    let (mut before, mut after) = (stored(&old.chain, &old.key), stored(&new.chain, &new.key));
    before.meta.labels.insert("a".to_owned(), "1".to_owned());
    after
        .meta
        .annotations
        .insert("b".to_owned(), "2".to_owned());
    let told: Vec<String> = changes(Some(&before), &after)
        .iter()
        .map(|one| format!("{} {}", one.entry, one.change))
        .collect();
    assert_eq!(
        told,
        [
            "tls.crt changed",
            "tls.key changed",
            "label a removed",
            "annotation b added"
        ]
    );
    assert_eq!(changes(None, &before).len(), 3);
    assert!(changes(Some(&before), &before).is_empty());
    assert_eq!(place().to_string(), "astronomer/platform-tls");
}

#[test]
fn a_rehearsal_is_the_same_pair_in_other_bytes() {
    let wanted = wanted(pair(&authority(), "a.example.com", Profile::Server));
    let there = seen(stored(&wanted.pair.chain, &wanted.pair.key));
    let rehearsed = rehearsed(&there);
    assert!(wanted.is_in(&rehearsed));
    assert!(rehearsed.meta.version.is_empty());
    for key in [CHAIN, KEY] {
        assert_ne!(
            rehearsed.data[key].expose(),
            there.secret.data[key].expose()
        );
    }
}
