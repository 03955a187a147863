//! nginx: words, `;` and blocks in braces.

use std::iter::Peekable;
use std::str::Chars;

use crate::tree::{Builder, Directive, Malformed};

/// Reads an nginx configuration, or a part of one.
pub fn nginx(text: &str) -> Result<Vec<Directive>, Malformed> {
    let mut reader = Reader {
        chars: text.chars().peekable(),
        line: 1,
    };
    let mut tree = Builder::default();
    let (mut words, mut at) = (Vec::new(), 1);
    while let Some(next) = reader.peek() {
        if words.is_empty() {
            at = reader.line;
        }
        match next {
            '#' => reader.comment(),
            ';' => {
                reader.take();
                tree.leaf(at, &mut words);
            }
            '{' => {
                reader.take();
                tree.open(at, &mut words)?;
            }
            '}' if !words.is_empty() => {
                return Err(Malformed::new(reader.line, "a directive has no ;"));
            }
            '}' => {
                reader.take();
                tree.close(reader.line)?;
            }
            space if space.is_ascii_whitespace() => {
                reader.take();
            }
            quote @ ('"' | '\'') => {
                reader.take();
                words.push(reader.quoted(quote)?);
            }
            _ => words.push(reader.word()),
        }
    }
    if words.is_empty() {
        tree.finish()
    } else {
        Err(Malformed::new(at, "the last directive has no ;"))
    }
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.chars.peek().copied()
    }

    fn take(&mut self) -> Option<char> {
        let taken = self.chars.next();
        if taken == Some('\n') {
            self.line = self.line.saturating_add(1);
        }
        taken
    }

    fn comment(&mut self) {
        while self.peek().is_some_and(|next| next != '\n') {
            self.take();
        }
    }

    /// What follows a backslash, as nginx reads it.
    fn escaped(&mut self, word: &mut String) {
        match self.take() {
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            Some(same @ ('"' | '\'' | '\\')) => word.push(same),
            Some(other) => word.extend(['\\', other]),
            None => word.push('\\'),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, Malformed> {
        let (began, mut word) = (self.line, String::new());
        while let Some(next) = self.take() {
            match next {
                '\\' => self.escaped(&mut word),
                end if end == quote => return Ok(word),
                other => word.push(other),
            }
        }
        Err(Malformed::new(began, "a quote never ends"))
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(next) = self.peek() {
            let ends = match next {
                // `${name}` is one word.
                '{' => !word.ends_with('$'),
                '}' => !in_braces(&word),
                ';' => true,
                other => other.is_ascii_whitespace(),
            };
            if ends {
                break;
            }
            self.take();
            if next == '\\' {
                self.escaped(&mut word);
            } else {
                word.push(next);
            }
        }
        word
    }
}

/// Whether a word is in the middle of `${name}`.
fn in_braces(word: &str) -> bool {
    let name = word.rfind("${").map(|at| word.split_at(at).1);
    name.is_some_and(|name| !name.contains('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_quotes_comments_and_blocks_are_told_apart() {
        let tree =
            nginx("a b; # c;\nmap $x $y { \"~#\" 1; \"~\\\\\\\\\" '}'; }\nd ${e}f;").unwrap();
        let names: Vec<_> = tree
            .iter()
            .map(|one| (one.name.as_str(), one.line))
            .collect();
        assert_eq!(names, [("a", 1), ("map", 2), ("d", 3)]);
        assert_eq!(tree[1].args, ["$x", "$y"]);
        assert_eq!(
            (tree[1].block[1].name.as_str(), tree[1].block[1].arg(0)),
            ("~\\\\", "}")
        );
        assert_eq!(tree[2].args, ["${e}f"]);
    }

    #[test]
    fn what_does_not_end_is_an_error_with_its_line() {
        for text in ["a {\n", "\n}", "\na", "\n\"a", "a\n }"] {
            assert!(nginx(text).is_err(), "{text:?}");
        }
        assert!(nginx(&"a {".repeat(100_000)).is_err());
    }
}
