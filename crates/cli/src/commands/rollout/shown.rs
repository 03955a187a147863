//! Rollouts as people read them.

use std::fmt::Write as _;

use aeolus_api::rollout::{PathFigures, Rollout, Stage};

use crate::ui::Table;

/// One line each.
pub(super) fn table(rollouts: &[Rollout]) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "STAGE",
        "PATH",
        "SHARE",
        "LISTED",
        "ABOUT",
        "SHADOW",
        "FALL-BACK",
    ]);
    for rollout in rollouts {
        let settings = &rollout.settings;
        let share = match rollout.stage {
            Stage::Running => format!("{} %", settings.percent),
            Stage::Promoted => "all".to_owned(),
            Stage::Aborted => "none".to_owned(),
        };
        let planes = settings.rule.planes.iter().map(ToString::to_string);
        let places = settings.rule.within.iter().map(ToString::to_string);
        let about: Vec<_> = planes.chain(places).collect();
        let about = if about.is_empty() {
            "everything".to_owned()
        } else {
            about.join(" ")
        };
        let shadow = match settings.shadowed() {
            0 => "off".to_owned(),
            share => format!("{share} %"),
        };
        let fall_back = settings.fall_back.map(|terms| {
            let terms = terms.filled();
            format!("{} % bad, {} ms", terms.bad_percent, terms.slow.as_millis())
        });
        table.row([
            settings.name.to_string(),
            rollout.stage.name().to_owned(),
            settings.path.to_string(),
            share,
            settings.deployments.len().to_string(),
            about,
            shadow,
            fall_back.unwrap_or_else(|| "off".to_owned()),
        ]);
    }
    table
}

/// What gates have counted of one, below the table.
pub(super) fn figures(rollout: &Rollout) -> String {
    let figures = &rollout.figures;
    let mut text = String::new();
    let name = &rollout.settings.name;
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "\n{name}, as {} gates have counted since their starts:",
        figures.gates
    );
    for path in &figures.paths {
        text.push_str(&path_line(path));
    }
    let _ = writeln!(
        text,
        "  compared {}, could not compare {}",
        figures.compared, figures.uncompared
    );
    for difference in &figures.differences {
        let _ = writeln!(
            text,
            "    {} times: plane {}, central {}",
            difference.count, difference.plane, difference.central
        );
    }
    if !figures.fallen.is_empty() {
        let fallen: Vec<_> = figures.fallen.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  fallen back: {}", fallen.join(" "));
    }
    for (path, gates) in &figures.kill_switches {
        let _ = writeln!(text, "  kill switch of {gates} gates: {path}");
    }
    text
}

fn path_line(path: &PathFigures) -> String {
    let denials: Vec<_> = path
        .denials
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    let denials = if denials.is_empty() {
        "none".to_owned()
    } else {
        denials.join(", ")
    };
    format!(
        "  {:8} {} requests, {} errors, p50 {} µs, p99 {} µs; denials: {denials}\n",
        path.path.name(),
        path.requests,
        path.errors,
        path.p50_micros,
        path.p99_micros
    )
}
