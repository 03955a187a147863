//! What was found, as it is printed.

use serde::Serialize;

use super::Place;
use super::line::{Line, Outcome};
use crate::args::ScimProfile;
use crate::report::Failure;
use crate::ui::{self, Output, Table};

/// Everything there is to say.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    connection: String,
    endpoint: String,
    profile: &'static str,
    passed: usize,
    warned: usize,
    failed: usize,
    skipped: usize,
    lines: Vec<Line>,
    /// What could not be deleted.
    left_behind: Vec<String>,
}

impl Shown {
    pub(super) fn of(place: &Place, lines: Vec<Line>, left_behind: Vec<String>) -> Self {
        let count = |wanted| lines.iter().filter(|line| line.result == wanted).count();
        Self {
            connection: place.connection.clone(),
            endpoint: place.endpoint.clone(),
            profile: match place.profile {
                ScimProfile::Okta => "okta",
                ScimProfile::Microsoft => "microsoft",
                ScimProfile::Strict => "strict",
            },
            passed: count(Outcome::Pass),
            warned: count(Outcome::Warn),
            failed: count(Outcome::Fail),
            skipped: count(Outcome::Skip),
            lines,
            left_behind,
        }
    }

    /// Whether nothing has to be mended.
    pub(super) const fn is_good(&self) -> bool {
        self.failed == 0 && self.skipped == 0
    }

    pub(super) fn print(&self, output: Output) -> Result<(), Failure> {
        let mut table = Table::new(&["RESULT", "CODE", "WHAT", "FOUND"]);
        for line in &self.lines {
            table.row([line.result.name(), line.code, &line.what, &line.found]);
        }
        ui::answer(output, self, &table)?;
        if output != Output::Table {
            return Ok(());
        }
        let told = self.lines.iter().filter(|line| !line.help.is_empty());
        for line in told {
            let label = if line.code.starts_with("REACH") || line.code == "CLEAN" {
                "do"
            } else {
                "means"
            };
            ui::line(&format!(
                "\n{}: {}\n  {label}: {}",
                line.code,
                ui::plain(&line.found),
                line.help
            ));
        }
        ui::note(&format!(
            "{} ({}): {} passed, {} with a warning, {} failed, {} not tried",
            self.endpoint, self.profile, self.passed, self.warned, self.failed, self.skipped
        ));
        Ok(())
    }
}
