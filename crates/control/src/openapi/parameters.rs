//! Parameters that operations don't have.

use std::collections::HashMap;
use std::sync::LazyLock;

use aeolus_api::{FieldError, nearest};
use axum::extract::MatchedPath;
use http::Method;
use http::request::Parts;

use super::operation::Who;
use super::table;
use crate::error::ApiError;

type Names = Vec<&'static str>;

/// What operations for bearers have, by route, then by method. Others are left as they are: newer gates and
/// OAuth2 clients may say more than this control knows (RFC 6749 §3.1).
static KNOWN: LazyLock<HashMap<&'static str, Vec<(&'static str, Names)>>> = LazyLock::new(|| {
    let mut known: HashMap<_, Vec<_>> = HashMap::new();
    for operation in table::all() {
        if operation.who == Who::Bearer && operation.path.starts_with("/v1/") {
            let names = operation.query.iter().map(|parameter| parameter.name);
            let of = known.entry(operation.path).or_default();
            of.push((operation.method, names.collect()));
        }
    }
    known
});

/// The longest name that is shown to whoever sent it.
const SHOWN: usize = 64;

/// Refuses what an operation doesn't know: `?dryrun=true` would otherwise be the deed.
pub(crate) fn refuse_unknown(parts: &Parts) -> Result<(), ApiError> {
    let (Some(query), Some(route)) = (parts.uri.query(), parts.extensions.get::<MatchedPath>())
    else {
        return Ok(());
    };
    let Some(known) = known(&parts.method, route.as_str()) else {
        return Ok(());
    };
    let mut names = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    match names.find(|name| !known.contains(&name.as_ref())) {
        None => Ok(()),
        Some(name) => Err(ApiError::Parameter(FieldError {
            at: name.chars().take(SHOWN).collect(),
            message: help(&name, known),
        })),
    }
}

fn known(method: &Method, route: &str) -> Option<&'static [&'static str]> {
    // A HEAD is answered as a GET.
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut methods = KNOWN.get(route)?.iter();
    let (_, names) = methods.find(|(m, _)| method.as_str().eq_ignore_ascii_case(m))?;
    Some(names)
}

fn help(name: &str, known: &[&str]) -> String {
    let near: String = name.chars().take(SHOWN).collect();
    match nearest(&near, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => "this takes no parameters".to_owned(),
        None => format!("this takes {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_named_else_all() {
        let known = ["dry_run", "wait"];
        assert_eq!(help("dryrun", &known), "did you mean dry_run?");
        assert_eq!(help("dryRun", &known), "did you mean dry_run?");
        assert_eq!(help("prune", &known), "this takes dry_run, wait");
        assert_eq!(help("prune", &[]), "this takes no parameters");
        let long = "x".repeat(1 << 20);
        assert_eq!(help(&long, &known), "this takes dry_run, wait");
    }

    #[test]
    fn a_head_has_what_a_get_has() {
        let route = "/v1/organizations";
        assert_eq!(known(&Method::HEAD, route), known(&Method::GET, route));
        assert_eq!(known(&Method::GET, route), Some(&["limit", "cursor"][..]));
        assert_eq!(known(&Method::POST, route), Some(&[][..]));
        assert_eq!(known(&Method::GET, "/v1/planes/self/manifest"), None);
        assert_eq!(known(&Method::GET, "/v1/authorization"), None);
    }
}
