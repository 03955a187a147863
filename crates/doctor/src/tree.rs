//! A configuration as a tree of directives: nginx, Caddy, HAProxy and Apache fit it.

use crate::Beside;

/// A line with its words, and the block behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directive {
    /// Its line, counted from 1.
    pub line: usize,
    /// Its first word.
    pub name: String,
    /// The words after it.
    pub args: Vec<String>,
    /// What is in its block.
    pub block: Vec<Self>,
}

/// A text that is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Malformed {
    /// Where.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl Malformed {
    pub(crate) fn new(line: usize, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { line, what }
    }
}

impl Directive {
    /// A word after the name, counted from 0; empty if there is none.
    pub(crate) fn arg(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }

    /// Whether it is called so, in any case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Deepest nesting that anybody writes.
const DEPTH: usize = 64;

/// Builds a tree without recursion: the text decides how deep it is.
#[derive(Default)]
pub(crate) struct Builder {
    done: Vec<Directive>,
    open: Vec<Directive>,
}

impl Builder {
    /// Adds a directive of these words; none without words.
    pub(crate) fn leaf(&mut self, line: usize, words: &mut Vec<String>) {
        if !words.is_empty() {
            self.add(directive(line, words));
        }
    }

    /// Opens the block of a directive of these words.
    pub(crate) fn open(&mut self, line: usize, words: &mut Vec<String>) -> Result<(), Malformed> {
        if self.open.len() >= DEPTH {
            return Err(Malformed::new(line, "blocks are nested too deeply"));
        }
        self.open.push(directive(line, words));
        Ok(())
    }

    /// Closes a block.
    pub(crate) fn close(&mut self, line: usize) -> Result<(), Malformed> {
        let closed = self.open.pop();
        let closed = closed.ok_or_else(|| Malformed::new(line, "a block ends that never began"))?;
        self.add(closed);
        Ok(())
    }

    fn add(&mut self, directive: Directive) {
        match self.open.last_mut() {
            Some(parent) => parent.block.push(directive),
            None => self.done.push(directive),
        }
    }

    /// The tree.
    pub(crate) fn finish(self) -> Result<Vec<Directive>, Malformed> {
        match self.open.last() {
            Some(open) => Err(Malformed::new(
                open.line,
                format!("the block of {} never ends", open.name),
            )),
            None => Ok(self.done),
        }
    }
}

fn directive(line: usize, words: &mut Vec<String>) -> Directive {
    let mut words = std::mem::take(words).into_iter();
    Directive {
        line,
        name: words.next().unwrap_or_default(),
        args: words.collect(),
        block: Vec::new(),
    }
}

/// How deep included files may include others.
const INCLUDES: usize = 4;

/// Puts in the place of each `include` what the file of that name next to this one says. Others are
/// noted.
pub(crate) struct Includes<'a> {
    /// The directives that include.
    pub(crate) names: &'static [&'static str],
    /// How such a file is read.
    pub(crate) parse: fn(&str) -> Result<Vec<Directive>, Malformed>,
    /// The files.
    pub(crate) beside: &'a dyn Beside,
}

impl Includes<'_> {
    pub(crate) fn follow(
        &self,
        tree: Vec<Directive>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Directive>, Malformed> {
        self.at(tree, notes, 0)
    }

    fn at(
        &self,
        tree: Vec<Directive>,
        notes: &mut Vec<String>,
        depth: usize,
    ) -> Result<Vec<Directive>, Malformed> {
        let mut followed = Vec::new();
        for mut directive in tree {
            if !self.names.iter().any(|name| directive.is(name)) {
                let block = std::mem::take(&mut directive.block);
                directive.block = self.at(block, notes, depth)?;
                followed.push(directive);
                continue;
            }
            let path = directive.arg(0).to_owned();
            match self.beside.file(name_of(&path)) {
                Some(text) if depth < INCLUDES => {
                    let included = (self.parse)(&text).map_err(|error| {
                        Malformed::new(error.line, format!("in {path}: {}", error.what))
                    })?;
                    followed.extend(self.at(included, notes, depth.saturating_add(1))?);
                }
                _ => {
                    notes.push(not_followed(&path));
                    followed.push(directive);
                }
            }
        }
        Ok(followed)
    }
}

/// The name of a path's file.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The note about a file that was not looked at.
pub(crate) fn not_followed(path: &str) -> String {
    format!(
        "{path} was not looked at: only a file of that very name in the folder of the examined one is"
    )
}
