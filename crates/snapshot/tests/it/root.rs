use aeolus_snapshot::{Digest, Root, RootBuilder, RootError};

use crate::build::{NOW, builder, key, root, root_document};

#[test]
fn the_pin_decides_before_anything_is_parsed() {
    let document = root_document();
    let hash = Digest::of(document.as_bytes());
    assert_eq!(Root::pinned(&document, &hash).unwrap().hash(), hash);
    let other = Root::pinned(&format!("{document} "), &hash);
    assert!(matches!(other, Err(RootError::Hash)));
}

#[test]
fn the_next_document_needs_both_thresholds() {
    let known = root();
    let (old, new) = (key("root"), key("root 2"));
    let mut next = RootBuilder::next(&known, NOW);
    next.root_keys = vec![new.public().clone()];
    next.snapshot_keys = vec![key("snapshot 2").public().clone()];

    let accepted = known
        .accept_next(&next.sign(&[&old, &new]).unwrap())
        .unwrap();
    assert_eq!(accepted.version(), 2);
    assert!(!accepted.trusts(&key("snapshot").public().kid()));

    let only_new = known.accept_next(&next.sign(&[&new]).unwrap());
    assert!(matches!(
        only_new,
        Err(RootError::Threshold { by: "old", .. })
    ));
    let only_old = known.accept_next(&next.sign(&[&old]).unwrap());
    assert!(matches!(
        only_old,
        Err(RootError::Threshold { by: "new", .. })
    ));
}

#[test]
fn versions_neither_fall_nor_skip() {
    let known = root();
    let root_key = key("root");
    for version in [0, 1, 3, u64::MAX] {
        let mut next = RootBuilder::next(&known, NOW);
        next.version = version;
        let next = known.accept_next(&next.sign(&[&root_key]).unwrap());
        assert!(matches!(next, Err(RootError::Version { expected: 2, .. })));
    }
}

#[test]
fn a_threshold_counts_distinct_holders() {
    let (a, b, stranger) = (key("a"), key("b"), key("stranger"));
    let mut two = builder(&a, &key("snapshot"));
    two.root_keys.push(b.public().clone());
    two.threshold = 2;

    let one = two.sign(&[&a]).unwrap();
    assert!(Root::parse(&one).is_err());
    assert!(Root::parse(&two.sign(&[&a, &stranger]).unwrap()).is_err());
    let mut doubled: serde_json::Value = serde_json::from_str(&one).unwrap();
    let again = doubled["signatures"][0].clone();
    doubled["signatures"].as_array_mut().unwrap().push(again);
    assert!(Root::parse(&doubled.to_string()).is_err());

    let both = RootBuilder::co_sign(&one, &b).unwrap();
    assert_eq!(Root::parse(&both).unwrap().threshold(), 2);
}

#[test]
fn shapes_that_make_no_sense_are_refused() {
    let (a, s) = (key("a"), key("snapshot"));
    let good = builder(&a, &s);
    let many = |n: u8| {
        (0..n)
            .map(|n| key(&n.to_string()).public().clone())
            .collect()
    };
    let cases: [RootBuilder; 6] = [
        RootBuilder {
            threshold: 0,
            ..good.clone()
        },
        RootBuilder {
            threshold: 2,
            ..good.clone()
        },
        RootBuilder {
            root_keys: Vec::new(),
            ..good.clone()
        },
        RootBuilder {
            snapshot_keys: Vec::new(),
            ..good.clone()
        },
        RootBuilder {
            snapshot_keys: many(4),
            ..good.clone()
        },
        RootBuilder {
            snapshot_keys: vec![a.public().clone()],
            ..good.clone()
        },
    ];
    for case in cases {
        assert!(case.sign(&[&a]).is_err(), "{case:?}");
    }
    assert!(good.sign(&[]).is_err());
}

#[test]
fn every_flipped_byte_is_noticed() {
    let document = root_document();
    let known = root();
    for at in 0..document.len() {
        let mut bytes = document.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(text) = String::from_utf8(bytes) {
            let read = Root::parse(&text);
            assert!(read.is_err(), "byte {at} of {}", known.version());
        }
    }
}
