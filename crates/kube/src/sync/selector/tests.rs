use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter(|pair| !pair.is_empty());
    pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn what_matches() {
    for (selector, found, matches) in [
        ("", "", true),
        ("", "a=b", true),
        ("a", "a=", true),
        ("a", "b=a", false),
        ("!a", "b=a", true),
        ("! a", "a=1", false),
        ("a=b", "a=b", true),
        ("a == b", "a=c", false),
        ("a=", "a=", true),
        ("a=,b", "a=,b=1", true),
        ("a!=b", "", true),
        ("a!=b", "a=b", false),
        ("a in (b,c)", "a=c", true),
        ("a in (b, c)", "a=d", false),
        ("a in (b,c)", "", false),
        ("a in (,b)", "a=", true),
        ("a in ()", "a=", true),
        ("a notin (b,c)", "a=d", true),
        ("a notin (b,c)", "", true),
        ("a notin (b,c)", "a=b", false),
        ("a>5", "a=6", true),
        ("a>5", "a=5", false),
        ("a<5", "a=4", true),
        ("a<5", "a=x", false),
        ("a<5", "", false),
        ("in in (in)", "in=in", true),
        (
            "platform-release=astro,!x, y in (1)",
            "platform-release=astro,y=1",
            true,
        ),
        ("example.com/team=data", "example.com/team=data", true),
    ] {
        let read = Selector::parse(selector).expect(selector);
        assert_eq!(
            read.matches(&labels(found)),
            matches,
            "{selector} on {found}"
        );
    }
}

#[test]
fn what_is_refused() {
    for text in [
        ",",
        "a,",
        ",a",
        "=",
        "a b",
        "a=b c",
        "a in",
        "a in b",
        "a in (b",
        "a in (b c)",
        "a=b=c",
        "!",
        "!a=b",
        "a>",
        "a>b",
        "a>1.5",
        "-a",
        "a-",
        "a/b/c",
        "/a",
        "a/",
        "A.B/c",
        "ä=b",
        "a=-b",
        "a=ä",
        "(a)",
        "a notin b",
        "a=\u{0}",
    ] {
        assert!(Selector::parse(text).is_err(), "{text}");
    }
    assert!(Selector::parse(&"a".repeat(64)).is_err());
    assert!(Selector::parse(&format!("a={}", "b".repeat(64))).is_err());
}

#[test]
fn one_label_is_known_as_such() {
    let single = |text: &str| {
        let read = Selector::parse(text).expect(text);
        read.single()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let astro = Some(("platform".to_owned(), "astro".to_owned()));
    assert_eq!(single("platform=astro"), astro);
    assert_eq!(single("platform in (astro)"), astro);
    assert_eq!(single("platform!=astro"), None);
    assert_eq!(single("platform=astro,a"), None);
}

proptest! {
    #[test]
    fn it_never_panics_and_reads_back_what_it_writes(text in "\\PC{0,60}") {
        if let Ok(read) = Selector::parse(&text) {
            prop_assert_eq!(Selector::parse(&read.to_string()), Ok(read));
        }
    }

    #[test]
    fn what_looks_like_one_reads_back(text in "(!?[a-c]{0,2}(=|==|!=| in | notin |>|<)?\\(?[a-c0-9, ]{0,4}\\)?,?){0,3}") {
        if let Ok(read) = Selector::parse(&text) {
            prop_assert_eq!(Selector::parse(&read.to_string()), Ok(read));
        }
    }
}
