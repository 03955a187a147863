//! No text makes a parser or a guard panic.

use aeolus_doctor::probe::{PROBES, Read, read};
use aeolus_doctor::{Kind, detect, examine};
use proptest::prelude::*;

/// Words and signs that mean something to one of the parsers.
const PIECES: &[&str] = &[
    "server",
    "location",
    "auth_request",
    "/x",
    "{",
    "}",
    ";",
    "\n",
    " ",
    "\"",
    "'",
    "#",
    "\\",
    "$",
    "${",
    "map",
    "include x;",
    "proxy_pass http://a/authz/nginx/1;",
    "forward_auth",
    "import x",
    "(x)",
    "@a",
    "respond",
    "frontend a\n",
    "http:",
    "routers:",
    "[",
    "]",
    ": ",
    ",",
    "entryPoints:",
    "&a ",
    "*a",
    "- ",
    "http-request lua.aeolus",
    "if",
    "!{",
    "<Location /a>\n",
    "</Location>\n",
    "`",
    "AuthnzFcgiCheckAuthnProvider\n",
];

fn texts() -> impl Strategy<Value = String> {
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 0..60);
    prop_oneof![any::<String>(), pieces.prop_map(|pieces| pieces.concat()),]
}

proptest! {
    #[test]
    fn any_text_is_examined_or_refused(text in texts()) {
        let _ = detect(&text);
        for kind in Kind::ALL {
            let _ = examine(kind, &text, &|_: &str| Some(text.clone()));
        }
    }

    #[test]
    fn any_answer_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..400), head in any::<bool>()) {
        let mut sent = if head { b"HTTP/1.1 200 OK\r\n".to_vec() } else { Vec::new() };
        sent.extend(bytes);
        sent.extend(b"\r\n\r\n");
        assert_ne!(read(&sent, true), Read::More);
        if let Read::Enough(answer) = read(&sent, false) {
            for probe in PROBES {
                let _ = probe.holds(&answer);
            }
        }
    }
}

#[test]
fn deep_nesting_and_bombs_of_aliases_are_refused() {
    let anchor = |n: u32| format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1);
    let anchors = (1..40).map(anchor).collect::<Vec<_>>().concat();
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "a {\n".repeat(100_000),
        "<a>\n".repeat(100_000),
        format!("a0: &a0 [x, x]\n{anchors}"),
    ] {
        for kind in Kind::ALL {
            let _ = examine(kind, &text, &|_: &str| None);
        }
        assert_eq!(detect(&text), None);
    }
}

#[test]
fn files_that_include_each_other_end() {
    for (kind, text) in [
        (Kind::Nginx, "include a; "),
        (Kind::Caddy, "import a\n"),
        (Kind::Apache, "Include a\n"),
    ] {
        let text = text.repeat(50);
        let examined = examine(kind, &text, &|_: &str| Some(text.clone())).unwrap();
        assert!(examined.notes[0].starts_with("a was not looked at"));
    }
}
