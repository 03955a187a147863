//! Apache with `mod_authnz_fcgi`.

mod rules;

use std::collections::BTreeMap;

use self::rules::Asked;
use crate::Beside;
use crate::finding::{Examined, Guard};
use crate::parse;
use crate::tree::{Includes, Malformed, spots};

const ASKS: Guard = Guard::error(
    "DOC-APACHE-01",
    "no location asks the gate",
    "Whatever Apache passes on reaches Airflow without a decision.",
    "AuthnzFcgiCheckAuthnProvider aeolus RequireBasicAuth Off UserExpr \"%{reqenv:AEOLUS_ID}\"",
);

pub(crate) fn examine(text: &str, beside: &dyn Beside) -> Result<Examined, Malformed> {
    let mut examined = Examined::default();
    let includes = Includes {
        names: &["include", "includeoptional"],
        parse: parse::apache,
        beside,
        snippets: BTreeMap::new(),
    };
    let tree = includes.follow(parse::apache(text)?, &mut examined.notes)?;
    let asked = spots(&tree, |line| line.is("AuthnzFcgiCheckAuthnProvider"));
    if asked.is_empty() {
        examined.find(ASKS, "every location");
    }
    for spot in &asked {
        let at = format!("line {}: {}", spot.line.line, spot.line.name);
        examined.judge(Asked::RULES, &Asked { spot }, &at);
    }
    Ok(examined.sorted())
}
