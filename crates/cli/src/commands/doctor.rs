//! `aeolus doctor`: which guard the proxy in front of a gate lacks.

mod probe;
mod shown;

use std::path::Path;

use aeolus_doctor::{Examined, Kind, Malformed, Severity, detect, examine};

use self::shown::Shown;
use super::Context;
use crate::args::DoctorArgs;
use crate::report::{Failure, Report};
use crate::yaml::read_text;

/// Examines every file and probes every URL that was given.
pub(super) async fn doctor(args: &DoctorArgs, context: &Context) -> Result<(), Failure> {
    let mut shown = Shown::default();
    for proxy in &args.proxy {
        if proxy.contains("://") {
            shown.add(
                proxy,
                "probe",
                probe::probe(proxy, &context.environment).await?,
            );
        } else {
            let (kind, examined) = file(Path::new(proxy), args.kind)?;
            shown.add(proxy, kind.name(), examined);
        }
    }
    shown.print(context.output)?;
    if shown.worst() == Some(Severity::Error) {
        return Err(Failure::silent());
    }
    Ok(())
}

fn file(path: &Path, kind: Option<Kind>) -> Result<(Kind, Examined), Failure> {
    let text = read_text(path)?;
    let kind = kind
        .or_else(|| detect(&text))
        .ok_or_else(|| unknown(path))?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    // Only a plain name is looked up, so nothing outside the folder is read.
    let beside = |name: &str| {
        let plain = !matches!(name, "" | "." | "..") && !name.contains('/');
        plain.then(|| read_text(&folder.join(name)).ok()).flatten()
    };
    let examined = examine(kind, &text, &beside).map_err(|error| malformed(path, kind, &error))?;
    Ok((kind, examined))
}

fn unknown(path: &Path) -> Failure {
    let shown = path.display();
    let what = format!("{shown}: it can't be told which proxy this is for");
    let names = Kind::ALL.map(Kind::name).join(", ");
    Report::new("CLI-0020", what)
        .why("Nothing of the file was examined.")
        .help(format!("say --kind with one of {names}"))
        .usage()
}

fn malformed(path: &Path, kind: Kind, error: &Malformed) -> Failure {
    let (shown, name) = (path.display(), kind.name());
    let what = format!(
        "{shown}:{}: this is no configuration of {name}: {}",
        error.line, error.what
    );
    Report::new("CLI-0021", what)
        .why("Nothing of the file was examined.")
        .help("check that place with the proxy's own test of configurations, or say --kind")
        .usage()
}
