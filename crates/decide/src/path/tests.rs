use proptest::prelude::*;

use super::*;

fn refused(target: &str) -> Reason {
    Target::parse(target.as_bytes()).unwrap_err()
}

#[test]
fn t49_what_has_no_safe_pair_of_readings_is_refused() {
    for (target, reason) in [
        ("", Reason::TargetForm),
        ("*", Reason::TargetForm),
        ("dags", Reason::TargetForm),
        ("a.test:443", Reason::TargetForm),
        ("ftp://a.test/x", Reason::TargetForm),
        ("http://user@a.test/x", Reason::TargetForm),
        ("http://a.test", Reason::TargetForm),
        ("/dags#/../public", Reason::TargetCharacters),
        ("/index.html#.png", Reason::TargetCharacters),
        ("/a\\b", Reason::TargetCharacters),
        ("/a b", Reason::TargetCharacters),
        ("/a\0b", Reason::TargetCharacters),
        ("/a%00b", Reason::TargetCharacters),
        ("/a%0d%0ab", Reason::TargetCharacters),
        ("/ä", Reason::TargetCharacters),
        ("/%zz", Reason::TargetEscapes),
        ("/a%2", Reason::TargetEscapes),
        ("/a%c0%afb", Reason::TargetEscapes),
        ("/a%ff", Reason::TargetEscapes),
        ("/public/../dags", Reason::TargetDots),
        ("/public/%2e%2e/dags", Reason::TargetDots),
        ("/public%2F..%2Fdags", Reason::TargetDots),
        ("/public/..;/dags", Reason::TargetDots),
        ("/public/..%3bx/dags", Reason::TargetDots),
        ("/public/..%5cdags", Reason::TargetDots),
        ("/./dags", Reason::TargetDots),
    ] {
        assert_eq!(refused(target), reason, "{target:?}");
    }
    let long = format!("/{}", "a".repeat(MAX_TARGET));
    assert_eq!(refused(&long), Reason::TargetTooLong);
}

#[test]
fn a_target_keeps_its_raw_text_and_its_decoded_reading() {
    let target = Target::parse(b"/api%2fv2/dags?x=%zz&y=a\\b").unwrap();
    assert_eq!(target.raw, "/api%2fv2/dags");
    assert_eq!(target.decoded, "/api/v2/dags");
    assert_eq!(target.query, Some("x=%zz&y=a\\b"));
    assert!(!target.tainted);
    let run = "/api/v2/dags/x/dagRuns/manual__2026-11-23T23:48:50.36+00:00";
    assert_eq!(Target::parse(run.as_bytes()).unwrap().path_and_query(), run);
    let absolute = Target::parse(b"HTTP://a.test:80/x").unwrap();
    assert_eq!(absolute.origin, Some(("HTTP", "a.test:80")));
    assert_eq!(absolute.raw, "/x");
}

#[test]
fn row_56_what_may_be_decoded_twice_or_merged_is_tainted() {
    for target in [
        "/api%252Fv2/dags",
        "//admin/secret",
        "/a%2F%2Fb",
        "/a%5cb",
        "/static/x%3fy",
        "/static/x%23y",
    ] {
        assert!(
            Target::parse(target.as_bytes()).unwrap().tainted,
            "{target}"
        );
    }
    // A per cent sign in a variable's key is everyday.
    assert!(!Target::parse(b"/api/v2/variables/100%25").unwrap().tainted);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(target) = Target::parse(&bytes) {
            prop_assert!(target.raw.starts_with('/'));
            prop_assert!(target.decoded.starts_with('/'));
            prop_assert!(!target.decoded.contains('\0'));
        }
    }

    #[test]
    fn near_misses_are_read_or_refused(text in "/(%2[eEfF5]|[.]{1,2}|/|;|%|[a-c]|%5c|\\?){0,12}") {
        if let Ok(target) = Target::parse(text.as_bytes()) {
            prop_assert!(segments(&target.decoded).all(|s| s != ".." && s != "."));
            prop_assert!(segments(target.raw).all(|s| s != ".." && s != "."));
        }
    }

    #[test]
    fn a_plain_path_is_what_the_long_way_makes_of_it(path in "/([a-c%.;/]|%25|%2f|%5c){0,10}") {
        let long = decode(&path).map(|decoded| {
            let tainted = is_tainted(&path, &decoded);
            (has_dots(&path) || has_dots(&decoded), decoded, tainted)
        });
        match (Target::parse(path.as_bytes()), long) {
            (Ok(target), Ok((false, decoded, tainted))) => {
                prop_assert_eq!((target.decoded, target.tainted), (decoded, tainted));
            }
            (read, _) => prop_assert!(read.is_err()),
        }
    }
}
