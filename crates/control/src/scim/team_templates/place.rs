//! The name of a place, with parts of the group's name in it.

use regex::{Captures, Regex};

/// Longest text in bytes, as it is written.
const MAX_TEXT: usize = 255;

/// A text with references to what a pattern's groups matched, each of which is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Plain(String),
    /// A group of the pattern, by its number.
    Group(usize),
}

impl Text {
    /// Reads `$1`, `${name}` and `$$`.
    pub(super) fn read(text: &str, pattern: &Regex) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX_TEXT {
            return Err(format!("use 1 to {MAX_TEXT} bytes"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((plain, after)) = rest.split_once('$') {
            push(&mut parts, plain);
            if let Some(after) = after.strip_prefix('$') {
                push(&mut parts, "$");
                rest = after;
                continue;
            }
            let (name, after) = reference(after).ok_or_else(|| {
                "after a $ comes the number of a group, or its name in braces; write $$ for a dollar"
                    .to_owned()
            })?;
            parts.push(Part::Group(group(pattern, name)?));
            rest = after;
        }
        push(&mut parts, rest);
        Ok(Self(parts))
    }

    /// The text for a name that was matched. What a group that took no part matched is empty.
    pub(super) fn fill(&self, found: &Captures<'_>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Group(number) => {
                    let matched = found.get(*number).map_or("", |found| found.as_str());
                    text.push_str(&matched.to_ascii_lowercase());
                }
            }
        }
        text
    }
}

fn push(parts: &mut Vec<Part>, plain: &str) {
    match parts.last_mut() {
        Some(Part::Plain(before)) => before.push_str(plain),
        _ if plain.is_empty() => {}
        _ => parts.push(Part::Plain(plain.to_owned())),
    }
}

/// What a reference names, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        return braced.split_once('}').filter(|(name, _)| !name.is_empty());
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(name, _)| !name.is_empty())
}

fn group(pattern: &Regex, name: &str) -> Result<usize, String> {
    let number = match name.parse::<usize>() {
        Ok(number) => Some(number).filter(|number| *number < pattern.captures_len()),
        Err(_) => pattern.capture_names().position(|own| own == Some(name)),
    };
    number.ok_or_else(|| format!("the pattern has no group {name}"))
}
