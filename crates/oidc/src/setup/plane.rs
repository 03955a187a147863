//! What has to be registered at a provider for a plane's own client, which signs people in there while
//! control is away.

use super::{Registered, words};
use crate::Kind;

/// A plane's client, and where it and control are reached.
#[derive(Clone, Copy, Debug)]
pub struct PlaneClient<'a> {
    /// Where people are sent back to.
    pub redirect_uri: &'a str,
    /// Where its keys are, if it signs.
    pub jwks_uri: Option<&'a str>,
    /// Where the provider says that somebody signed out.
    pub logout_uri: &'a str,
}

/// Everything to be registered; nothing at a kind of provider that hands out no such client.
pub fn plane_setup(kind: Kind, client: PlaneClient<'_>) -> Vec<Registered> {
    let row = |what, place, value: &str| Registered {
        what,
        place,
        value: value.to_owned(),
    };
    let signs = client.jwks_uri.is_some();
    let Some((place, value)) = client_type(kind, signs) else {
        return Vec::new();
    };
    let mut rows = vec![
        row("client", place, value),
        row("redirect URI", redirect(kind), client.redirect_uri),
    ];
    if let Some(uri) = client.jwks_uri {
        rows.push(row("keys", keys(kind), uri));
    }
    // Entra tells nobody.
    if kind != Kind::Microsoft {
        let place = "back-channel logout URI, where it has one";
        rows.push(row("signing out", place, client.logout_uri));
    }
    rows
}

/// Which client to make, in the provider's words.
const fn client_type(kind: Kind, signs: bool) -> Option<(&'static str, &'static str)> {
    match (kind, signs) {
        (Kind::Okta, false) => Some((
            "Create App Integration > OIDC",
            "Single-Page Application, grant type Authorization Code",
        )),
        (Kind::Okta, true) => Some((
            "Create App Integration > OIDC",
            "Web Application, Client authentication Public key / Private key",
        )),
        (Kind::Auth0, false) => Some((
            "Applications > Create Application",
            "Native, token endpoint authentication None",
        )),
        (Kind::Microsoft, false) => Some((
            "App registrations > New registration",
            "Mobile and desktop applications",
        )),
        (Kind::Cognito, false) => Some((
            "App clients > Create app client",
            "an app client without a secret",
        )),
        (Kind::Adfs, false) => Some(("Application Groups > Add", "Native application")),
        (Kind::Custom, false) => Some(("a client", "public, code flow with PKCE (S256)")),
        (Kind::Custom, true) => Some((
            "a client",
            "private_key_jwt with ES256, code flow with PKCE (S256)",
        )),
        (Kind::Google | Kind::Github, _)
        | (Kind::Auth0 | Kind::Microsoft | Kind::Cognito | Kind::Adfs, true) => None,
    }
}

const fn redirect(kind: Kind) -> &'static str {
    match kind {
        Kind::Microsoft => {
            "Authentication > Add a platform > Mobile and desktop applications > Redirect URIs"
        }
        kind => words(kind).redirect,
    }
}

const fn keys(kind: Kind) -> &'static str {
    match kind {
        Kind::Okta => "Public keys > Use a URL to fetch keys dynamically",
        _ => "jwks_uri",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../docs/how-to/sign-in-while-control-is-away.md");

    #[test]
    fn the_page_on_outages_says_every_value_that_is_printed() {
        for kind in Kind::ALL {
            for signs in [false, true] {
                let client = PlaneClient {
                    redirect_uri: "https://auth.eu-1.example.com/.aeolus/callback",
                    jwks_uri: signs.then_some("https://auth.eu-1.example.com/.aeolus/jwks/okta"),
                    logout_uri: "https://CONTROL/v1/oauth/backchannel-logout/okta",
                };
                for row in plane_setup(kind, client) {
                    assert!(PAGE.contains(&row.value), "{kind:?}: {row:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_printed_for_a_provider_that_would_be_refused() {
        let client = |jwks_uri| PlaneClient {
            redirect_uri: "",
            jwks_uri,
            logout_uri: "",
        };
        for kind in Kind::ALL {
            let public = !matches!(kind, Kind::Google | Kind::Github);
            let signs = matches!(kind, Kind::Okta | Kind::Custom);
            assert_eq!(!plane_setup(kind, client(None)).is_empty(), public);
            assert_eq!(!plane_setup(kind, client(Some(""))).is_empty(), signs);
        }
    }
}
