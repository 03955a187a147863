//! Traefik with `ForwardAuth`: a file of entry points, and one of routers and middlewares.

mod entry;
mod routes;
mod rules;

use serde_json::Value;

use self::entry::Entry;
use self::routes::Routes;
use self::rules::{Asked, Guarded};
use crate::Beside;
use crate::finding::{Examined, Guard};
use crate::tree::{Malformed, name_of, not_followed};
use crate::yaml::{at, entries, text, yaml};

const ASKS: Guard = Guard::error(
    "DOC-TRAEFIK-01",
    "no router has a forwardAuth that asks the gate",
    "Whatever Traefik passes on reaches Airflow without a decision.",
    "middlewares: {aeolus-etl: {forwardAuth: …}}, as in deploy/traefik/dynamic.yaml, and its name in the router",
);
const ALL_ASK: Guard = Guard::error(
    "DOC-TRAEFIK-02",
    "a router leads to the same Airflow without asking",
    "Its requests reach Airflow without a decision.",
    "middlewares: [aeolus-etl, …] in that router too",
);

pub(crate) fn examine(source: &str, beside: &dyn Beside) -> Result<Examined, Malformed> {
    let mut examined = Examined::default();
    let given = yaml(source)?;
    if at(&given, "entryPoints").is_null() {
        examined.notes.push(
            "there are no entry points in this file: examine the static configuration, which has them, as well".to_owned(),
        );
    } else {
        examine_entries(&given, &mut examined);
    }
    let file = text(&given, "providers.file.filename");
    if !at(&given, "http").is_null() || file.is_empty() {
        examine_routes(&given, &given, &mut examined);
    } else if let Some(dynamic) = beside.file(name_of(file)) {
        let dynamic = yaml(&dynamic)
            .map_err(|error| Malformed::new(error.line, format!("in {file}: {}", error.what)))?;
        examine_routes(&dynamic, &given, &mut examined);
    } else {
        examined.notes.push(not_followed(file));
    }
    Ok(examined.sorted())
}

/// Entry points that only redirect have nothing to guard.
fn examine_entries(given: &Value, examined: &mut Examined) {
    for (name, entry) in entries(given, "entryPoints") {
        let redirects = !at(entry, "http.redirections.entryPoint").is_null();
        if !redirects && !matches!(name, "traefik" | "metrics") {
            examined.judge(
                Entry::RULES,
                &Entry { entry },
                &format!("entry point {name}"),
            );
        }
    }
}

fn examine_routes(dynamic: &Value, fixed: &Value, examined: &mut Examined) {
    let elsewhere = entries(fixed, "providers").any(|(name, _)| name != "file");
    if at(dynamic, "http").is_null() && elsewhere {
        let note = "there are no routers in this file: what other providers give Traefik was not looked at";
        examined.notes.push(note.to_owned());
        return;
    }
    let routes = Routes::of(dynamic, fixed);
    let (guarded, open): (Vec<_>, Vec<_>) = routes.routers.iter().partition(|router| router.asks());
    if guarded.is_empty() {
        examined.find(ASKS, "every router");
    }
    for router in open
        .iter()
        .filter(|open| guarded.iter().any(|other| other.service == open.service))
    {
        examined.find(ALL_ASK, format!("router {}", router.name));
    }
    for router in &guarded {
        let others = &guarded;
        let site = Guarded { router, others };
        examined.judge(Guarded::RULES, &site, &format!("router {}", router.name));
        for (name, middleware) in router.forward_auths() {
            let at = format!("middleware {name}");
            let auth = crate::yaml::at(middleware, "forwardAuth");
            examined.judge(Asked::RULES, &Asked { auth }, &at);
        }
    }
}
