//! What is found in certificates from elsewhere.

use aeolus_model::Time;
use aeolus_pki::check::{Role, Rule, Severity, Subject, examine};
use aeolus_pki::{
    Authority, Certificate, Constraints, KeyKind, Life, Profile, Reason, Revoked, Wanted, read,
};
use aeolus_testkit::SeededRng;

use crate::support::{NOW, days, key, names, root, server};

pub(crate) fn codes(subject: &Subject<'_>, now: Time) -> Vec<&'static str> {
    let found = examine(subject, now);
    found.iter().map(|finding| finding.rule.code).collect()
}

pub(crate) fn certificate(pem: &str) -> Certificate {
    read(pem.as_bytes(), None).unwrap().certificates.remove(0)
}

#[test]
fn pki_1_the_recipe_of_the_original_is_refused_in_so_many_words() {
    let leaf = certificate(include_str!("data/seed-leaf.pem"));
    let authority = [certificate(include_str!("data/seed-ca.pem"))];
    let now = leaf.not_before.plus(days(1));
    let certificates = [leaf];
    let subject = Subject {
        certificates: &certificates,
        trusted: &authority,
        hosts: &names(&["a.your-domain.com"]),
        ..Subject::default()
    };
    let found = examine(&subject, now);
    let codes: Vec<_> = found.iter().map(|finding| finding.rule.code).collect();
    assert_eq!(codes, ["PKI-101", "PKI-102", "PKI-103"]);
    assert!(
        found[0]
            .rule
            .means
            .contains("Go, urllib3 and rustls refuse it")
    );
    let authority = Subject {
        certificates: &authority,
        ..Subject::default()
    };
    assert_eq!(examine(&authority, now), []);
}

#[test]
fn weak_keys_and_hashes_are_found() {
    let certificates = [certificate(include_str!("data/weak-leaf.pem"))];
    let subject = Subject {
        certificates: &certificates,
        ..Subject::default()
    };
    let now = certificates[0].not_before.plus(days(1));
    assert_eq!(codes(&subject, now), ["PKI-104", "PKI-105"]);
}

#[test]
fn times_are_judged_by_parts_of_a_life_and_by_days_if_asked() {
    let root = root("Root");
    let certificates = server(&root, &["a.example.com"]).0.chain;
    let subject = Subject {
        certificates: &certificates,
        ..Subject::default()
    };
    let at = |day| codes(&subject, NOW.plus(days(day)));
    assert_eq!(at(0), [""; 0]);
    assert_eq!(at(61), ["PKI-108"]);
    assert_eq!(at(80), ["PKI-109"]);
    assert_eq!(at(91), ["PKI-106"]);
    assert_eq!(codes(&subject, NOW.minus(days(1))), ["PKI-107"]);
    let warned = Subject {
        warn_before: Some(days(60)),
        ..subject
    };
    assert_eq!(codes(&warned, NOW.plus(days(31))), ["PKI-108"]);
}

#[test]
fn names_keys_and_uses_that_do_not_fit_are_found() {
    let root = root("Root");
    let (issued, own) = server(&root, &["*.example.com"]);
    let other = key(KeyKind::P256);
    let roots = [root.certificate().clone()];
    let fits = Subject {
        certificates: &issued.chain,
        key: Some(own.public()),
        role: Role::Served,
        hosts: &names(&["a.example.com"]),
        trusted: &roots,
        ..Subject::default()
    };
    assert_eq!(examine(&fits, NOW), []);
    for (host, code) in [("example.com", "PKI-103"), ("a.b.example.com", "PKI-103")] {
        let hosts = names(&[host]);
        assert_eq!(
            codes(
                &Subject {
                    hosts: &hosts,
                    ..fits
                },
                NOW
            ),
            [code]
        );
    }
    let wrong = Subject {
        key: Some(other.public()),
        rsa_only: true,
        ..fits
    };
    assert_eq!(codes(&wrong, NOW), ["PKI-110", "PKI-117"]);
    let served = Subject {
        certificates: &roots,
        role: Role::Served,
        trusted: &roots,
        ..Subject::default()
    };
    assert_eq!(codes(&served, NOW), ["PKI-102", "PKI-115", "PKI-119"]);
}

#[test]
fn what_is_only_a_clients_is_no_servers() {
    let root = root("Root");
    let rng = SeededRng::new("client");
    let long = Life::days(900).unwrap();
    let of = |profile, kind| {
        let wanted = Wanted::new(names(&["a.example.com"]), profile, long).unwrap();
        root.issue(&wanted, key(kind).public(), (NOW, &rng))
            .unwrap()
            .chain
    };
    let roots = [root.certificate().clone()];
    let judged = |certificates: &[Certificate], role| {
        let subject = Subject {
            certificates,
            role,
            trusted: &roots,
            ..Subject::default()
        };
        codes(&subject, NOW)
    };
    let client = of(Profile::Client, KeyKind::Ed25519);
    assert_eq!(judged(&client, Role::Unsaid), [""; 0]);
    assert_eq!(judged(&client, Role::Served), ["PKI-116"]);
    assert_eq!(
        judged(&of(Profile::Both, KeyKind::Ed25519), Role::Served),
        ["PKI-118", "PKI-119"]
    );
}

pub(crate) struct Chained {
    pub(crate) root: Authority,
    pub(crate) chain: Vec<Certificate>,
}

pub(crate) fn chained() -> Chained {
    let root = root("Root");
    let rng = SeededRng::new("chain");
    let issuing = root
        .intermediate(
            ("Issuing", key(KeyKind::P256)),
            &Constraints::default(),
            Life::INTERMEDIATE,
            (NOW, &rng),
        )
        .unwrap();
    let chain = server(&issuing, &["a.example.com"]).0.chain;
    Chained { root, chain }
}

#[test]
fn chains_are_whole_in_order_and_without_a_root() {
    let Chained { root, chain } = chained();
    let roots = [root.certificate().clone()];
    let (leaf, between, top) = (chain[0].clone(), chain[1].clone(), roots[0].clone());
    let judged = |certificates: &[Certificate]| {
        let subject = Subject {
            certificates,
            role: Role::Served,
            trusted: &roots,
            ..Subject::default()
        };
        codes(&subject, NOW)
    };
    assert_eq!(judged(&chain), [""; 0]);
    assert_eq!(judged(std::slice::from_ref(&leaf)), ["PKI-113"]);
    assert_eq!(
        judged(&[leaf.clone(), between.clone(), top.clone()]),
        ["PKI-112"]
    );
    assert_eq!(
        judged(&[leaf.clone(), top.clone(), between]),
        ["PKI-111", "PKI-112"]
    );
    assert_eq!(judged(&[leaf, top]), ["PKI-112", "PKI-113"]);
}

#[test]
fn a_chain_that_is_sent_for_clients_of_two_roots_lacks_nothing() {
    let (old, new) = (root("Old"), root("New"));
    let cross = old
        .cross_sign(&new, (NOW, &SeededRng::new("cross")))
        .unwrap();
    let roots = [old.certificate().clone(), new.certificate().clone()];
    let chain = server(&new.crossed(cross, roots[0].clone()), &["a.example.com"])
        .0
        .chain;
    for trusted in &roots {
        let subject = Subject {
            certificates: &chain,
            role: Role::Served,
            trusted: std::slice::from_ref(trusted),
            ..Subject::default()
        };
        assert_eq!(codes(&subject, NOW), [""; 0]);
    }
}

#[test]
fn a_chain_of_strangers_is_not_proved() {
    let chain = chained().chain;
    let roots = [root("Root").certificate().clone()];
    let subject = Subject {
        certificates: &chain,
        trusted: &roots,
        ..Subject::default()
    };
    // The name of their root is the same, its key isn't.
    assert_eq!(codes(&subject, NOW), ["PKI-113"]);
}

#[test]
fn what_is_revoked_is_found_if_the_list_is_its_issuers() {
    let root = root("Root");
    let issued = server(&root, &["a.example.com"]).0;
    let revoked = [Revoked {
        serial: issued.certificate.serial.clone(),
        at: NOW,
        reason: Reason::Superseded,
    }];
    let until = NOW.plus(days(7));
    let own = root.revocation_list(&revoked, 1, (NOW, until)).unwrap();
    let foreign = crate::support::root("Root")
        .revocation_list(&revoked, 1, (NOW, until))
        .unwrap();
    let roots = [root.certificate().clone()];
    for (list, expected) in [(&own, "PKI-120"), (&foreign, "PKI-124")] {
        let subject = Subject {
            certificates: &issued.chain,
            trusted: &roots,
            lists: std::slice::from_ref(list),
            ..Subject::default()
        };
        assert_eq!(codes(&subject, NOW), [expected]);
    }
    let both = [own, foreign];
    let late = Subject {
        certificates: &issued.chain,
        trusted: &roots,
        lists: &both,
        ..Subject::default()
    };
    assert_eq!(codes(&late, NOW.plus(days(8))), ["PKI-120", "PKI-123"]);
}

#[test]
fn every_kind_of_finding_has_a_code_of_its_own_and_says_what_to_do() {
    for (index, rule) in Rule::ALL.iter().enumerate() {
        assert_eq!(rule.code, format!("PKI-{}", 101 + index));
        assert!(!rule.means.is_empty() && !rule.act.is_empty());
        assert!(matches!(rule.severity, Severity::Error | Severity::Warning));
    }
}
