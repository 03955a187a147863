//! What is issued, and what not.

use aeolus_model::Host;
use aeolus_pki::{
    Authority, Certificate, Constraints, IssueError, KeyKind, Life, ListAddress, Profile,
    RequestError, Subtrees, Usage, list_name, read, verify,
};
use aeolus_testkit::SeededRng;
use rcgen::{CertificateParams, Issuer, SanType};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::support::{NOW, days, key, root, server, wanted};

#[test]
fn short_keys_are_nobodys() {
    let weak = include_bytes!("data/weak.csr");
    assert!(matches!(
        read(weak, None),
        Err(aeolus_pki::InputError::Request(RequestError::Key))
    ));
    for kind in KeyKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    assert_eq!(
        KeyKind::like(key(KeyKind::P384).public().kind()),
        KeyKind::P384
    );
}

#[test]
fn a_narrow_authority_issues_no_uri() {
    let root = root("Root");
    let rng = SeededRng::new("narrow");
    let uri = wanted(&["spiffe://plane/eu-1"], Profile::Both);
    let issue = |permit: &[&str]| {
        let constraints = Constraints {
            permitted: domains(permit),
            ..Constraints::default()
        };
        let named = ("Issuing", key(KeyKind::P256));
        let below = root.intermediate(named, &constraints, Life::INTERMEDIATE, (NOW, &rng));
        let own = key(KeyKind::P256);
        below.unwrap().issue(&uri, own.public(), (NOW, &rng))
    };
    assert!(issue(&[]).is_ok());
    assert!(matches!(issue(&["example.com"]), Err(IssueError::Uri(_))));
}

fn domains(of: &[&str]) -> Subtrees {
    let domains = of.iter().map(|name| Host::parse(name).unwrap());
    Subtrees {
        domains: domains.collect(),
        networks: Vec::new(),
    }
}

fn below(root: &Authority, constraints: &Constraints) -> Authority {
    let rng = SeededRng::new("below");
    let named = ("Issuing", key(KeyKind::P256));
    let made = root.intermediate(named, constraints, Life::INTERMEDIATE, (NOW, &rng));
    made.unwrap()
}

#[test]
fn what_is_excluded_is_not_issued_and_the_rest_is() {
    let rng = SeededRng::new("excluded");
    let constraints = Constraints {
        permitted: domains(&["example.com"]),
        excluded: domains(&["secret.example.com"]),
    };
    let networks = vec!["10.0.0.0/8".parse().unwrap()];
    let only_excluded = Constraints {
        excluded: Subtrees {
            networks,
            ..domains(&["example.org"])
        },
        ..Constraints::default()
    };
    for (constraints, name, fine) in [
        (&constraints, "a.example.com", true),
        (&constraints, "secret.example.com", false),
        (&constraints, "a.secret.example.com", false),
        (&constraints, "example.org", false),
        (&only_excluded, "a.example.com", true),
        (&only_excluded, "192.168.0.1", true),
        (&only_excluded, "10.1.2.3", false),
        (&only_excluded, "a.example.org", false),
    ] {
        let issuer = below(&root("Root"), constraints);
        let own = key(KeyKind::P256);
        let issued = issuer.issue(&wanted(&[name], Profile::Server), own.public(), (NOW, &rng));
        assert_eq!(issued.is_ok(), fine, "{name}");
    }
}

#[test]
fn whoever_has_a_narrow_key_makes_no_name_of_another_kind() {
    let root = root("Root");
    let constraints = Constraints {
        permitted: domains(&["example.com"]),
        ..Constraints::default()
    };
    let narrow = below(&root, &constraints);
    let pem = narrow.key().pem();
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes()).unwrap();
    let algorithm = &rcgen::PKCS_ECDSA_P256_SHA256;
    let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der, algorithm).unwrap();
    let der = CertificateDer::from(narrow.certificate().der());
    let issuer = Issuer::from_ca_cert_der(&der, &pair).unwrap();
    let dns = || SanType::DnsName("a.example.com".try_into().unwrap());
    for (other, fine) in [
        (None, true),
        (
            Some(SanType::Rfc822Name("ann@example.com".try_into().unwrap())),
            false,
        ),
        (
            Some(SanType::Rfc822Name(
                "ann@nobody.invalid".try_into().unwrap(),
            )),
            false,
        ),
        (Some(SanType::IpAddress("10.0.0.1".parse().unwrap())), false),
    ] {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.subject_alt_names = std::iter::once(dns()).chain(other.clone()).collect();
        let own = rcgen::KeyPair::generate().unwrap();
        let made = parameters.signed_by(&own, &issuer).unwrap();
        let leaf = Certificate::from_der(made.der()).unwrap();
        let between = [narrow.certificate().clone()];
        let trusted = [root.certificate().clone()];
        let judged = verify(&leaf, &between, &trusted, NOW, (Usage::Server, &[]));
        assert_eq!(judged.is_ok(), fine, "{other:?} {judged:?}");
    }
}

#[test]
fn a_certificate_says_where_its_own_issuers_list_is() {
    let address: ListAddress = "http://pki.example.com/crl/".parse().unwrap();
    let (old, new) = (root("Root"), root("Root"));
    let mut urls = Vec::new();
    for issuer in [old, new] {
        let issuer = issuer.listed_at(Some(address.clone()));
        let leaf = server(&issuer, &["a.example.com"]).0.certificate;
        let name = list_name(issuer.certificate());
        assert_eq!(
            leaf.crl_urls,
            [format!("http://pki.example.com/crl/{name}")]
        );
        let list = issuer
            .revocation_list(&[], 1, (NOW, NOW.plus(days(7))))
            .unwrap();
        assert_eq!(read(list.der(), None).unwrap().lists, [list]);
        urls.extend(leaf.crl_urls);
    }
    assert_ne!(
        urls[0], urls[1],
        "one of the same name with another key has another list"
    );
    assert!(
        server(&root("Root"), &["a.example.com"])
            .0
            .certificate
            .crl_urls
            .is_empty()
    );
}
