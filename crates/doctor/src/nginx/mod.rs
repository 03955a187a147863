//! nginx with `auth_request`.

mod app;
mod check;
mod scope;

use std::collections::BTreeMap;

use self::app::App;
use self::check::Check;
use self::scope::{Scope, locations};
use crate::Beside;
use crate::finding::{Examined, Guard};
use crate::parse;
use crate::tree::{Directive, Includes, Malformed};

const ASKS: Guard = Guard::error(
    "DOC-NGINX-01",
    "no location asks the gate",
    "Whatever nginx passes on reaches Airflow without a decision.",
    "auth_request /_aeolus_check;",
);
const ALL_ASK: Guard = Guard::error(
    "DOC-NGINX-02",
    "a location passes requests to the same Airflow without asking",
    "Its requests reach Airflow without a decision.",
    "auth_request /_aeolus_check;",
);
const ANSWERED: Guard = Guard::error(
    "DOC-NGINX-03",
    "the location that auth_request names is not there",
    "How the gate is asked can't be examined, so nothing about it is known to be right.",
    "location = /_aeolus_check { internal; … }, as in deploy/nginx/aeolus.conf",
);

pub(crate) fn examine(text: &str, beside: &dyn Beside) -> Result<Examined, Malformed> {
    let mut examined = Examined::default();
    let includes = Includes {
        names: &["include"],
        parse: parse::nginx,
        beside,
        snippets: BTreeMap::new(),
    };
    let tree = includes.follow(parse::nginx(text)?, &mut examined.notes)?;
    let all = locations(&tree);
    let guarded: Vec<_> = all.iter().filter(|at| at.is_guarded()).collect();
    if guarded.is_empty() {
        examined.find(ASKS, "every location");
    }
    for location in guarded {
        examine_one(&tree, &all, location, &mut examined);
    }
    Ok(examined.sorted())
}

fn examine_one(
    tree: &[Directive],
    all: &[Scope<'_>],
    location: &Scope<'_>,
    examined: &mut Examined,
) {
    let server: Vec<_> = all
        .iter()
        .filter(|at| at.server == location.server)
        .collect();
    for other in &server {
        if other.passes() == location.passes() && !other.asks() && !other.is_check(&server) {
            examined.find(ALL_ASK, other.to_string());
        }
    }
    let app = App {
        tree,
        scope: location,
        server: &server,
    };
    examined.judge(App::RULES, &app, &location.to_string());
    let asked = location.one("auth_request").map_or("", |line| line.arg(0));
    match server.iter().find(|at| at.uri() == asked) {
        Some(scope) => {
            let upgrades = location
                .header("Upgrade")
                .is_some_and(|value| !value.is_empty());
            let check = Check { scope, upgrades };
            examined.judge(Check::RULES, &check, &scope.to_string());
        }
        None => examined.find(ANSWERED, location.to_string()),
    }
}
