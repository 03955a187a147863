//! What a sink is given at once.

use aeolus_keys::chain::Line;
use aeolus_model::Time;
use aeolus_store::{AuditCursor, AuditLine};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Lines of a batch at most.
pub(super) const LINES: u32 = 200;
/// Bytes of a batch, beyond its first line.
const BYTES: usize = 1024 * 1024;

/// Lines as NDJSON, each as in an export: its number and hash in the chain of the installation, and the
/// event.
pub(super) struct Batch {
    pub(super) text: Vec<u8>,
    pub(super) from: AuditCursor,
    pub(super) to: AuditCursor,
}

impl Batch {
    /// The first of these lines, as many as fit; none if there are none.
    pub(super) fn of(lines: &[AuditLine]) -> Option<Self> {
        let first = lines.first()?;
        let mut batch = Self {
            text: Vec::new(),
            from: first.cursor,
            to: first.cursor,
        };
        for line in lines {
            if !batch.text.is_empty() && batch.text.len() + line.text.len() > BYTES {
                break;
            }
            batch.push(line);
        }
        Some(batch)
    }

    fn push(&mut self, line: &AuditLine) {
        // What somebody made unreadable in the database is passed on as a text: a sink must see it too,
        // and it must hold up nothing that follows.
        let event = RawValue::from_string(line.text.clone());
        let event = event.or_else(|_| serde_json::value::to_raw_value(&line.text));
        let Ok(event) = event else {
            return;
        };
        let shown = Line {
            line: line.link.map(|link| link.line),
            position: line.cursor.position,
            ordinal: line.cursor.ordinal,
            hash: line.link.map(|link| link.hash),
            event: &event,
        };
        if serde_json::to_writer(&mut self.text, &shown).is_ok() {
            self.text.push(b'\n');
            self.to = line.cursor;
        }
    }
}

#[derive(Deserialize)]
struct When {
    at: Time,
}

/// When a line's event happened; the epoch if that can't be read.
pub(super) fn when(line: &AuditLine) -> Time {
    let when = serde_json::from_str::<When>(&line.text);
    when.map_or(Time::EPOCH, |when| when.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(position: u64, text: &str) -> AuditLine {
        AuditLine {
            cursor: AuditCursor {
                position,
                ordinal: 0,
            },
            text: text.to_owned(),
            link: None,
            own: None,
        }
    }

    #[test]
    fn a_batch_is_bounded_and_has_every_line_whatever_was_done_to_it() {
        let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(700_000));
        let lines = [line(1, &large), line(2, "no JSON \u{1b}"), line(3, &large)];
        let batch = Batch::of(&lines).unwrap();
        assert_eq!((batch.from.position, batch.to.position), (1, 2));
        let text = String::from_utf8(batch.text).unwrap();
        assert_eq!(text.lines().count(), 2);
        let second: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(second["event"], "no JSON \u{1b}");
        assert!(Batch::of(&[]).is_none());
        assert_eq!(when(&line(1, r#"{"at":7}"#)), Time::from_millis(7));
        assert_eq!(when(&lines[1]), Time::EPOCH);
    }
}
