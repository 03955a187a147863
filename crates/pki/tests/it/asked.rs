//! Whatever a request asks for, it gets what the policy says.

use std::net::IpAddr;

use aeolus_pki::{
    KeyUsage, Life, NameError, Profile, Purpose, Request, RequestError, San, Usage, Wanted, verify,
};
use aeolus_testkit::SeededRng;
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};

use crate::facts::{NAMES, extensions};
use crate::support::{NOW, days, names, root};

/// What an attacker may ask for.
#[derive(Clone, Debug)]
struct Asked {
    subject: Option<String>,
    names: Vec<SanType>,
    authority: IsCa,
    usages: Vec<KeyUsagePurpose>,
    purposes: Vec<ExtendedKeyUsagePurpose>,
    /// Extensions by number: known ones that the library has no word for, and one that nobody knows.
    others: Vec<(Vec<u64>, bool)>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            subject: None,
            names: Vec::new(),
            authority: IsCa::NoCa,
            usages: Vec::new(),
            purposes: Vec::new(),
            others: Vec::new(),
        }
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let dns = "[a-zA-Z*]{1,8}(\\.[a-z]{1,8}){0,3}"
        .prop_filter_map("IA5", |name| Some(SanType::DnsName(name.try_into().ok()?)));
    let address =
        any::<u128>().prop_map(|bits| SanType::IpAddress(IpAddr::from(bits.to_be_bytes())));
    let mail = "[a-z]{1,8}@[a-z]{1,8}".prop_filter_map("IA5", |name| {
        Some(SanType::Rfc822Name(name.try_into().ok()?))
    });
    let names = proptest::collection::vec(prop_oneof![dns, address, mail], 0..4);
    let authority = prop_oneof![
        Just(IsCa::NoCa),
        Just(IsCa::Ca(BasicConstraints::Unconstrained)),
        any::<u8>().prop_map(|below| IsCa::Ca(BasicConstraints::Constrained(below))),
    ];
    let usages = proptest::sample::subsequence(
        vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::KeyAgreement,
        ],
        0..=4,
    );
    let purposes = proptest::sample::subsequence(
        vec![
            ExtendedKeyUsagePurpose::Any,
            ExtendedKeyUsagePurpose::CodeSigning,
            ExtendedKeyUsagePurpose::OcspSigning,
        ],
        0..=3,
    );
    // Name constraints, policies, addresses of lists, an issuer's other name, and what nobody knows.
    let numbers = [30, 32, 31, 18].map(|last| vec![2, 5, 29, last]);
    let numbers = [&numbers[..], &[vec![1, 3, 6, 1, 4, 1, 99_999, 1]]].concat();
    let others = proptest::sample::subsequence(numbers, 0..=5);
    let others = (others, any::<bool>())
        .prop_map(|(all, critical)| all.into_iter().map(|oid| (oid, critical)).collect());
    let subject = proptest::option::of("[a-zA-Z]{1,64}");
    (subject, names, authority, usages, purposes, others).prop_map(
        |(subject, names, authority, usages, purposes, others)| Asked {
            subject,
            names,
            authority,
            usages,
            purposes,
            others,
        },
    )
}

fn request(asked: &Asked) -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    if let Some(subject) = &asked.subject {
        let name = &mut parameters.distinguished_name;
        name.push(DnType::CommonName, subject.as_str());
    }
    parameters.subject_alt_names.clone_from(&asked.names);
    parameters.is_ca = asked.authority;
    parameters.key_usages.clone_from(&asked.usages);
    parameters.extended_key_usages.clone_from(&asked.purposes);
    for (oid, critical) in &asked.others {
        // An empty sequence.
        let mut other = CustomExtension::from_oid_content(oid, vec![0x30, 0]);
        other.set_criticality(*critical);
        parameters.custom_extensions.push(other);
    }
    let request = parameters
        .serialize_request(&KeyPair::generate().unwrap())
        .unwrap();
    request.der().to_vec()
}

