//! Leaves that are authorities, and issuers that may not issue: what no authority of ours would make.

use aeolus_model::Time;
use aeolus_pki::Certificate;
use aeolus_pki::check::{Role, Subject};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose, SanType,
};

use crate::check::{Chained, certificate, chained, codes};
use crate::support::{NOW, days, names, root};

/// Made by rcgen alone: what no [`Authority`] would issue.
fn made(name: &str, issuer: Option<&Made>, change: impl Fn(&mut CertificateParams)) -> Made {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec![]).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_before = date(NOW.minus(days(1)));
    parameters.not_after = date(NOW.plus(days(80)));
    change(&mut parameters);
    let der = match issuer {
        None => parameters.self_signed(&key).unwrap(),
        Some(issuer) => {
            let above = rcgen::Issuer::from_params(&issuer.parameters, &issuer.key);
            parameters.signed_by(&key, &above).unwrap()
        }
    };
    Made {
        certificate: Certificate::from_der(der.der()).unwrap(),
        parameters,
        key,
    }
}

struct Made {
    certificate: Certificate,
    parameters: CertificateParams,
    key: rcgen::KeyPair,
}

fn date(at: Time) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(at.secs()).unwrap()
}

fn for_host(parameters: &mut CertificateParams) {
    parameters.subject_alt_names = vec![SanType::DnsName("a.example.com".try_into().unwrap())];
}

fn may_issue(parameters: &mut CertificateParams) {
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

#[test]
fn an_authority_that_is_used_as_a_leaf_is_judged_as_one() {
    let own = made("self", None, may_issue).certificate;
    let certificates = [own.clone()];
    let alone = Subject {
        certificates: &certificates,
        ..Subject::default()
    };
    assert_eq!(codes(&alone, NOW), [""; 0]);
    let foreign = [root("Root").certificate().clone()];
    let asked = Subject {
        hosts: &names(&["a.example.com"]),
        trusted: &foreign,
        ..alone
    };
    assert_eq!(codes(&asked, NOW), ["PKI-102", "PKI-103", "PKI-115"]);
    let with_key = Subject {
        role: Role::Own,
        ..alone
    };
    assert_eq!(codes(&with_key, NOW), ["PKI-102", "PKI-115"]);
    let Chained { root, mut chain } = chained();
    chain.reverse();
    let turned = Subject {
        certificates: &chain,
        trusted: std::slice::from_ref(root.certificate()),
        ..Subject::default()
    };
    assert!(codes(&turned, NOW).contains(&"PKI-111"));
}

#[test]
fn a_leaf_of_version_1_that_signed_itself_is_found() {
    let certificates = [certificate(include_str!("data/v1-self.pem"))];
    let now = certificates[0].not_before.plus(days(1));
    let subject = Subject {
        certificates: &certificates,
        key: Some(&certificates[0].key),
        ..Subject::default()
    };
    assert_eq!(codes(&subject, now), ["PKI-102", "PKI-101"]);
}

#[test]
fn issuers_that_may_not_issue_are_found_wherever_they_are() {
    let plain = |_: &mut CertificateParams| {};
    let for_lists = |parameters: &mut CertificateParams| {
        may_issue(parameters);
        parameters.key_usages = vec![KeyUsagePurpose::CrlSign];
    };
    let old = |parameters: &mut CertificateParams| {
        may_issue(parameters);
        parameters.not_after = date(NOW.minus(days(1).checked_div(2).unwrap()));
    };
    let good = made("Root", None, may_issue);
    for (root, expected) in [
        (made("Root", None, plain), "PKI-114"),
        (made("Root", None, for_lists), "PKI-114"),
        (made("Root", None, old), "PKI-114"),
    ] {
        let leaf = [made("leaf", Some(&root), for_host).certificate];
        let trusted = [root.certificate];
        let subject = Subject {
            certificates: &leaf,
            trusted: &trusted,
            ..Subject::default()
        };
        assert_eq!(codes(&subject, NOW), [expected]);
    }
    let between = made("Between", Some(&good), for_lists);
    let leaf = made("leaf", Some(&between), for_host).certificate;
    let certificates = [leaf, between.certificate];
    let trusted = [good.certificate];
    for trusted in [&trusted[..], &[]] {
        let subject = Subject {
            certificates: &certificates,
            trusted,
            ..Subject::default()
        };
        assert_eq!(codes(&subject, NOW), ["PKI-122"]);
    }
}

#[test]
fn a_signature_of_somebody_else_is_found_without_an_authority() {
    let by_name = |parameters: &mut CertificateParams| {
        may_issue(parameters);
        parameters.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![1]);
    };
    let (own, other) = (made("Root", None, by_name), made("Root", None, by_name));
    let leaf = made("leaf", Some(&own), for_host).certificate;
    for (issuer, expected) in [(own, vec!["PKI-112"]), (other, vec!["PKI-121", "PKI-112"])] {
        let certificates = [leaf.clone(), issuer.certificate];
        let subject = Subject {
            certificates: &certificates,
            ..Subject::default()
        };
        assert_eq!(codes(&subject, NOW), expected);
    }
}

#[test]
fn a_self_signed_leaf_that_is_trusted_itself_is_proved() {
    let leaf = [made("self", None, for_host).certificate];
    let subject = Subject {
        certificates: &leaf,
        trusted: &leaf,
        hosts: &names(&["a.example.com"]),
        ..Subject::default()
    };
    assert_eq!(codes(&subject, NOW), [""; 0]);
}
