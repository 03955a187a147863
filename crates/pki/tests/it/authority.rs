//! What authorities issue, and what they refuse.

use aeolus_model::{Cidr, Host};
use aeolus_pki::{
    Authority, Certificate, Constraints, IssueError, KeyKind, KeyUsage, Life, LoadError, Note,
    Profile, Purpose, Reason, Revoked, Unproven, Usage, Wanted, read, verify,
};
use aeolus_testkit::SeededRng;

use crate::support::{NOW, days, key, names, root, server, wanted};

#[test]
fn every_kind_of_key_issues_for_every_kind_of_key() {
    let rng = SeededRng::new("kinds");
    let kinds = [
        KeyKind::Rsa2048,
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::Ed25519,
    ];
    for of_root in kinds {
        let root = Authority::root("Root", key(of_root), Life::ROOT, (NOW, &rng)).unwrap();
        for kind in kinds {
            let key = key(kind);
            let wanted = wanted(
                &["a.example.com", "*.a.example.com", "10.0.0.1", "::1"],
                Profile::Both,
            );
            let issued = root.issue(&wanted, key.public(), (NOW, &rng)).unwrap();
            assert_eq!(issued.chain.len(), 1, "no root is sent");
            let leaf = &issued.certificate;
            let encipher = leaf
                .usages
                .as_ref()
                .unwrap()
                .contains(&KeyUsage::KeyEncipherment);
            assert_eq!(encipher, kind == KeyKind::Rsa2048, "{kind}");
            assert_eq!(
                leaf.purposes.as_ref().unwrap(),
                &[Purpose::ServerAuth, Purpose::ClientAuth]
            );
            assert_eq!(leaf.common_name.as_deref(), Some("a.example.com"));
            assert_eq!(leaf.authority_key_id, root.certificate().subject_key_id);
            assert!(leaf.subject_key_id.is_some() && leaf.authority.is_none());
            assert_eq!(leaf.version, 3);
            assert_eq!((leaf.serial.len(), leaf.serial[0] & 0xc0), (16, 0x40));
            assert_eq!(NOW.secs() - leaf.not_before.secs(), 300);
        }
    }
}

#[test]
fn a_life_never_goes_beyond_the_issuers_and_that_is_said() {
    let rng = SeededRng::new("life");
    let short = Life::days(10).unwrap();
    let root = Authority::root("Root", key(KeyKind::P256), short, (NOW, &rng)).unwrap();
    let issued = server(&root, &["a.example.com"]).0;
    assert_eq!(issued.certificate.not_after, root.certificate().not_after);
    assert_eq!(issued.notes, [Note::Clipped(root.certificate().not_after)]);
    let wanted = wanted(&["a.example.com"], Profile::Server);
    for at in [NOW.plus(days(11)), NOW.minus(days(1))] {
        let refused = root.issue(&wanted, key(KeyKind::P256).public(), (at, &rng));
        assert_eq!(refused.unwrap_err(), IssueError::AuthorityNotValid);
    }
}

#[test]
fn a_long_name_stays_out_of_the_subject() {
    let long = format!("{}.example.com", "a".repeat(60));
    let issued = server(&root("Root"), &[&long]).0;
    assert_eq!(issued.certificate.common_name, None);
    assert_eq!(issued.notes, [Note::NoCommonName]);
    let issued = server(&root("Root"), &[&long, "b.example.com"]).0;
    assert_eq!(
        issued.certificate.common_name.as_deref(),
        Some("b.example.com")
    );
}

#[test]
fn pki_8_an_authority_with_another_key_or_without_the_right_is_not_loaded() {
    let root = root("Root");
    let certificate = root.certificate().clone();
    let refused = Authority::load(certificate.clone(), key(KeyKind::P256)).unwrap_err();
    assert_eq!(refused, LoadError::OtherKey);
    let (leaf, leaf_key) = server(&root, &["a.example.com"]);
    let refused = Authority::load(leaf.certificate, leaf_key).unwrap_err();
    assert_eq!(refused, LoadError::NoAuthority);
    let pem = root.key().pem();
    let mut again = read(pem.expose().as_bytes(), None).unwrap();
    assert!(Authority::load(certificate, again.keys.remove(0)).is_ok());
}

fn below(root: &Authority, constraints: &Constraints) -> Authority {
    let rng = SeededRng::new("below");
    let key = key(KeyKind::P256);
    root.intermediate(
        ("Issuing", key),
        constraints,
        Life::INTERMEDIATE,
        (NOW, &rng),
    )
    .unwrap()
}

