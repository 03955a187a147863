//! The words of a filter or path.

use super::invalid;
use crate::error::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Open,
    Close,
    OpenList,
    CloseList,
    /// A name, an operator, a number, `true`.
    Word(&'a str),
    /// A text in quotes, read.
    Text(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What is not read yet.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// The next word; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Token<'a>>, Error> {
        let text = self.rest.trim_start_matches([' ', '\t']);
        let Some(first) = text.chars().next() else {
            self.rest = text;
            return Ok(None);
        };
        let sign = match first {
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::OpenList,
            ']' => Token::CloseList,
            '"' => return self.quoted(text).map(Some),
            _ => {
                let end = text
                    .find([' ', '\t', '(', ')', '[', ']', '"'])
                    .unwrap_or(text.len());
                let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
                self.rest = rest;
                return Ok(Some(Token::Word(word)));
            }
        };
        self.rest = text.get(1..).unwrap_or_default();
        Ok(Some(sign))
    }

    /// A text as JSON writes it (RFC 7644 §3.4.2.2, `compValue`).
    fn quoted(&mut self, text: &'a str) -> Result<Token<'a>, Error> {
        let mut escaped = false;
        for (at, byte) in text.bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let (literal, rest) = text.split_at_checked(at + 1).unwrap_or((text, ""));
                    self.rest = rest;
                    return serde_json::from_str(literal).map(Token::Text).map_err(|_| {
                        invalid("A text in the filter is not written as JSON writes it.")
                    });
                }
                _ => {}
            }
        }
        Err(invalid(
            "A text in the filter has no end: a quotation mark is missing.",
        ))
    }
}
