//! The reference pages, written from the types and the command line themselves.

use std::fmt::Write as _;

use aeolus_api::fleet::Fleet;
use clap::CommandFactory as _;

use crate::args::{Cli, Page};
use crate::config::{Config, Sources, leaves};
use crate::report::Failure;
use crate::ui;
use crate::yaml::{Field, Shape};

const GENERATED: &str =
    "<!-- Written by `cargo xtask generate`; change the types or their comments instead. -->\n";

/// Prints a page.
pub(crate) fn print(page: Page) -> Result<(), Failure> {
    let text = match page {
        Page::Config => config_page()?,
        Page::Fleet => fleet_page(),
        Page::Cli => cli_page(),
        Page::Openapi => format!("{:#}\n", aeolus_control::openapi()),
    };
    ui::print(&text);
    Ok(())
}

fn config_page() -> Result<String, Failure> {
    let nothing = Sources {
        file: None,
        environment: &crate::config::Environment::default(),
        flags: Vec::new(),
    };
    let defaults = nothing.load()?.values;
    let shape = Shape::of::<Config>();
    let mut page = format!(
        "{GENERATED}\n# Configuration\n\n\
         One YAML file (`--config FILE`), below the environment, below flags. `aeolus config print` \
         shows every value in effect and where it is from; `aeolus config check FILE` says \
         everything that is wrong with a file. The name of a key in the environment is its path in \
         upper case, with `__` between its parts and `_` at each hump. Lists are separated by commas \
         there. A secret is its value, `{{file: PATH}}` or `{{env: NAME}}`.\n"
    );
    for section in shape.fields() {
        let _ = write!(page, "\n## {}\n\n{}\n", section.name, section.description);
        let prefix = format!("{}.", section.name);
        let all = leaves(&shape);
        let own: Vec<_> = all
            .iter()
            .filter(|leaf| leaf.path.starts_with(&prefix) && !leaf.field.description.is_empty())
            .collect();
        if own.is_empty() {
            page.push_str("\nNo keys in this release.\n");
            continue;
        }
        page.push_str("\n| key | value | default | environment |\n|---|---|---|---|\n");
        for leaf in own {
            let default = defaults.get(&leaf.path);
            let default = default.map_or_else(String::new, |(value, _)| format!("`{value}`"));
            let _ = writeln!(
                page,
                "| `{}` | {}. {} | {default} | `{}` |",
                leaf.path,
                kind(&leaf.field.shape),
                leaf.field.description,
                leaf.variable
            );
        }
    }
    Ok(page)
}

fn fleet_page() -> String {
    let mut page = format!(
        "{GENERATED}\n# fleet.yaml\n\n\
         `aeolus apply -f FILE` brings about what the document describes, in one transaction; \
         `--dry-run` shows the difference; nothing is deleted without `--prune`, which touches only \
         what an apply made. `aeolus config check FILE` says everything that is wrong with a \
         document. Secrets are only `{{env: NAME}}` or `{{file: PATH}}`; a relative path begins at \
         the document's folder.\n\n| key | value |\n|---|---|\n"
    );
    rows(&Shape::of::<Fleet>(), "", &mut page);
    page
}

fn rows(shape: &Shape, path: &str, page: &mut String) {
    for field in shape.fields() {
        let path = if path.is_empty() {
            field.name.clone()
        } else {
            format!("{path}.{}", field.name)
        };
        let inner = match &field.shape {
            Shape::List(item) => (item.as_ref(), format!("{path}[]")),
            other => (other, path.clone()),
        };
        let _ = writeln!(page, "| `{path}`{} | {} |", needed(field), described(field));
        rows(inner.0, &inner.1, page);
    }
}

const fn needed(field: &Field) -> &'static str {
    if field.required { " (required)" } else { "" }
}

fn described(field: &Field) -> String {
    format!("{}. {}", kind(&field.shape), field.description)
}

/// What a value looks like, in words.
fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Object(_) => "Mapping".to_owned(),
        Shape::Map(..) => "Mapping of names".to_owned(),
        Shape::Texts => "Mapping of any names to text".to_owned(),
        Shape::OneOf(fields) => {
            let keys: Vec<_> = fields.iter().map(|f| format!("`{}`", f.name)).collect();
            format!("Mapping with one of {}", keys.join(", "))
        }
        Shape::List(item) => format!("List of: {}", kind(item)),
        Shape::Choice(values) if values.len() > 24 => "One name; see the permissions".to_owned(),
        Shape::Choice(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("One of {}", values.join(", "))
        }
        Shape::ChoiceOr(values, other) => {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("One of {}; or {}", values.join(", "), kind(other))
        }
        Shape::Text {
            means: Some(means), ..
        } => format!("Text: {means}"),
        Shape::Text { .. } => "Text".to_owned(),
        Shape::Secret => "Secret".to_owned(),
        Shape::Integer => "Whole number".to_owned(),
        Shape::Share => "Number from 0 to 1".to_owned(),
        Shape::Bool => "`true` or `false`".to_owned(),
    }
}

fn cli_page() -> String {
    let mut page = format!("{GENERATED}\n# Command line\n");
    let mut command = Cli::command().term_width(96);
    command.build();
    section(&mut command, &mut page);
    page
}

fn section(command: &mut clap::Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or("aeolus").to_owned();
    let help = command.render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    let _ = write!(
        page,
        "\n## {name}\n\n```text\n{}\n```\n",
        lines.join("\n").trim()
    );
    for child in command.get_subcommands_mut() {
        if !child.is_hide_set() && child.get_name() != "help" {
            section(child, page);
        }
    }
}