#[test]
fn an_intermediate_is_sent_and_issues_for_permitted_names_only() {
    let root = root("Root");
    let mut constraints = Constraints::default();
    let permitted = &mut constraints.permitted;
    permitted.domains = vec![Host::parse("example.com").unwrap()];
    let issuing = below(&root, &constraints);
    assert_eq!(issuing.certificate().authority, Some(Some(0)));
    let issued = server(&issuing, &["a.example.com", "*.b.example.com"]).0;
    assert_eq!(issued.chain.len(), 2);
    let rng = SeededRng::new("constraints");
    for foreign in ["a.example.org", "10.0.0.1", "fd00::1"] {
        let wanted = wanted(&[foreign], Profile::Server);
        let refused = issuing.issue(&wanted, key(KeyKind::P256).public(), (NOW, &rng));
        assert_eq!(
            refused.unwrap_err(),
            IssueError::Unproven(Unproven::Constrained),
            "{foreign}"
        );
    }
    let permitted = &mut constraints.permitted;
    permitted.networks = vec!["10.0.0.0/8".parse::<Cidr>().unwrap()];
    server(&below(&root, &constraints), &["a.example.com", "10.0.0.1"]);
}

#[test]
fn an_intermediate_is_loaded_below_its_own_root_only() {
    let first = root("Root");
    let issuing = below(&first, &Constraints::default());
    let pem = issuing.key().pem();
    let again = || read(pem.expose().as_bytes(), None).unwrap().keys.remove(0);
    let certificate = issuing.certificate().clone();
    let of = |root: &Authority| {
        Authority::load_below(root.certificate().clone(), certificate.clone(), again())
    };
    assert!(of(&first).is_ok());
    // It has the same name and another key.
    assert_eq!(of(&root("Root")).unwrap_err(), LoadError::OtherRoot);
}

#[test]
fn a_crossed_authority_is_believed_by_clients_of_either_root() {
    let (old, new) = (root("Old"), root("New"));
    let rng = SeededRng::new("cross");
    let cross = old.cross_sign(&new, (NOW, &rng)).unwrap();
    let (old_root, new_root) = (old.certificate().clone(), new.certificate().clone());
    let issued = server(&new.crossed(cross, old_root.clone()), &["a.example.com"]).0;
    let (leaf, rest) = issued.chain.split_first().unwrap();
    for trusted in [old_root, new_root.clone()] {
        let name = names(&["a.example.com"]);
        verify(leaf, rest, &[trusted], NOW, (Usage::Server, &name)).unwrap();
    }
    let stranger = [root("Old").certificate().clone()];
    let refused = verify(leaf, rest, &stranger, NOW, (Usage::Server, &[]));
    assert!(refused.is_err(), "{refused:?}");
    assert!(verify(leaf, &[], &[new_root], NOW, (Usage::Server, &[])).is_ok());
}

#[test]
fn a_revocation_list_is_signed_and_names_what_it_revokes() {
    let root = root("Root");
    let (one, other) = (server(&root, &["a.example.com"]).0, {
        let rng = SeededRng::new("other");
        let wanted = wanted(&["b.example.com"], Profile::Server);
        root.issue(&wanted, key(KeyKind::P256).public(), (NOW, &rng))
            .unwrap()
    });
    let revoked = Revoked {
        serial: one.certificate.serial.clone(),
        at: NOW,
        reason: Reason::KeyCompromise,
    };
    let list = root
        .revocation_list(&[revoked], 7, (NOW, NOW.plus(days(7))))
        .unwrap();
    assert!(list.names(&one.certificate) && !list.names(&other.certificate));
    assert!(list.is_signed_by(root.certificate()));
    assert_eq!(list.next_update, Some(NOW.plus(days(7))));
    let again = read(list.pem().as_bytes(), None).unwrap();
    assert_eq!(again.lists, [list]);
    assert!(
        root.revocation_list(&[], 8, (NOW, NOW.plus(days(7))))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_certificate_without_a_name_is_not_asked_for() {
    assert!(Wanted::new([], Profile::Server, Life::LEAF).is_err());
    let many = (0..101).map(|n| names(&[&format!("h{n}.example.com")]).remove(0));
    assert!(Wanted::new(many, Profile::Server, Life::LEAF).is_err());
    let twice = Wanted::new(names(&["a.b", "A.b."]), Profile::Server, Life::LEAF).unwrap();
    assert_eq!(twice.names().len(), 1);
}

#[test]
fn a_certificate_reads_as_it_was_written() {
    let leaf = server(&root("Root"), &["a.example.com", "spiffe://acme/eu-1"])
        .0
        .certificate;
    assert_eq!(Certificate::from_der(leaf.der()).unwrap(), leaf);
    assert_eq!(leaf.names, names(&["a.example.com", "spiffe://acme/eu-1"]));
    let mut longer = leaf.der().to_vec();
    longer.push(0);
    assert!(Certificate::from_der(&longer).is_err());
}
