//! `aeolus key reseal`.

use std::path::Path;

use aeolus_api::SecretRef;
use aeolus_model::Secret;
use serde::Serialize;

use super::held;
use crate::args::KeyReseal;
use crate::commands::{Context, block_on, control};
use crate::config::{Keys, SecretSource, Sources};
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resealed {
    keys: usize,
    connections: usize,
    join_tokens: usize,
    second_factors: usize,
}

/// Seals everything in the database under another master key.
pub(in crate::commands) fn reseal(args: &KeyReseal, context: &Context) -> Result<(), Failure> {
    let (url, before) = held(&args.held, context)?;
    let after = new(args, context)?;
    if before.expose() == after.expose() {
        return Err(same());
    }
    block_on(async {
        let parts = (&context.clock as _, &context.rng as _);
        let done = aeolus_control::reseal(url.expose(), (&before, &after), parts).await;
        let done = done.map_err(|error| control::refused(&error))?;
        let answer = Resealed {
            keys: done.keys,
            connections: done.connections,
            join_tokens: done.join_tokens,
            second_factors: done.second_factors,
        };
        let mut table = Table::new(&["KEYS", "CONNECTIONS", "JOIN TOKENS", "SECOND FACTORS"]);
        table.row([
            answer.keys.to_string(),
            answer.connections.to_string(),
            answer.join_tokens.to_string(),
            answer.second_factors.to_string(),
        ]);
        ui::answer(context.output, &answer, &table)?;
        ui::note(
            "Start every replica of the control plane with the new master key. People sign in to \
             control's own pages again; gates, tokens and sessions there go on. Backups from before \
             need the old master key.",
        );
        Ok(())
    })
}

/// The new master key, without what flags and environment say of the old one.
fn new(args: &KeyReseal, context: &Context) -> Result<Secret<[u8; 32]>, Failure> {
    if let Some(path) = &args.new_config {
        let sources = Sources {
            file: Some(path),
            environment: &context.environment,
            flags: Vec::new(),
        };
        let effective = sources.load()?;
        return effective
            .config
            .keys
            .master(&effective.base, &context.environment);
    }
    let file = args.new_master_key_file.clone().unwrap_or_default();
    let keys = Keys {
        master_key: Some(SecretSource::Reference(SecretRef::File(file))),
        ..Keys::default()
    };
    keys.master(Path::new(""), &context.environment)
}

fn same() -> Failure {
    Report::new("KEY-0002", "the new master key is the one of until now")
        .why("Nothing was changed.")
        .help("make another: head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' > FILE")
        .usage()
}
