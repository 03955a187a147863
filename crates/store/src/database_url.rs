//! Where the database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aeolus_model::Secret;

/// A database's address: `sqlite:PATH` or `postgres://…`.
///
/// A PostgreSQL address may hold a password, so it is printed without user, password and options.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// A file of the embedded engine; made when absent.
    Sqlite(PathBuf),
    /// A server, in libpq's URI form.
    Postgres {
        /// It.
        url: Secret<String>,
        /// Authorities (PEM) that vouch for the server beside those that the driver knows, where the URL asks for
        /// its certificate to be verified and names no `sslrootcert` of its own.
        authorities: Vec<u8>,
    },
}

/// A text that is no database address. The text itself is not shown: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "DB-URL: this is not a database address; use sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME"
)]
pub struct DatabaseUrlError;

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres {
                url: Secret::new(text.to_owned()),
                authorities: Vec::new(),
            });
        }
        let path = text.strip_prefix("sqlite:").ok_or(DatabaseUrlError)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || path.contains(['?', '#', '\0']) {
            return Err(DatabaseUrlError);
        }
        Ok(Self::Sqlite(Path::new(path).to_owned()))
    }
}

impl DatabaseUrl {
    /// The same, where these vouch for a server as well.
    #[must_use]
    pub fn trusting(mut self, pem: &[u8]) -> Self {
        if let Self::Postgres { authorities, .. } = &mut self {
            authorities.extend_from_slice(pem);
        }
        self
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres { url, .. } => {
                let url = url.expose();
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let rest = rest.split(['?', '#']).next().unwrap_or_default();
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                write!(f, "postgres://{place}")
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_parse_and_print_without_passwords() {
        let shown = |text: &str| text.parse::<DatabaseUrl>().map(|url| url.to_string());
        assert_eq!(shown("sqlite:/a/b.db").as_deref(), Ok("sqlite:/a/b.db"));
        assert_eq!(shown("sqlite://b.db").as_deref(), Ok("sqlite:b.db"));
        for (text, masked) in [
            ("postgres://u:p%40@h:5/db?password=x", "postgres://h:5/db"),
            ("postgresql:///db?host=/run", "postgres:///db"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(masked));
        }
        for bad in [
            "",
            "sqlite:",
            "sqlite::memory:",
            "mysql://x",
            "sqlite:a?mode=ro",
        ] {
            assert_eq!(shown(bad), Err(DatabaseUrlError), "{bad}");
        }
    }
}
