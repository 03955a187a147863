//! The conditions of HAProxy's rules.

use crate::tree::Directive;

/// The words after `if` or `unless`, as one text with a space at both ends.
pub(super) fn condition(line: &Directive) -> String {
    let words = line.args.iter();
    let at = words
        .into_iter()
        .position(|word| word == "if" || word == "unless");
    let words = at.and_then(|at| line.args.get(at..)).unwrap_or_default();
    match words.split_first() {
        // One test that is turned round is the same test with a bang.
        Some((unless, [brace, rest @ ..])) if unless == "unless" && brace == "{" => {
            format!(" !{{ {} ", rest.join(" "))
        }
        Some((_, rest)) => format!(" {} ", rest.join(" ")),
        None => String::new(),
    }
}

/// Whether it refuses what its condition finds.
pub(super) fn refuses(line: &Directive) -> bool {
    line.is("http-request") && matches!(line.arg(0), "deny" | "reject" | "tarpit")
}

/// Whether a condition excepts nothing but the gate's own pages.
pub(super) fn only_pages(front: &Directive, condition: &str) -> bool {
    condition.split_whitespace().all(|word| {
        word.strip_prefix('!')
            .is_some_and(|name| is_pages(front, name))
    })
}

/// Whether a named test finds the gate's own pages only; of several under one name each counts.
fn is_pages(front: &Directive, name: &str) -> bool {
    let lines = front.block.iter();
    let mut tests = lines
        .filter(|line| line.is("acl") && line.arg(0) == name)
        .peekable();
    tests.peek().is_some()
        && tests.all(|test| matches!(test.args.as_slice(), [_, how, what] if how == "path_beg" && what == "/.aeolus/"))
}
