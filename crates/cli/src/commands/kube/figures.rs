//! Figures for Prometheus, of what the cluster has.

use std::fmt::Write as _;
use std::path::Path;

use aeolus_kube::Place;
use aeolus_model::Time;
use aeolus_snapshot::Position;

use crate::files;
use crate::report::Failure;

/// What was found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Until when the certificate that signs is good.
    pub(super) not_after: Option<Time>,
    /// The position that the Secret's certificate was of when it was written.
    pub(super) written: Option<Position>,
    /// The replica's position.
    pub(super) replica: Option<Position>,
}

/// Writes them; without any it is only said that it failed, and when.
pub(super) fn write(
    path: &Path,
    place: &Place,
    (figures, now): (Option<&Figures>, Time),
) -> Result<(), Failure> {
    files::write_public(path, render(place, figures, now).as_bytes())
}

fn render(place: &Place, figures: Option<&Figures>, now: Time) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: Option<i64>| {
        let Some(value) = value else { return };
        let name = format!("aeolus_kube_certificate_{name}");
        let _ = writeln!(text, "# HELP {name} {help}");
        let _ = writeln!(text, "# TYPE {name} gauge");
        let Place {
            namespace,
            name: secret,
        } = place;
        let _ = writeln!(
            text,
            "{name}{{namespace=\"{namespace}\",secret=\"{secret}\"}} {value}"
        );
    };
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let written = figures.and_then(|figures| figures.written);
    let replica = figures.and_then(|figures| figures.replica);
    gauge(
        "failed",
        "Whether the last look ended in a failure.",
        Some(i64::from(figures.is_none())),
    );
    gauge(
        "looked_timestamp_seconds",
        "When the last look was.",
        Some(now.secs()),
    );
    gauge(
        "not_after_timestamp_seconds",
        "Until when the certificate of the key that signs is good.",
        figures.and_then(|figures| Some(figures.not_after?.secs())),
    );
    gauge(
        "revision_epoch",
        "The epoch of the position that the Secret's certificate was of when it was written.",
        written.map(|position| number(position.epoch)),
    );
    gauge(
        "revision_seq",
        "That position.",
        written.map(|position| number(position.seq)),
    );
    gauge(
        "replica_seq",
        "The position that the gate's replica is at.",
        replica.map(|position| number(position.seq)),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);

    #[test]
    fn figures_say_what_the_cluster_has_or_that_it_failed() {
        let place = Place::new("platform", "a-houston-jwt-signing-certificate");
        let at = |seq| Some(Position { epoch: 2, seq });
        let figures = Figures {
            not_after: Some(Time::from_secs(1_900_000_000)),
            written: at(7),
            replica: at(9),
        };
        let text = render(&place, Some(&figures), NOW);
        let label = "{namespace=\"platform\",secret=\"a-houston-jwt-signing-certificate\"}";
        for (name, value) in [
            ("failed", "0"),
            ("looked_timestamp_seconds", "1800000000"),
            ("not_after_timestamp_seconds", "1900000000"),
            ("revision_epoch", "2"),
            ("revision_seq", "7"),
            ("replica_seq", "9"),
        ] {
            let line = format!("\naeolus_kube_certificate_{name}{label} {value}\n");
            assert!(text.contains(&line), "{name}: {text}");
        }
        let failed = render(&place, None, NOW);
        assert!(failed.contains(&format!("_failed{label} 1\n")));
        assert!(!failed.contains("revision"));
    }
}