/// Names, usages, purposes, CA:FALSE and both names of keys; the usages alone are critical.
const OF_A_LEAF: [(&str, bool); 6] = [
    ("2.5.29.14", false),
    ("2.5.29.15", true),
    (NAMES, false),
    ("2.5.29.19", true),
    ("2.5.29.35", false),
    ("2.5.29.37", false),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pki_7_a_request_gives_its_key_and_nothing_else(asked in asked(), life in 1..=3650_u32) {
        let root = root("Root");
        let rng = SeededRng::new("request");
        let request = Request::from_der(&request(&asked)).unwrap();
        let given = names(&["etl.example.com"]);
        let wanted = Wanted::new(given.clone(), Profile::Server, Life::days(life).unwrap()).unwrap();
        let leaf = root.issue(&wanted, request.key(), (NOW, &rng)).unwrap().certificate;
        prop_assert_eq!(&leaf.names, &given);
        prop_assert!(leaf.other_names.is_empty());
        prop_assert_eq!(&leaf.subject, "CN=etl.example.com");
        prop_assert_eq!(leaf.authority, None);
        prop_assert_eq!(leaf.usages.as_deref(), Some(&[KeyUsage::DigitalSignature][..]));
        prop_assert_eq!(leaf.purposes.as_deref(), Some(&[Purpose::ServerAuth][..]));
        prop_assert_eq!(&leaf.key, request.key());
        let expected = OF_A_LEAF.map(|(oid, critical)| (oid.to_owned(), critical));
        prop_assert_eq!(extensions(&leaf), expected.into());
        prop_assert!(leaf.not_after <= NOW.plus(days(u64::from(life))));
        prop_assert!(leaf.not_after <= root.certificate().not_after);
        prop_assert!(leaf.not_before >= root.certificate().not_before);
        let may_ca = matches!(asked.authority, IsCa::Ca(_));
        prop_assert_eq!(request.ignored().iter().any(|what| what.contains("CA:TRUE")), may_ca);
        // What is not given is said, each time.
        let said = request.ignored().len() + request.names().len();
        let wanted = asked.names.len() + asked.others.len() + usize::from(may_ca)
            + usize::from(!asked.usages.is_empty()) + usize::from(!asked.purposes.is_empty());
        prop_assert_eq!(said, wanted, "{:?}", request.ignored());
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

    #[test]
    fn each_name_is_issued_once_however_it_is_written(
        hosts in proptest::collection::vec("[a-c]\\.example\\.com", 1..20),
        upper in any::<u32>(),
    ) {
        let written = hosts.iter().enumerate().map(|(at, host)| {
            let host = if upper >> (at % 32) & 1 == 1 { host.to_ascii_uppercase() } else { host.clone() };
            San::parse(&host).unwrap()
        });
        let wanted = Wanted::new(written, Profile::Server, Life::LEAF).unwrap();
        let mut once: Vec<String> = Vec::new();
        for host in hosts {
            if !once.contains(&host) {
                once.push(host);
            }
        }
        let names: Vec<String> = wanted.names().iter().map(ToString::to_string).collect();
        prop_assert_eq!(names, once);
    }
}

#[test]
fn ten_thousand_names_are_read_and_not_issued() {
    let name = |n: u32| SanType::DnsName(format!("h{n}.example.com").try_into().unwrap());
    let asked = Asked {
        names: (0..10_000).map(name).collect(),
        ..Asked::default()
    };
    let request = Request::from_der(&request(&asked)).unwrap();
    assert_eq!(request.names().len(), 10_000);
    let names = request.names().iter().cloned();
    assert!(Wanted::new(names, Profile::Server, Life::LEAF).is_err());
}

#[test]
fn names_in_other_alphabets_are_taken_as_dns_has_them() {
    let refused = San::parse("bücher.example").unwrap_err();
    assert_eq!(refused, NameError::Unicode("bücher.example".to_owned()));
    // A letter that looks like another one.
    assert!(San::parse("еxample.com").is_err());
    let idn = San::parse("XN--Bcher-kva.example").unwrap();
    assert_eq!(idn.to_string(), "xn--bcher-kva.example");
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let mut der = request(&Asked::default());
    assert!(Request::from_der(&der).is_ok());
    let last = der.len() - 1;
    der[last] ^= 1;
    assert_eq!(
        Request::from_der(&der).unwrap_err(),
        RequestError::NotSigned
    );
    assert_eq!(Request::from_der(&[]).unwrap_err(), RequestError::Malformed);
}
