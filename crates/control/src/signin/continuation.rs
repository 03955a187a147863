//! Where a sign-in page may lead: a path on control itself, or a page of a known deployment.

use aeolus_model::{Host, OrganizationId, is_loopback};
use aeolus_store::{StoreError, Unit as _};

use crate::app::App;

/// Where a person is sent after signing in.
///
/// The only way to make one is [`Continuation::read`], so a redirect built from it leads to control
/// or to a host that answers for a deployment, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Continuation {
    /// A path and query on control.
    Here(String),
    /// A page of a deployment.
    There(Page),
}

/// A page of a deployment, as a proxy names it that comes from the original (row I4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Scheme, host and, on loopback, port.
    pub(crate) origin: String,
    /// Path and query.
    pub(crate) path: String,
    /// The host alone.
    pub(crate) host: Host,
    /// Whose deployments answer there.
    pub(crate) organization: OrganizationId,
}

/// More than this is no continuation of ours.
const MAX: usize = 4096;

impl Continuation {
    /// The account page.
    pub(crate) fn home() -> Self {
        Self::Here("/".to_owned())
    }

    /// Reads an `rd` value: `/`, the page for the second factor, an authorization request to go on with, the page for a machine's code, an invitation, or a page of a deployment
    /// that there is. Everything else, foreign or odd, is the account page.
    pub(crate) async fn read(app: &App, rd: Option<&str>) -> Result<Self, StoreError> {
        let Some(text) = rd else {
            return Ok(Self::home());
        };
        if is_ours(text) {
            return Ok(Self::Here(text.to_owned()));
        }
        let Some((origin, host, path)) = split(text) else {
            return Ok(Self::home());
        };
        let mut view = app.store.read().await?;
        let known = view.deployments().on_host(&host).await?;
        let Some((id, _)) = known.first() else {
            return Ok(Self::home());
        };
        let deployment = view.deployments().get(*id).await?;
        Ok(match (deployment, page(path)) {
            (Some(_), None) => Self::Here("/logout".to_owned()),
            (Some(deployment), Some(path)) => Self::There(Page {
                origin: origin.to_owned(),
                path,
                host,
                organization: deployment.organization,
            }),
            (None, _) => Self::home(),
        })
    }

    /// As an `rd` value.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Here(path) => path.clone(),
            Self::There(page) => format!("{}{}", page.origin, page.path),
        }
    }
}

/// Browsers drop tabs and line breaks, and take `\` for `/`: none of them gets any further.
fn is_plain(text: &str) -> bool {
    text.len() <= MAX && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

/// Whether an `rd` is a place on control.
fn is_ours(text: &str) -> bool {
    let device = |text: &str| {
        let code = text.strip_prefix("/device?user_code=").unwrap_or("");
        text == "/device"
            || (code.len() == 9 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'))
    };
    is_plain(text)
        && (text == "/"
            || text == "/second-factor"
            || text.strip_prefix("/invitation/").is_some_and(is_value)
            || text.starts_with("/oauth2/authorize?")
            || device(text))
}

/// Whether it has the form of an invitation's value.
fn is_value(text: &str) -> bool {
    text.len() == 40
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Origin, host, and path with query. Plain http, and a port, only on loopback names.
fn split(url: &str) -> Option<(&str, Host, &str)> {
    if !is_plain(url) {
        return None;
    }
    let secure = url.starts_with("https://");
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let (authority, path) = rest.split_at_checked(rest.find('/')?)?;
    let (name, port) = match authority.split_once(':') {
        Some((name, port)) => (name, Some(port.parse::<u16>().ok()?)),
        None => (authority, None),
    };
    let host = Host::parse(name).ok()?;
    let local = is_loopback(host.as_str());
    let fits = name == host.as_str() && (local || (secure && port.is_none()));
    let origin = url.get(..url.len() - path.len())?;
    fits.then_some((origin, host, path))
}

/// The page that a person means who was stopped at a path. Airflow's own sign-in leads on to its
/// first page; its sign-out is no page to come back to.
fn page(path: &str) -> Option<String> {
    let (before, query) = path.split_once('?').unwrap_or((path, ""));
    let bare = before.trim_end_matches('/');
    if bare.ends_with("/logout") {
        return None;
    }
    let login = bare
        .strip_suffix("/auth/login")
        .or_else(|| bare.strip_suffix("/login"));
    Some(match (login, query) {
        (Some(prefix), _) => format!("{prefix}/"),
        (None, "") => before.to_owned(),
        (None, query) => format!("{before}?{query}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o31_row_60_only_our_own_places_and_hosts_are_read_at_all() {
        for good in [
            "/",
            "/oauth2/authorize?client_id=x&state=%2F",
            "/second-factor",
            "/device",
            "/device?user_code=BCDF-GHJK",
            "/invitation/0123456789abcdef0123456789abcdef01234567",
        ] {
            assert!(is_ours(good), "{good}");
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "/%09/evil",
            "/\t/evil",
            "/.\\evil",
            "/oauth2/authorize",
            "/oauth2/authorize?a=\r\nSet-Cookie: x",
            "/%2f%2fevil",
            "/device?user_code=BCDF-GHJK&x",
            "/device?user_code=%2F%2Fevil",
            "/device/decide",
            "/invitation/",
            "/invitation/accept",
            "/invitation/0123456789abcdef0123456789abcdef0123456/",
            "/device?",
            "\\/evil",
            "javascript:alert(1)",
            "/login?rd=/",
            "/oauth2/authorize?ä",
        ] {
            assert!(!is_ours(bad), "{bad:?}");
            assert_eq!(split(bad), None, "{bad:?}");
        }
        assert!(!is_ours("https://evil.example"));
        let long = |start: &str| format!("{start}{}", "a".repeat(MAX));
        assert!(!is_ours(&long("/oauth2/authorize?")));
        assert_eq!(split(&long("https://a.test/")), None);
        let host = |url: &str| split(url).map(|(_, host, _)| host.to_string());
        assert_eq!(host("https://a.test/x?y").as_deref(), Some("a.test"));
        assert_eq!(
            host("http://a.localhost:8808/").as_deref(),
            Some("a.localhost")
        );
        for bad in [
            "https://a.test",
            "http://a.test/",
            "https://a.test:8443/",
            "https://A.test/",
            "https://a.test./",
            "https://a.test@evil/",
            "https://evil:x@a.test/",
            "https://a.test?/",
            "https:///a.test/",
            "ftp://a.test/",
            "javascript:alert(1)//a.test/",
            "https://a.test%2f.evil/",
            "https://a.test#/",
            "https://a.test/\\evil",
            "https://a.test/\t",
        ] {
            assert_eq!(host(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn airflows_own_sign_in_and_sign_out_are_not_come_back_to() {
        assert_eq!(page("/dags?x=1").as_deref(), Some("/dags?x=1"));
        assert_eq!(page("/etl/auth/login?next=x").as_deref(), Some("/etl/"));
        assert_eq!(page("/login/").as_deref(), Some("/"));
        assert_eq!(page("/auth/logout"), None);
        assert_eq!(page("/etl/logout/?x"), None);
    }
}
