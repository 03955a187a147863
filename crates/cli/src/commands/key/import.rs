//! `aeolus key import`.

use std::path::Path;

use aeolus_control::ControlError;
use aeolus_model::{Clock as _, moment};
use aeolus_pki::Input;
use serde::Serialize;

use super::held;
use crate::args::KeyImport;
use crate::commands::{Context, block_on, control};
use crate::files;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Serialize)]
struct Imported {
    kid: String,
    from: i64,
}

/// Takes a key and certificate of the operator's own as the legacy key.
pub(in crate::commands) fn import(args: &KeyImport, context: &Context) -> Result<(), Failure> {
    let (url, master) = held(&args.held, context)?;
    let key = read(&args.key)?.keys.into_iter().next();
    let key = key.ok_or_else(|| missing(&args.key, "private key"))?;
    let certificate = read(&args.certificate)?.certificates.into_iter().next();
    let certificate = certificate.ok_or_else(|| missing(&args.certificate, "certificate"))?;
    block_on(async {
        let parts = (&context.clock as _, &context.rng as _);
        let pair = (&key, &certificate);
        let done = aeolus_control::import_legacy_key(url.expose(), &master, pair, parts).await;
        let done = done.map_err(|error| refused(&error))?;
        let answer = Imported {
            kid: done.kid,
            from: done.from.secs(),
        };
        let mut table = Table::new(&["KID", "SIGNS FROM"]);
        table.row([answer.kid.clone(), moment(answer.from)]);
        ui::answer(context.output, &answer, &table)?;
        if done.from > context.clock.now() {
            ui::note(
                "It takes over by itself at a running control. What the key before it signed stays good.",
            );
        }
        Ok(())
    })
}

fn read(path: &Path) -> Result<Input, Failure> {
    let bytes = files::read(path)?.ok_or_else(|| missing(path, "file"))?;
    aeolus_pki::read(&bytes, None).map_err(|error| {
        Report::new("KEY-0004", format!("{}: {error}", path.display()))
            .why("Nothing was changed.")
            .usage()
    })
}

fn missing(path: &Path, what: &str) -> Failure {
    Report::new("KEY-0004", format!("{} has no {what}", path.display()))
        .why("Nothing was changed.")
        .usage()
}

fn refused(error: &ControlError) -> Failure {
    match error {
        ControlError::Import(error) => Report::new("KEY-0005", error.to_string())
            .why("Nothing was changed.")
            .failed(),
        other => control::refused(other),
    }
}
