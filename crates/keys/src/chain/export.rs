//! The file in which a log leaves control: one JSON object a line. First a header, then the lines,
//! last a footer. Whoever has it can follow the chain without asking anybody.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Fault, Hash, Link, Place, Scope, Walk};

/// The most bytes that a line of the file may have.
pub const MAX_LINE: usize = 8 * 1024 * 1024;

/// The version of the form.
const FORM: u32 = 1;

/// The first line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// The version of the form: 1.
    pub aeolus_audit: u32,
    /// Control's public URL.
    pub issuer: String,
    /// Whose lines.
    pub scope: Scope,
    /// The chain before the first line.
    pub begin: Link,
}

impl Header {
    /// The header of this version.
    pub const fn new(issuer: String, scope: Scope, begin: Link) -> Self {
        Self {
            aeolus_audit: FORM,
            issuer,
            scope,
            begin,
        }
    }
}

/// A line of the log in the file. What was written before there was a chain has no number and no hash.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line<'a> {
    /// Its number in the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The transaction's position in the feed.
    pub position: u64,
    /// Its place in that.
    pub ordinal: u32,
    /// Its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
    /// What it says, byte by byte as it was hashed.
    #[serde(borrow)]
    pub event: &'a RawValue,
}

/// The last line of the file. A file without one was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Footer {
    /// The chain after the last line.
    pub end: Link,
    /// Control's signed word of it; absent where no line is in the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Not one of the three kinds of line, where it stands.
    #[error("it is not what an export of the audit log has there")]
    Form,
    /// Longer than [`MAX_LINE`].
    #[error("it is longer than any line of an export")]
    TooLong,
    /// A version that this program doesn't know.
    #[error("the export has form {0}, which this version can't read")]
    Version(u32),
    /// The file ends without a footer.
    #[error("the file ends without its last line: it was cut off")]
    NoFooter,
    /// Something follows the footer.
    #[error("something was put behind the file's last line")]
    AfterFooter,
    /// The statement to compare with is about another log.
    #[error("the checkpoint is about the log of {0}, the export is of another")]
    OtherLog(String),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] Fault),
}

/// What is wrong, and on which line of the file, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {at} of the file: {error}")]
pub struct Finding {
    /// The file's line.
    pub at: u64,
    /// What is wrong.
    pub error: ExportError,
}

/// A file whose chain holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whose lines, and of which control.
    pub header: Header,
    /// The chain's end, and control's signed word of it, which has not been looked at.
    pub footer: Footer,
    /// How many lines from before there was a chain.
    pub outside: u64,
}

/// What a kept checkpoint says, after its signature was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Of which control.
    pub issuer: String,
    /// Whose lines.
    pub scope: Scope,
    /// The chain then.
    pub link: Link,
}

/// A file as far as it was read. Holds no line: a file of any size needs the same room.
#[derive(Debug, Default)]
pub struct Export {
    stated: Option<Stated>,
    open: Option<(Header, Walk)>,
    footer: Option<Footer>,
    read: u64,
}

impl Export {
    /// Also compares with a checkpoint that was kept.
    pub fn comparing(stated: Stated) -> Self {
        Self {
            stated: Some(stated),
            ..Self::default()
        }
    }

    /// Takes the file's next line, without its line end.
    pub fn line(&mut self, text: &[u8]) -> Result<(), Finding> {
        self.read = self.read.saturating_add(1);
        let taken = self.take(text);
        taken.map_err(|error| self.finding(error))
    }

    fn finding(&self, error: ExportError) -> Finding {
        Finding {
            at: self.read,
            error,
        }
    }

    fn take(&mut self, text: &[u8]) -> Result<(), ExportError> {
        if text.len() > MAX_LINE {
            return Err(ExportError::TooLong);
        }
        if self.footer.is_some() {
            return Err(ExportError::AfterFooter);
        }
        let text = std::str::from_utf8(text).map_err(|_| ExportError::Form)?;
        let Some((_, walk)) = &mut self.open else {
            self.open = Some(open(text, self.stated.as_ref())?);
            return Ok(());
        };
        if let Ok(line) = serde_json::from_str::<Line<'_>>(text) {
            let link = match (line.line, line.hash) {
                (Some(line), Some(hash)) => Some(Link { line, hash }),
                (None, None) => None,
                _ => return Err(ExportError::Form),
            };
            let place = Place {
                position: line.position,
                ordinal: line.ordinal,
            };
            return Ok(walk.step(place, link, line.event.get().as_bytes())?);
        }
        let footer: Footer = serde_json::from_str(text).map_err(|_| ExportError::Form)?;
        walk.finish(Some(footer.end))?;
        self.footer = Some(footer);
        Ok(())
    }

    /// The file's end.
    pub fn end(mut self) -> Result<Verified, Finding> {
        let Some(footer) = self.footer.take() else {
            self.read = self.read.saturating_add(1);
            return Err(self.finding(ExportError::NoFooter));
        };
        let Some((header, walk)) = self.open.take() else {
            return Err(self.finding(ExportError::Form));
        };
        Ok(Verified {
            header,
            footer,
            outside: walk.outside(),
        })
    }

    /// The last line of the chain so far.
    pub fn at(&self) -> Link {
        self.open
            .as_ref()
            .map_or(Link::START, |(_, walk)| walk.at())
    }
}

fn open(text: &str, stated: Option<&Stated>) -> Result<(Header, Walk), ExportError> {
    let header: Header = serde_json::from_str(text).map_err(|_| ExportError::Form)?;
    if header.aeolus_audit != FORM {
        return Err(ExportError::Version(header.aeolus_audit));
    }
    let mut walk = Walk::new(header.scope, header.begin);
    if let Some(stated) = stated {
        if (&stated.issuer, stated.scope) != (&header.issuer, header.scope) {
            let whose = format!("{} at {}", stated.scope, stated.issuer);
            return Err(ExportError::OtherLog(whose));
        }
        walk = walk.expecting(stated.link)?;
    }
    Ok((header, walk))
}
