//! The reference pages name what the program has.

use crate::program::aeolus;

#[test]
fn every_page_can_be_printed() {
    for (page, word) in [
        ("config", "`control.listen`"),
        (
            "fleet",
            "`organizations[].workspaces[].deployments[].hosts`",
        ),
        ("cli", "## aeolus gate serve"),
    ] {
        let ran = aeolus(&["reference", page]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains(word), "{page} has no {word}");
    }
}
