//! Whatever a request asks for, it gets what the policy says.

use std::net::IpAddr;

use aeolus_pki::{
    Constraints, IssueError, KeyKind, Life, Profile, Request, RequestError, San, Usage, Wanted,
    read, verify,
};
use aeolus_testkit::SeededRng;
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};

use crate::support::{NOW, days, key, names, root, wanted};

/// What an attacker may ask for.
#[derive(Clone, Debug)]
struct Asked {
    names: Vec<SanType>,
    authority: IsCa,
    usages: Vec<KeyUsagePurpose>,
    purposes: Vec<ExtendedKeyUsagePurpose>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let dns = "[a-z*]{1,8}(\\.[a-z]{1,8}){0,3}"
        .prop_filter_map("IA5", |name| Some(SanType::DnsName(name.try_into().ok()?)));
    let address =
        any::<u128>().prop_map(|bits| SanType::IpAddress(IpAddr::from(bits.to_be_bytes())));
    let names = proptest::collection::vec(prop_oneof![dns, address], 0..4);
    let authority = prop_oneof![
        Just(IsCa::NoCa),
        Just(IsCa::Ca(BasicConstraints::Unconstrained)),
        Just(IsCa::Ca(BasicConstraints::Constrained(3))),
    ];
    let usages = proptest::sample::subsequence(
        vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ],
        0..=3,
    );
    let purposes = proptest::sample::subsequence(
        vec![
            ExtendedKeyUsagePurpose::Any,
            ExtendedKeyUsagePurpose::CodeSigning,
            ExtendedKeyUsagePurpose::OcspSigning,
        ],
        0..=3,
    );
    (names, authority, usages, purposes).prop_map(|(names, authority, usages, purposes)| Asked {
        names,
        authority,
        usages,
        purposes,
    })
}

fn request(asked: &Asked) -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    parameters.subject_alt_names.clone_from(&asked.names);
    parameters.is_ca = asked.authority;
    parameters.key_usages.clone_from(&asked.usages);
    parameters.extended_key_usages.clone_from(&asked.purposes);
    let request = parameters
        .serialize_request(&KeyPair::generate().unwrap())
        .unwrap();
    request.der().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_request_gives_its_key_and_nothing_else(asked in asked(), life in 1..=3650_u32) {
        let root = root("Root");
        let rng = SeededRng::new("request");
        let request = Request::from_der(&request(&asked)).unwrap();
        let given = names(&["etl.example.com"]);
        let wanted = Wanted::new(given.clone(), Profile::Server, Life::days(life).unwrap()).unwrap();
        let leaf = root.issue(&wanted, request.key(), (NOW, &rng)).unwrap().certificate;
        prop_assert_eq!(&leaf.names, &given);
        prop_assert!(leaf.other_names.is_empty());
        prop_assert_eq!(leaf.authority, None);
        prop_assert_eq!(leaf.usages.as_deref(), Some(&["digitalSignature"][..]));
        prop_assert_eq!(leaf.purposes.as_deref(), Some(&["serverAuth".to_owned()][..]));
        prop_assert_eq!(&leaf.key, request.key());
        prop_assert!(leaf.not_after <= NOW.plus(days(u64::from(life))));
        prop_assert!(leaf.not_after <= root.certificate().not_after);
        prop_assert!(leaf.not_before >= root.certificate().not_before);
        let may_ca = matches!(asked.authority, IsCa::Ca(_));
        prop_assert_eq!(request.ignored().iter().any(|what| what.contains("CA:TRUE")), may_ca);
        let what = (Usage::Server, given.as_slice());
        verify(&leaf, &[], &[root.certificate().clone()], NOW, what).unwrap();
    }

    #[test]
    fn names_survive_parsing_and_nothing_panics(text in "\\PC{0,40}") {
        if let Ok(name) = San::parse(&text) {
            let again = San::parse(&name.to_string()).unwrap();
            prop_assert!(name.covers(&again));
        }
    }
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let asked = Asked {
        names: Vec::new(),
        authority: IsCa::NoCa,
        usages: Vec::new(),
        purposes: Vec::new(),
    };
    let mut der = request(&asked);
    assert!(Request::from_der(&der).is_ok());
    let last = der.len() - 1;
    der[last] ^= 1;
    assert_eq!(
        Request::from_der(&der).unwrap_err(),
        RequestError::NotSigned
    );
    assert_eq!(Request::from_der(&[]).unwrap_err(), RequestError::Malformed);
}

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
        let domains = permit
            .iter()
            .map(|name| aeolus_model::Host::parse(name).unwrap());
        let constraints = Constraints {
            domains: domains.collect(),
            networks: Vec::new(),
        };
        let named = ("Issuing", key(KeyKind::P256));
        let below = root.intermediate(named, &constraints, Life::INTERMEDIATE, (NOW, &rng));
        let own = key(KeyKind::P256);
        below.unwrap().issue(&uri, own.public(), (NOW, &rng))
    };
    assert!(issue(&[]).is_ok());
    assert!(matches!(issue(&["example.com"]), Err(IssueError::Uri(_))));
}
