//! Figures for Prometheus of passes, source by source.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use aeolus_kube::pass::{Done, Outcome};
use aeolus_kube::sync::Step;
use aeolus_model::Time;

use crate::files;
use crate::report::Failure;

/// What was found out so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    looked: Option<Time>,
    succeeded: Option<Time>,
    failed: bool,
    seconds: f64,
    sources: BTreeMap<String, Source>,
    held_back: usize,
    unread: usize,
    written: u64,
}

#[derive(Clone, Debug, Default)]
struct Source {
    current: usize,
    wanted: usize,
    refused: bool,
    /// Since when some copy isn't as it should be.
    behind: Option<Time>,
    not_after: Option<Time>,
}

impl Figures {
    /// Takes in what came of a pass; none: nothing could be done.
    pub(super) fn heard(&mut self, outcome: Option<&Outcome>, now: Time) {
        self.looked = Some(now);
        self.failed = outcome.is_none_or(|outcome| !super::shown::reports(outcome).is_empty());
        if !self.failed {
            self.succeeded = Some(now);
        }
        let Some(outcome) = outcome else { return };
        self.seconds = outcome.took.as_secs_f64();
        self.held_back = outcome.plan.held_back.map_or(0, |held| held.wanted);
        self.unread = outcome.unread.len();
        self.written += outcome.plan.writes().count() as u64;
        let before = std::mem::take(&mut self.sources);
        for state in &outcome.plan.sources {
            let pair = state
                .source
                .as_ref()
                .ok()
                .and_then(|source| source.pair.as_ref());
            let source = Source {
                refused: state.source.is_err(),
                not_after: pair.map(|pair| pair.not_after),
                ..Source::default()
            };
            self.sources.insert(state.place.to_string(), source);
        }
        for (entry, done) in outcome.plan.entries.iter().zip(&outcome.done) {
            // A copy whose source is gone counts as one of nobody's.
            let Some(source) = self.sources.get_mut(&entry.source.to_string()) else {
                continue;
            };
            match (&entry.step, done) {
                (Step::Skip { .. }, _) | (_, Done::Gone) => {}
                (
                    Step::Current | Step::Create(_) | Step::Update { .. } | Step::Recreate { .. },
                    Done::Yes,
                ) => {
                    source.wanted += 1;
                    source.current += 1;
                }
                _ => source.wanted += 1,
            }
        }
        for (name, source) in &mut self.sources {
            let is_behind = source.refused || source.current < source.wanted;
            let since = before.get(name).and_then(|source| source.behind);
            source.behind = is_behind.then(|| since.unwrap_or(now));
        }
    }

    /// Into a file, where one is named.
    pub(super) fn write(&self, path: Option<&Path>) -> Result<(), Failure> {
        path.map_or(Ok(()), |path| {
            files::write_public(path, self.render().as_bytes())
        })
    }

    /// In the text format.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        self.passes(&mut text);
        self.by_source(&mut text);
        text
    }

    fn passes(&self, text: &mut String) {
        let time = |time: Option<Time>| time.map(|time| time.secs().to_string());
        for (name, kind, help, value) in [
            (
                "failed",
                "gauge",
                "Whether the last pass found something to look at.",
                Some(u8::from(self.failed).to_string()),
            ),
            (
                "pass_timestamp_seconds",
                "gauge",
                "When the last pass was.",
                time(self.looked),
            ),
            (
                "success_timestamp_seconds",
                "gauge",
                "When the last pass was that found nothing to look at.",
                time(self.succeeded),
            ),
            (
                "pass_seconds",
                "gauge",
                "How long the last pass took.",
                Some(format!("{:.3}", self.seconds)),
            ),
            (
                "held_back_deletions",
                "gauge",
                "Copies that should go and stay, because they are many.",
                Some(self.held_back.to_string()),
            ),
            (
                "unread_namespaces",
                "gauge",
                "Namespaces that couldn't be read.",
                Some(self.unread.to_string()),
            ),
            (
                "writes_total",
                "counter",
                "Copies that were to be written or deleted, over all passes.",
                Some(self.written.to_string()),
            ),
        ] {
            let value = value.map(|value| (String::new(), value));
            metric(text, (name, kind, help), value);
        }
    }

    fn by_source(&self, text: &mut String) {
        let mut of = |name, help, value: &dyn Fn(&Source) -> Option<String>| {
            let sources = self.sources.iter();
            let values = sources.filter_map(|(name, source)| {
                Some((format!("{{source=\"{name}\"}}"), value(source)?))
            });
            metric(text, (name, "gauge", help), values);
        };
        of(
            "copies_wanted",
            "Places that should have a copy of this source.",
            &|source| Some(source.wanted.to_string()),
        );
        of(
            "copies_current",
            "Those that have it as it is.",
            &|source| Some(source.current.to_string()),
        );
        of(
            "source_refused",
            "Whether this source isn't copied, for a reason that the log says.",
            &|source| Some(u8::from(source.refused).to_string()),
        );
        of(
            "source_lag_seconds",
            "How long some copy of this source hasn't been as it should be.",
            &|source| {
                let since = source.behind.zip(self.looked);
                let lag = since.map_or(0, |(since, now)| now.since(since).as_secs());
                Some(lag.to_string())
            },
        );
        of(
            "source_not_after_timestamp_seconds",
            "When the certificate of this source ends.",
            &|source| source.not_after.map(|end| end.secs().to_string()),
        );
    }
}

/// One metric with its values by labels; nothing where there are none.
fn metric(
    text: &mut String,
    (name, kind, help): (&str, &str, &str),
    values: impl IntoIterator<Item = (String, String)>,
) {
    let mut values = values.into_iter().peekable();
    if values.peek().is_none() {
        return;
    }
    let name = format!("aeolus_kube_sync_{name}");
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    for (labels, value) in values {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}
