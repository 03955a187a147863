//! Apache: lines of words, and sections in angle brackets.

use super::words::{Comment, Style, lines};
use crate::tree::{Builder, Directive, Malformed};

const STYLE: Style = Style {
    quotes: &['"', '\''],
    inside: false,
    escapes: false,
    comment: Comment::AtLine,
};

/// Reads an Apache configuration, or a part of one.
pub fn apache(text: &str) -> Result<Vec<Directive>, Malformed> {
    let mut tree = Builder::default();
    for line in lines(text, &STYLE)? {
        let number = line.number;
        let mut words = line.plain();
        let first = words.first().cloned().unwrap_or_default();
        if let Some(name) = first.strip_prefix("</") {
            let name = name.trim_end_matches('>');
            if !tree
                .current()
                .is_some_and(|open| open.eq_ignore_ascii_case(name))
            {
                let what = format!("</{name}> ends a section that is not open");
                return Err(Malformed::new(number, what));
            }
            tree.close(number)?;
        } else if let Some(name) = first.strip_prefix('<') {
            if let Some(word) = words.first_mut() {
                name.trim_end_matches('>').clone_into(word);
            }
            if let Some(last) = words.last_mut().filter(|last| last.ends_with('>')) {
                last.pop();
            }
            words.retain(|word| !word.is_empty());
            tree.open(number, &mut words)?;
        } else {
            tree.leaf(number, &mut words);
        }
    }
    tree.finish()
}
