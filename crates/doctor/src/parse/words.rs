//! Lines of words, for the proxies whose configurations are that.

use std::iter::Peekable;
use std::str::Chars;

use crate::tree::Malformed;

/// Where a `#` begins a comment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comment {
    /// Everywhere outside quotes.
    Anywhere,
    /// At the beginning of a word.
    AtWord,
    /// At the beginning of a line.
    AtLine,
}

/// How a proxy tells words apart.
pub(super) struct Style {
    pub(super) quotes: &'static [char],
    /// Whether a quote may begin in the middle of a word.
    pub(super) inside: bool,
    /// Whether a backslash takes the meaning from the next sign, quoted or not.
    pub(super) escapes: bool,
    pub(super) comment: Comment,
}

/// A line's words. Each knows whether it was quoted.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) words: Vec<(String, bool)>,
}

impl Line {
    /// Its words, however they were written.
    pub(super) fn plain(self) -> Vec<String> {
        self.words.into_iter().map(|(word, _)| word).collect()
    }

    /// Whether it is this one word, without quotes.
    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.words.as_slice(), [(word, false)] if word == sign)
    }

    /// Takes this word from its end, if it stands there without quotes.
    pub(super) fn take_last(&mut self, sign: &str) -> bool {
        let there = matches!(self.words.last(), Some((word, false)) if word == sign);
        if there {
            self.words.pop();
        }
        there
    }
}

/// Every line that has words.
pub(super) fn lines(text: &str, style: &Style) -> Result<Vec<Line>, Malformed> {
    let mut reader = Reader {
        chars: text.chars().peekable(),
        line: 1,
        style,
    };
    let mut lines = Vec::new();
    while reader.chars.peek().is_some() {
        let line = reader.line()?;
        if !line.words.is_empty() {
            lines.push(line);
        }
    }
    Ok(lines)
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
    style: &'a Style,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<char> {
        let taken = self.chars.next();
        if taken == Some('\n') {
            self.line = self.line.saturating_add(1);
        }
        taken
    }

    fn line(&mut self) -> Result<Line, Malformed> {
        let mut line = Line {
            number: self.line,
            words: Vec::new(),
        };
        while let Some(next) = self.chars.peek().copied() {
            let comment = self.style.comment != Comment::AtLine || line.words.is_empty();
            match next {
                '\n' => {
                    self.take();
                    break;
                }
                '#' if comment => while self.chars.next_if(|next| *next != '\n').is_some() {},
                space if space.is_whitespace() => {
                    self.take();
                }
                _ => line.words.extend(self.word()?),
            }
        }
        Ok(line)
    }

    /// The next word; none where a line goes on in the next one.
    fn word(&mut self) -> Result<Option<(String, bool)>, Malformed> {
        let (mut word, mut quoted, mut begun) = (String::new(), false, false);
        while let Some(next) = self.chars.peek().copied() {
            let comment = next == '#' && self.style.comment == Comment::Anywhere;
            if next.is_whitespace() || comment {
                break;
            }
            self.take();
            if self.style.quotes.contains(&next) && (self.style.inside || !begun) {
                self.quoted(next, &mut word)?;
                quoted = true;
            } else if next == '\\' {
                self.escaped(&mut word);
            } else {
                word.push(next);
            }
            begun = quoted || !word.is_empty();
        }
        Ok(begun.then_some((word, quoted)))
    }

    fn quoted(&mut self, quote: char, word: &mut String) -> Result<(), Malformed> {
        let began = self.line;
        while let Some(next) = self.take() {
            match next {
                end if end == quote => return Ok(()),
                '\\' if quote == '"' => match self.chars.next_if_eq(&quote) {
                    Some(quote) => word.push(quote),
                    None => self.escaped(word),
                },
                other => word.push(other),
            }
        }
        Err(Malformed::new(began, "a quote never ends"))
    }

    /// What follows a backslash; at the end of a line it joins the next one.
    fn escaped(&mut self, word: &mut String) {
        if self.chars.peek() == Some(&'\n') {
            self.take();
        } else if self.style.escapes {
            word.extend(self.take());
        } else {
            word.push('\\');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAPROXY: Style = Style {
        quotes: &['"', '\''],
        inside: true,
        escapes: true,
        comment: Comment::Anywhere,
    };

    fn words(text: &str, style: &Style) -> Vec<Vec<String>> {
        let lines = lines(text, style).unwrap();
        lines.into_iter().map(Line::plain).collect()
    }

    #[test]
    fn quotes_escapes_comments_and_continued_lines_are_understood() {
        let text = "a \"#\" b\\ c # no\n\n  d\\\n e 'f \\g'\"h\"\n";
        let wanted: [&[&str]; 2] = [&["a", "#", "b c"], &["d", "e", "f \\gh"]];
        assert_eq!(words(text, &HAPROXY), wanted);
    }

    #[test]
    fn a_backslash_in_a_pattern_stays_where_it_means_nothing() {
        let style = Style {
            quotes: &['"'],
            inside: false,
            escapes: false,
            comment: Comment::AtLine,
        };
        let wanted: [&[&str]; 1] = [&["a", "^/(?!\\.x/)", "%{b\"c}", "#d"]];
        assert_eq!(words("# no\na \"^/(?!\\.x/)\" %{b\"c} #d", &style), wanted);
    }
}
