//! Caddyfiles: lines of words, and blocks in braces at their ends.

use super::words::{Comment, Style, lines};
use crate::tree::{Builder, Directive, Malformed};

const STYLE: Style = Style {
    quotes: &['"', '`'],
    inside: false,
    escapes: false,
    comment: Comment::AtWord,
};

/// Reads a Caddyfile, or a part of one.
pub fn caddy(text: &str) -> Result<Vec<Directive>, Malformed> {
    let mut tree = Builder::default();
    for mut line in lines(text, &STYLE)? {
        let number = line.number;
        if line.is("}") {
            tree.close(number)?;
        } else if line.take_last("{") {
            tree.open(number, &mut line.plain())?;
        } else {
            tree.leaf(number, &mut line.plain());
        }
    }
    tree.finish()
}
