//! Annotations that ask for copies: never a panic, and a selector reads back what it writes. The first byte of each line says
//! which annotation the rest of it is.

#![no_main]

use std::collections::BTreeMap;

use aeolus_kube::Namespace;
use aeolus_kube::sync::{
    EXCLUDE, KEYS, Mode, NAME, NAMESPACES, ON_CONFLICT, ON_DELETE, PRIVATE_KEY, RESTART, Rules,
    SYNC, Selector, VENDOR_SYNC, Wish,
};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 10] = [
    SYNC,
    NAMESPACES,
    EXCLUDE,
    KEYS,
    PRIVATE_KEY,
    NAME,
    ON_CONFLICT,
    ON_DELETE,
    RESTART,
    VENDOR_SYNC,
];

fuzz_target!(|text: &str| {
    if let Ok(selector) = Selector::parse(text) {
        assert_eq!(Selector::parse(&selector.to_string()), Ok(selector));
    }
    let lines = text.lines().filter_map(|line| {
        let first = line.chars().next()?;
        let name = NAMES.get(first as usize % NAMES.len())?;
        let rest = line.get(first.len_utf8()..)?;
        Some(((*name).to_owned(), rest.to_owned()))
    });
    let annotations: BTreeMap<String, String> = lines.collect();
    for mode in [Mode::Compat, Mode::Strict] {
        let rules = Rules {
            release: Some("astro".to_owned()),
            mode,
            ..Rules::default()
        };
        if let Some(Ok(wish)) = Wish::read(&annotations, &rules) {
            wish.whom.takes(&Namespace {
                name: "etl".to_owned(),
                uid: String::new(),
                labels: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
                is_ending: false,
            });
        }
    }
});
