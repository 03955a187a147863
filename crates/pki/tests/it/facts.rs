//! What libraries and clients do that issuing has to live with, one by one.

use std::collections::BTreeMap;

use aeolus_pki::{Certificate, Constraints, KeyKind, Life, Profile};
use aeolus_testkit::SeededRng;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::support::{NOW, days, key, root, server, wanted};

/// A root, an intermediate, a leaf of each and a cross certificate.
fn everything() -> Vec<Certificate> {
    let rng = SeededRng::new("everything");
    let (old, new) = (root("Old"), root("New"));
    let named = ("Issuing", key(KeyKind::P256));
    let constraints = Constraints::default();
    let below = old.intermediate(named, &constraints, Life::INTERMEDIATE, (NOW, &rng));
    let below = below.unwrap();
    let leaves = [&old, &below].map(|issuer| server(issuer, &["a.example.com"]).0.certificate);
    let cross = old.cross_sign(&new, (NOW, &rng)).unwrap();
    let authorities = [old.certificate(), below.certificate()].map(Clone::clone);
    authorities
        .into_iter()
        .chain(leaves)
        .chain([cross])
        .collect()
}

/// Extensions by number, and whether each is critical.
pub(crate) fn extensions(certificate: &Certificate) -> BTreeMap<String, bool> {
    let (_, parsed) = X509Certificate::from_der(certificate.der()).unwrap();
    let all = parsed.extensions().iter();
    all.map(|one| (one.oid.to_id_string(), one.critical))
        .collect()
}

const KEY_ID: &str = "2.5.29.14";
pub(crate) const NAMES: &str = "2.5.29.17";
const ISSUER_KEY_ID: &str = "2.5.29.35";

#[test]
fn pki_11_no_default_of_the_library_is_left() {
    for certificate in everything() {
        let shown = format!("{} {}", certificate.subject, certificate.issuer);
        assert!(!shown.to_ascii_lowercase().contains("rcgen"), "{shown}");
        assert!(certificate.not_before >= NOW.minus(days(1)), "{shown}");
        assert!(
            certificate.not_after <= NOW.plus(Life::ROOT.duration()),
            "{shown}"
        );
    }
}

#[test]
fn pki_13_every_certificate_but_a_root_names_its_issuers_key() {
    for certificate in everything() {
        let has = extensions(&certificate).contains_key(ISSUER_KEY_ID);
        assert_eq!(
            has,
            !certificate.is_self_issued(),
            "{}",
            certificate.subject
        );
    }
}

#[test]
fn pki_14_every_certificate_names_its_key() {
    for certificate in everything() {
        let shown = &certificate.subject;
        assert_eq!(
            extensions(&certificate).get(KEY_ID),
            Some(&false),
            "{shown}"
        );
    }
}

#[test]
fn pki_15_names_are_critical_only_without_a_subject() {
    let long = format!("{}.example.com", "a".repeat(60));
    for (name, critical) in [("a.example.com", false), (&*long, true)] {
        let leaf = server(&root("Root"), &[name]).0.certificate;
        assert_eq!(leaf.subject.is_empty(), critical, "{name}");
        assert_eq!(extensions(&leaf).get(NAMES), Some(&critical), "{name}");
    }
    // The longest that fits.
    let fits = format!("{}.example.com", "a".repeat(52));
    assert_eq!(fits.len(), 64);
    let leaf = server(&root("Root"), &[&fits]).0.certificate;
    assert_eq!(leaf.common_name, Some(fits));
}

#[test]
fn pki_16_a_permitted_domain_covers_what_is_below_it_and_no_address_is_left_over() {
    let rng = SeededRng::new("permitted");
    let mut constraints = Constraints::default();
    constraints.permitted.domains = vec![aeolus_model::Host::parse("example.com").unwrap()];
    let named = ("Issuing", key(KeyKind::P256));
    let below = root("Root").intermediate(named, &constraints, Life::INTERMEDIATE, (NOW, &rng));
    let below = below.unwrap();
    for (name, fine) in [
        ("example.com", true),
        ("a.b.example.com", true),
        ("*.example.com", true),
        ("notexample.com", false),
        ("example.com.evil.org", false),
        ("10.0.0.1", false),
        ("::1", false),
    ] {
        for profile in [Profile::Server, Profile::Client] {
            let own = key(KeyKind::P256);
            let issued = below.issue(&wanted(&[name], profile), own.public(), (NOW, &rng));
            assert_eq!(issued.is_ok(), fine, "{name} {profile:?}");
        }
    }
}
