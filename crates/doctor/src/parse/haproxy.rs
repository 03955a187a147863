//! HAProxy: sections of lines.

use super::words::{Comment, Style, lines};
use crate::tree::{Builder, Directive, Malformed};

const STYLE: Style = Style {
    quotes: &['"', '\''],
    inside: true,
    escapes: true,
    comment: Comment::Anywhere,
};

const SECTIONS: &[&str] = &[
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "peers",
    "mailers",
    "resolvers",
    "userlist",
    "cache",
    "program",
    "http-errors",
    "ring",
    "log-forward",
    "fcgi-app",
    "crt-store",
    "traces",
    "log-profile",
    "acme",
];

/// Reads an HAProxy configuration.
pub fn haproxy(text: &str) -> Result<Vec<Directive>, Malformed> {
    let mut tree = Builder::default();
    for line in lines(text, &STYLE)? {
        let number = line.number;
        let mut words = line.plain();
        let section = words
            .first()
            .is_some_and(|word| SECTIONS.contains(&word.as_str()));
        if section {
            if tree.current().is_some() {
                tree.close(number)?;
            }
            tree.open(number, &mut words)?;
        } else {
            tree.leaf(number, &mut words);
        }
    }
    if tree.current().is_some() {
        tree.close(0)?;
    }
    tree.finish()
}
