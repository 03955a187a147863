//! The formats that schemas name, each checked by the very type that will read the value.

use std::str::FromStr;

use aeolus_api::{Listen, Period};
use aeolus_model::{Email, Host, HostPattern, PathPattern, PathPrefix, Slug, TreePlace};

/// Says what is wrong with a text of a format. Formats without a type of their own are free.
pub(super) fn check(format: &str, text: &str) -> Result<(), String> {
    match format {
        "slug" => parse::<Slug>(text),
        "email" => parse::<Email>(text),
        "host" => parse::<Host>(text),
        "host-pattern" => parse::<HostPattern>(text),
        "path-prefix" => parse::<PathPrefix>(text),
        "path-pattern" => PathPattern::parse(text)
            .map(|_| ())
            .map_err(|error| error.to_string()),
        "tree-place" => parse::<TreePlace>(text),
        "period" => parse::<Period>(text),
        "listen" => parse::<Listen>(text),
        "http-url" => http_url(text),
        "database-url" => database_url(text),
        _ => Ok(()),
    }
}

fn parse<T: FromStr<Err: ToString>>(text: &str) -> Result<(), String> {
    text.parse::<T>()
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn http_url(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).ok();
    let fits = url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if fits {
        Ok(())
    } else {
        Err(format!(
            "{text:?} is not a URL: use one such as https://aeolus.example.com"
        ))
    }
}

/// The text is not repeated: it may hold a password.
fn database_url(text: &str) -> Result<(), String> {
    let sqlite = text.strip_prefix("sqlite:").is_some_and(|p| !p.is_empty());
    if sqlite || text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(());
    }
    Err(
        "this is not a database address: use sqlite:PATH or postgres://USER@HOST/DATABASE"
            .to_owned(),
    )
}
