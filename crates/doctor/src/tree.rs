//! A configuration as a tree of directives: nginx, Caddy, HAProxy and Apache fit it.

use std::collections::BTreeMap;

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

    /// The name of the directive whose block is open.
    pub(crate) fn current(&self) -> Option<&str> {
        self.open.last().map(|open| open.name.as_str())
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

/// How deep included files may include others, and how many in all.
const INCLUDES: usize = 4;
const IN_ALL: usize = 64;

/// Puts in the place of each `include` what the file of that name next to this one says. Others are
/// noted.
pub(crate) struct Includes<'a> {
    /// The directives that include.
    pub(crate) names: &'static [&'static str],
    /// How such a file is read.
    pub(crate) parse: fn(&str) -> Result<Vec<Directive>, Malformed>,
    /// The files.
    pub(crate) beside: &'a dyn Beside,
    /// Blocks of this text that can be included by name.
    pub(crate) snippets: BTreeMap<String, Vec<Directive>>,
}

impl Includes<'_> {
    pub(crate) fn follow(
        &self,
        tree: Vec<Directive>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Directive>, Malformed> {
        let mut walk = Walk {
            includes: self,
            notes,
            left: IN_ALL,
        };
        walk.at(tree, 0)
    }
}

/// One walk through a tree that follows its includes.
struct Walk<'a> {
    includes: &'a Includes<'a>,
    notes: &'a mut Vec<String>,
    left: usize,
}

impl Walk<'_> {
    fn at(&mut self, tree: Vec<Directive>, depth: usize) -> Result<Vec<Directive>, Malformed> {
        let mut followed = Vec::new();
        for mut directive in tree {
            let names = self.includes.names;
            if !names.iter().any(|name| directive.is(name)) {
                let block = std::mem::take(&mut directive.block);
                directive.block = self.at(block, depth)?;
                followed.push(directive);
            } else if let Some(included) = self.included(directive.arg(0), depth)? {
                followed.extend(self.at(included, depth.saturating_add(1))?);
            } else {
                self.notes.push(not_followed(directive.arg(0)));
                followed.push(directive);
            }
        }
        Ok(followed)
    }

    fn included(&mut self, path: &str, depth: usize) -> Result<Option<Vec<Directive>>, Malformed> {
        if depth >= INCLUDES || self.left == 0 {
            return Ok(None);
        }
        if let Some(snippet) = self.includes.snippets.get(path) {
            self.left = self.left.saturating_sub(1);
            return Ok(Some(snippet.clone()));
        }
        let Some(text) = self.includes.beside.file(name_of(path)) else {
            return Ok(None);
        };
        self.left = self.left.saturating_sub(1);
        let included = (self.includes.parse)(&text);
        included.map(Some).map_err(|error| {
            let what = format!("in {path}: {}", error.what);
            Malformed::new(error.line, what)
        })
    }
}

/// A directive and the blocks around it.
pub(crate) struct Spot<'a> {
    pub(crate) line: &'a Directive,
    /// The name of the block's owner and the block, nearest first; the text's own has no name.
    pub(crate) around: Vec<(&'a str, &'a [Directive])>,
}

impl<'a> Spot<'a> {
    /// All directives of this name in the blocks around it, nearest first.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a Directive> {
        let all = self.around.iter().flat_map(|(_, block)| block.iter());
        all.filter(move |line| line.is(name))
    }
}

/// Every directive for which this holds, wherever it is.
pub(crate) fn spots(tree: &[Directive], wanted: fn(&Directive) -> bool) -> Vec<Spot<'_>> {
    let mut found = Vec::new();
    look("", tree, &[], wanted, &mut found);
    found
}

fn look<'a>(
    name: &'a str,
    block: &'a [Directive],
    outer: &[(&'a str, &'a [Directive])],
    wanted: fn(&Directive) -> bool,
    found: &mut Vec<Spot<'a>>,
) {
    let mut around = vec![(name, block)];
    around.extend(outer);
    for line in block {
        if wanted(line) {
            let around = around.clone();
            found.push(Spot { line, around });
        }
        look(&line.name, &line.block, &around, wanted, found);
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
