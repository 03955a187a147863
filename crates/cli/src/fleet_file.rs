//! Reading `fleet.yaml`.

use std::path::Path;

use aeolus_api::fleet::{ApplyRequest, Fleet, Severity};

use crate::config::{Environment, read_reference};
use crate::report::Failure;
use crate::ui;
use crate::yaml::{self, Problem, ProblemKind};

/// Reads a fleet document and everything that is wrong with it; warnings go to standard error.
pub(crate) fn load(path: &Path) -> Result<Fleet, Failure> {
    let name = path.display().to_string();
    let document = yaml::load::<Fleet>(path)?;
    let findings = document.value.check();
    let problems: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| Problem {
            at: document.tree.place_of(&finding.path),
            kind: ProblemKind::Finding,
            message: finding.to_string(),
            help: String::new(),
        })
        .collect();
    let sign_in = aeolus_control::check_sign_in(&document.value);
    let sign_in = sign_in.into_iter().map(|(path, why)| Problem {
        at: document.tree.place_of(&path),
        kind: ProblemKind::Finding,
        message: format!("{path}: {why}"),
        help: String::new(),
    });
    let problems: Vec<_> = problems.into_iter().chain(sign_in).collect();
    if !problems.is_empty() {
        return Err(yaml::failure(&name, &problems));
    }
    for finding in findings {
        let at = document.tree.place_of(&finding.path);
        ui::note(&format!(
            "warning: {name}:{}:{}: {finding}",
            at.line, at.column
        ));
    }
    Ok(document.value)
}

/// A fleet document with the values of the secrets it refers to.
pub(crate) fn load_with_secrets(
    path: &Path,
    environment: &Environment,
) -> Result<ApplyRequest, Failure> {
    let fleet = load(path)?;
    let base = path.parent().unwrap_or(Path::new(""));
    let mut secrets = std::collections::BTreeMap::new();
    for secret in fleet.secrets() {
        let value = read_reference(secret.reference, &secret.path, base, environment)?;
        secrets.insert(secret.path, value.expose().clone());
    }
    Ok(ApplyRequest { fleet, secrets })
}
