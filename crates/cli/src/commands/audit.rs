//! `aeolus audit`.

mod follow;
mod verify;

use std::io::Write as _;
use std::time::Duration;

use aeolus_api::audit::AuditLine;
use aeolus_api::client::{AuditQuery, Client};
use aeolus_model::{Actor, Clock as _, Outcome};

use super::Context;
use crate::args::{AuditCheckpoint, AuditExport, AuditOf, AuditTail};
use crate::control_client::{organization, refused};
use crate::moments::written;
use crate::report::{Failure, Report};
use crate::ui::{self, Output, plain};

pub(super) use verify::verify;

/// How often is asked for what is new.
const EVERY: Duration = Duration::from_secs(1);
/// The most lines that control gives at once.
const PAGE: u32 = 200;

impl AuditOf {
    /// A client, and whose lines it asks for.
    async fn query(&self, context: &Context) -> Result<(Client, AuditQuery), Failure> {
        let client = self.target.client(&context.environment).await?;
        let organization = if self.all {
            None
        } else {
            Some(organization(&client, self.organization.as_ref()).await?)
        };
        let query = AuditQuery {
            organization,
            parameters: Vec::new(),
        };
        Ok((client, query))
    }
}

/// Shows the newest lines, and perhaps what follows.
pub(super) async fn tail(args: &AuditTail, context: &Context) -> Result<(), Failure> {
    let (client, mut query) = args.of.query(context).await?;
    let now = context.clock.now();
    let since = args.since.map(|since| since.secs(now).to_string());
    let wanted = [
        ("actor", args.actor.clone()),
        ("action", args.action.clone()),
        ("target", args.target_is.clone()),
        ("outcome", args.outcome.clone()),
        ("since", since),
    ];
    let wanted = wanted.into_iter();
    query.parameters = wanted
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let newest = follow::newest(&client, &query, args.lines).await?;
    for line in &newest.lines {
        show(context.output, line)?;
    }
    if !args.follow {
        return Ok(());
    }
    let mut after = newest.after;
    query.parameters.push(("limit", PAGE.to_string()));
    loop {
        let page = client.audit(&query, Some(&after)).await.map_err(refused)?;
        for line in &page.items {
            show(context.output, line)?;
        }
        let last = page.items.last().map(|line| line.cursor.clone());
        let more = page.next_cursor.is_some();
        after = page.next_cursor.or(last).unwrap_or(after);
        if !more {
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// Writes the log to standard output.
pub(super) async fn export(args: &AuditExport, context: &Context) -> Result<(), Failure> {
    let (client, mut query) = args.of.query(context).await?;
    let now = context.clock.now();
    for (name, moment) in [("since", args.since), ("until", args.until)] {
        let secs = moment.map(|moment| moment.secs(now).to_string());
        query.parameters.extend(secs.map(|secs| (name, secs)));
    }
    let mut out = std::io::stdout().lock();
    let mut ended = Ended::default();
    let mut written = Ok(());
    let piece = |piece: &[u8]| {
        ended.take(piece);
        written = out.write_all(piece);
        written.is_ok()
    };
    let exported = client.audit_export(&query, piece).await;
    exported.map_err(refused)?;
    let flushed = written.and_then(|()| out.flush());
    flushed.map_err(|error| {
        Report::new(
            "AUDIT-0003",
            format!("the export can't be written: {error}"),
        )
        .why("What was written so far has no last line, so it can't be verified.")
        .help("check the space left, and export again")
        .failed()
    })?;
    if ended.with_footer() {
        return Ok(());
    }
    Err(Report::new("AUDIT-0004", "control broke the export off")
        .why("What was written has no last line, so it can't be verified.")
        .help("look into control's log, and export again")
        .failed())
}

/// The last line of what passes by, as far as it is needed to see whether it is the footer.
#[derive(Default)]
struct Ended {
    line: Vec<u8>,
    whole: bool,
}

impl Ended {
    fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            if self.whole {
                self.line.clear();
                self.whole = false;
            }
            if *byte == b'\n' {
                self.whole = true;
            } else if self.line.len() < FOOTER.len() {
                self.line.push(*byte);
            }
        }
    }

    fn with_footer(&self) -> bool {
        self.whole && self.line == FOOTER
    }
}

/// How a footer begins.
const FOOTER: &[u8] = b"{\"end\":";

/// Prints control's signed word of how far the log goes.
pub(super) async fn checkpoint(args: &AuditCheckpoint, context: &Context) -> Result<(), Failure> {
    let (client, query) = args.of.query(context).await?;
    let said = client.audit_checkpoint(&query).await.map_err(refused)?;
    if context.output == Output::Table {
        ui::line(&said.checkpoint);
        return Ok(());
    }
    ui::answer(context.output, &said, &ui::Table::default())
}

/// One line for people, or one JSON object for programs.
fn show(output: Output, line: &AuditLine) -> Result<(), Failure> {
    if output != Output::Table {
        return ui::answer(output, line, &ui::Table::default());
    }
    let event = &line.event;
    let mut text = format!(
        "{}  {}  {}  {}  {}",
        written(event.at),
        who(&event.actor),
        event.action.name(),
        outcome(event.outcome),
        plain(&event.target),
    );
    for (name, value) in [("reason", &event.reason), ("from", &event.source)] {
        if !value.is_empty() {
            text = format!("{text}  {name}={}", plain(value));
        }
    }
    for change in &event.changes {
        let side = |side: &Option<String>| side.as_deref().map_or_else(|| "-".to_owned(), plain);
        let (before, after) = (side(&change.before), side(&change.after));
        text = format!("{text}  {}: {before} -> {after}", plain(&change.field));
    }
    ui::line(&text);
    Ok(())
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::User(id) => format!("user {id}"),
        Actor::Token(id) => format!("token {id}"),
        Actor::Plane(id) => format!("plane {id}"),
        Actor::Scim(client) => format!("scim client {client}"),
        Actor::System => "system".to_owned(),
        Actor::Anonymous => "anonymous".to_owned(),
    }
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Denied => "denied",
        Outcome::Failure => "failure",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_end_only_if_the_last_line_is_a_footer() {
        let ends = |pieces: &[&str]| {
            let mut ended = Ended::default();
            for piece in pieces {
                ended.take(piece.as_bytes());
            }
            ended.with_footer()
        };
        assert!(ends(&["{\"line\":1}\n{\"en", "d\":{}}\n"]));
        assert!(!ends(&["{\"end\":{}}"]));
        assert!(!ends(&["{\"end\":{}}\n{\"line\":1}\n"]));
        assert!(!ends(&[]));
    }
}
