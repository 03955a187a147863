//! Following a chain line by line.

use super::{Hash, Link, Place, Scope};

/// The first thing that is wrong with a log. `line` numbers are those of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The number is not the next: lines were taken out or moved.
    #[error("line {expected} is missing: line {found} stands in its place")]
    Missing {
        /// The line that comes next.
        expected: u64,
        /// The line that stands there.
        found: u64,
    },
    /// The number was there before.
    #[error("line {found} comes a second time or out of order, where line {expected} should be")]
    Again {
        /// The line that comes next.
        expected: u64,
        /// The line that stands there.
        found: u64,
    },
    /// The line's own content does not have the hash it states.
    #[error("line {0} does not have its hash: it, or the line before it, was changed")]
    Changed(u64),
    /// Its place is not after the one of the line before.
    #[error("line {0} is not after the line before it in the feed: it was moved")]
    Moved(u64),
    /// A line without a number or hash after the chain has begun.
    #[error(
        "a line at position {position} is not in the chain, after line {after}: it was put in, or its hash was taken away"
    )]
    Outside {
        /// Its position in the feed.
        position: u64,
        /// The last line of the chain before it.
        after: u64,
    },
    /// The log ends before what is known to be its last line.
    #[error("the log ends with line {found}, but line {expected} was there: its end was cut off")]
    CutOff {
        /// The last line that is known of.
        expected: u64,
        /// The last line that is there.
        found: u64,
    },
    /// The log is not the one that a statement about it is about.
    #[error("line {0} is there, but with another hash than was stated: the log was rewritten")]
    Rewritten(u64),
    /// A statement is about lines before those that are there.
    #[error(
        "the statement is about line {stated}, but what is here begins after line {begin}: it can't be compared"
    )]
    TooOld {
        /// The line of the statement.
        stated: u64,
        /// The last line before those that are there.
        begin: u64,
    },
}

/// A chain as far as it has been followed.
#[derive(Clone, Debug)]
pub struct Walk {
    scope: Scope,
    begin: Link,
    at: Link,
    place: Option<Place>,
    outside: u64,
    stated: Option<Link>,
    met: bool,
}

impl Walk {
    /// From a link: the one before the first line that will come.
    pub const fn new(scope: Scope, begin: Link) -> Self {
        Self {
            scope,
            begin,
            at: begin,
            place: None,
            outside: 0,
            stated: None,
            met: false,
        }
    }

    /// Also compares with a link that is known from elsewhere. Fails at once if it is before the begin.
    pub fn expecting(mut self, stated: Link) -> Result<Self, Fault> {
        if stated.line < self.begin.line {
            return Err(Fault::TooOld {
                stated: stated.line,
                begin: self.begin.line,
            });
        }
        self.stated = Some(stated);
        self.compare()?;
        Ok(self)
    }

    /// Takes a line: its place, the link that it states, if it states one, and the event's own bytes.
    pub fn step(&mut self, place: Place, link: Option<Link>, event: &[u8]) -> Result<(), Fault> {
        let Some(link) = link else {
            return self.step_outside(place);
        };
        let expected = self.at.line.saturating_add(1);
        let found = link.line;
        if found > expected {
            return Err(Fault::Missing { expected, found });
        }
        if found < expected {
            return Err(Fault::Again { expected, found });
        }
        if self.place.is_some_and(|before| place <= before) {
            return Err(Fault::Moved(found));
        }
        let next = self.at.next(self.scope, place, event);
        if next != link {
            return Err(Fault::Changed(found));
        }
        self.at = next;
        self.place = Some(place);
        self.compare()
    }

    /// Lines from before there was a chain come before its first line, and nowhere else.
    fn step_outside(&mut self, place: Place) -> Result<(), Fault> {
        let after = self.at.line;
        if after > 0 {
            let position = place.position;
            return Err(Fault::Outside { position, after });
        }
        self.outside = self.outside.saturating_add(1);
        self.place = Some(place);
        Ok(())
    }

    fn compare(&mut self) -> Result<(), Fault> {
        match self.stated {
            Some(stated) if stated.line == self.at.line => {
                self.met = stated.hash == self.at.hash;
                if self.met {
                    Ok(())
                } else {
                    Err(Fault::Rewritten(stated.line))
                }
            }
            _ => Ok(()),
        }
    }

    /// The end: `last` is what is known to be the last line, if anything is.
    pub fn finish(&self, last: Option<Link>) -> Result<(), Fault> {
        let found = self.at.line;
        let cut = |expected| Fault::CutOff { expected, found };
        if let Some(stated) = self.stated.filter(|_| !self.met) {
            return Err(cut(stated.line));
        }
        match last {
            Some(last) if last.line > found => Err(cut(last.line)),
            Some(last) if last != self.at => Err(Fault::Rewritten(found)),
            _ => Ok(()),
        }
    }

    /// The last line so far.
    pub const fn at(&self) -> Link {
        self.at
    }

    /// The link before the first line.
    pub const fn begin(&self) -> Link {
        self.begin
    }

    /// How many lines from before there was a chain.
    pub const fn outside(&self) -> u64 {
        self.outside
    }

    /// Whose lines.
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// The hash so far.
    pub const fn hash(&self) -> Hash {
        self.at.hash
    }
}
