use super::super::tls_fixture::{NOW, authority, pair, seen, stored};
use super::*;

fn present(profile: Profile) -> Present {
    let pair = pair(&authority(), "a.example.com", profile);
    Present::of(seen(stored(&pair.chain, &pair.key)), &[]).unwrap()
}

fn code(secret: SecretObject) -> String {
    let refused = is_changeable(&secret)
        .err()
        .or_else(|| Present::of(seen(secret), &[]).err());
    refused.unwrap().reports[0].code().to_owned()
}

#[test]
fn what_takes_its_place_is_for_the_same_names_and_uses() {
    for profile in [Profile::Server, Profile::Client, Profile::Both] {
        let present = present(profile);
        assert_eq!(present.profile, profile);
        assert_eq!(present.names, present.leaf.names);
        assert_eq!(present.key, KeyKind::P256);
        let servers = present.servers(&["a.example.com".to_owned()]);
        assert_eq!(servers.is_ok(), profile.serves());
    }
}

#[test]
fn k8_it_is_renewed_when_it_ends_soon_or_is_for_other_names() {
    let mut present = present(Profile::Server);
    let after = |days: u64| NOW.plus(Duration::from_secs(days * 86_400));
    assert!(present.is_due(None, NOW));
    assert!(!present.is_due(Some(30), after(59)));
    assert!(present.is_due(Some(30), after(61)));
    assert!(!present.is_due(Some(0), after(89)));
    present.names.push(San::parse("b.example.com").unwrap());
    assert!(present.is_due(Some(0), NOW));
}

#[test]
fn what_can_not_be_issued_again_is_refused() {
    let root = authority();
    let pair = pair(&root, "a.example.com", Profile::Server);
    let good = || stored(&pair.chain, &pair.key);
    let (mut opaque, mut immutable, mut empty) = (good(), good(), good());
    opaque.kind = "Opaque".to_owned();
    immutable.is_immutable = true;
    empty.data.clear();
    let authority = stored(&[root.certificate().clone()], &pair.key);
    for secret in [opaque, immutable, empty, authority] {
        assert_eq!(code(secret), "KUBE-127");
    }
}
