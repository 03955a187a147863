//! HAProxy with the Lua action of `deploy/haproxy`.

mod conditions;
mod rules;

use self::rules::{Asked, Script};
use crate::Beside;
use crate::finding::{Examined, Guard};
use crate::guards::is_id;
use crate::parse;
use crate::tree::{Directive, Malformed, name_of, not_followed};

const ASKS: Guard = Guard::error(
    "DOC-HAPROXY-01",
    "no frontend asks the gate",
    "Whatever HAProxy passes on reaches Airflow without a decision.",
    "http-request lua.aeolus_check 127.0.0.1:8810 ID if !aeolus_pages",
);
const ALL_ASK: Guard = Guard::error(
    "DOC-HAPROXY-02",
    "another frontend leads to the same backend without asking",
    "Its requests reach Airflow without a decision.",
    "http-request lua.aeolus_check 127.0.0.1:8810 ID in that frontend too",
);
const LOADED: Guard = Guard::error(
    "DOC-HAPROXY-03",
    "the action that asks the gate is not loaded",
    "Nothing in this configuration defines what the check does, so nothing about it is known to be right.",
    "lua-load /etc/haproxy/aeolus.lua in global",
);

pub(crate) fn examine(text: &str, beside: &dyn Beside) -> Result<Examined, Malformed> {
    let mut examined = Examined::default();
    let tree = parse::haproxy(text)?;
    let fronts = tree
        .iter()
        .filter(|line| line.is("frontend") || line.is("listen"));
    let (asking, open): (Vec<_>, Vec<_>) = fronts.partition(|front| check(front).is_some());
    if asking.is_empty() {
        examined.find(ASKS, "every frontend");
        return Ok(examined.sorted());
    }
    for front in &asking {
        let Some(check) = check(front) else { continue };
        let at = format!(
            "line {}: {} {}",
            front.line,
            front.name,
            front.args.join(" ")
        );
        examined.judge(Asked::RULES, &Asked { front, check }, &at);
        let backend = default_backend(front);
        for other in open
            .iter()
            .filter(|other| !backend.is_empty() && leads_to(other, backend))
        {
            let at = format!(
                "line {}: {} {}",
                other.line,
                other.name,
                other.args.join(" ")
            );
            examined.find(ALL_ASK, at);
        }
    }
    examine_script(&tree, beside, &mut examined);
    Ok(examined.sorted())
}

fn examine_script(tree: &[Directive], beside: &dyn Beside, examined: &mut Examined) {
    let globals = tree
        .iter()
        .filter(|line| line.is("global"))
        .flat_map(|line| &line.block);
    let loads: Vec<_> = globals
        .filter(|line| line.name.starts_with("lua-load"))
        .collect();
    if loads.is_empty() {
        examined.find(LOADED, "global");
    }
    for load in loads {
        let path = load.arg(0);
        match beside.file(name_of(path)) {
            Some(text) if text.contains("/authz/") => {
                examined.judge(Script::RULES, &Script { text: &text }, name_of(path));
            }
            Some(_) => {}
            None => examined.notes.push(not_followed(path)),
        }
    }
}

/// The line that asks the gate.
fn check(front: &Directive) -> Option<&Directive> {
    front.block.iter().find(|line| {
        let action = line.arg(0);
        let ours = action.contains("aeolus") || line.args.iter().any(|arg| is_id(arg));
        line.is("http-request") && action.starts_with("lua.") && ours
    })
}

fn default_backend(front: &Directive) -> &str {
    let line = front.block.iter().rfind(|line| line.is("default_backend"));
    line.map_or("", |line| line.arg(0))
}

fn leads_to(front: &Directive, backend: &str) -> bool {
    front.block.iter().any(|line| {
        (line.is("default_backend") || line.is("use_backend")) && line.arg(0) == backend
    })
}
