//! `aeolus config`.

use std::path::Path;

use aeolus_api::fleet::Fleet;
use serde::Serialize;
use serde_json::Value;

use super::Context;
use crate::args::{ConfigFile, SchemaOf};
use crate::config::{Config, Effective, Registry, Sources, leaves};
use crate::fleet_file;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};
use crate::yaml::{self, Shape, schema_of};

/// Checks a file. A fleet document is known by its `version`.
pub(super) fn check(file: &Path, context: &Context) -> Result<(), Failure> {
    let tree = yaml::read_tree(file)?;
    let is_fleet = tree.entries().iter().any(|entry| entry.key == "version");
    if is_fleet {
        fleet_file::load(file)?;
    } else {
        let sources = Sources {
            file: Some(file),
            environment: &context.environment,
            flags: Vec::new(),
        };
        explained(&sources.load()?, context)?;
    }
    let kind = if is_fleet {
        "fleet document"
    } else {
        "configuration"
    };
    ui::line(&format!("{}: a sound {kind}", file.display()));
    Ok(())
}

/// Checks what only makes sense as a whole, and says what was understood of how people sign in.
fn explained(effective: &Effective, context: &Context) -> Result<(), Failure> {
    let config = &effective.config;
    config.control.roles.read()?;
    config.keys.at_upgrade()?;
    if let Some(note) = config.keys.upgrade_note() {
        ui::line(note);
    }
    config
        .compat
        .registry
        .as_ref()
        .map(Registry::read)
        .transpose()?;
    config.email.check(&effective.base)?;
    let (control, gate) = (config.control.clone(), config.gate.clone());
    control.tls.files(control.scim.tls, &effective.base)?;
    gate.tls.files(gate.proxy_tls, &effective.base)?;
    let private = effective.private_authorities();
    gate.control_tls.files(private, &effective.base)?;
    let original = effective.original.as_ref();
    let connections =
        config
            .auth
            .connections(original.is_some(), &effective.base, &context.environment)?;
    for note in original.into_iter().flat_map(|original| &original.notes) {
        ui::line(&note.to_string());
    }
    let groups = config.auth.openid_connect.groups_note();
    for note in config.auth.local_note().into_iter().chain(groups) {
        ui::line(&note.to_string());
    }
    let public_url = config.control.public_url.as_deref();
    config.control.scim.read()?;
    let (base, environment) = (&effective.base, &context.environment);
    let provisions = config.auth.provisioning(public_url, base, environment)?;
    for configured in &connections {
        ui::line(&configured.shown(public_url).to_string());
        for note in &configured.notes {
            ui::line(&note.to_string());
        }
    }
    for note in &provisions.notes {
        ui::line(&note.to_string());
    }
    Ok(())
}

#[derive(Serialize)]
struct Row {
    key: String,
    value: Value,
    origin: String,
}

/// Shows what is in effect.
pub(super) fn print(file: &ConfigFile, context: &Context) -> Result<(), Failure> {
    let sources = Sources {
        file: file.config.as_deref(),
        environment: &context.environment,
        flags: Vec::new(),
    };
    let effective = sources.load()?;
    let mut rows = Vec::new();
    for leaf in leaves(&Shape::of::<Config>()) {
        let Some((value, origin)) = effective.values.get(&leaf.path) else {
            continue;
        };
        let secret = leaf.field.shape == Shape::Secret;
        rows.push(Row {
            value: if secret { masked(value) } else { value.clone() },
            key: leaf.path,
            origin: origin.to_string(),
        });
    }
    let mut table = Table::new(&["KEY", "VALUE", "FROM"]);
    for row in &rows {
        let value = match &row.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        table.row([row.key.clone(), value, row.origin.clone()]);
    }
    ui::answer(context.output, &rows, &table)?;
    // What a running control would refuse is said here too.
    let original = effective.original.is_some();
    let auth = &effective.config.auth;
    auth.connections(original, &effective.base, &context.environment)?;
    auth.provisioning(None, &effective.base, &context.environment)?;
    effective.config.control.scim.read()?;
    Ok(())
}

/// A secret's value as it may be shown. An address of a database without a password is none.
fn masked(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    if text.starts_with("sqlite:") {
        return value.clone();
    }
    Value::from("********")
}

/// Prints a schema.
pub(super) fn schema(of: SchemaOf) -> Result<(), Failure> {
    let schema = match of {
        SchemaOf::Config => schema_of::<Config>(),
        SchemaOf::Fleet => schema_of::<Fleet>(),
    };
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Report::new("CLI-0001", format!("{error}")).failed())?;
    ui::line(&text);
    Ok(())
}
