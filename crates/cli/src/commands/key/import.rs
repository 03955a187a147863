//! `aeolus key import`.

use std::fs::File;
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
    let bytes = File::open(path).and_then(|file| files::at_most(aeolus_pki::MAX_INPUT, file));
    let bytes = bytes.map_err(|error| unusable(path, &error.to_string()))?;
    aeolus_pki::read(&bytes, None).map_err(|error| unusable(path, &error.to_string()))
}

fn missing(path: &Path, what: &str) -> Failure {
    unusable(path, &format!("there is no {what} in it"))
}

fn unusable(path: &Path, why: &str) -> Failure {
    Report::new("KEY-0004", format!("{}: {why}", path.display()))
        .why("Nothing was changed.")
        .help("give files of PEM or DER that this user may read; a key that is encrypted is decrypted first, such as by `openssl pkey`")
        .usage()
}

fn refused(error: &ControlError) -> Failure {
    match error {
        ControlError::Import(error) => Report::new("KEY-0005", error.to_string())
            .why("Nothing was changed.")
            .help("see which keys there are with `aeolus key list`, and that the pair is RSA of 2048 bits or more, its exponent 65537 or more, and the certificate the key's own")
            .failed(),
        other => control::refused(other),
    }
}
