//! What has to be registered at a provider, as data: the command line prints it and the how-to pages say it
//! (rows A5–A24).

mod plane;

use crate::{Flow, Kind, Profile, Redirects, ResponseType, SignOut};

pub use self::plane::{PlaneClient, plane_setup};

/// One value, and where it goes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What it is.
    pub what: &'static str,
    /// The field or the page at the provider, in its own words.
    pub place: &'static str,
    /// The value.
    pub value: String,
}

/// What a provider's own pages call things.
struct Words {
    redirect: &'static str,
    grant: &'static str,
    code: &'static str,
    implicit: &'static str,
    sign_out: &'static str,
    scopes: &'static str,
    groups: Option<(&'static str, &'static str)>,
}

/// Everything to be registered for the connection `name` of this kind, below control's public URL.
pub fn setup(kind: Kind, flow: Flow, (name, public_url): (&str, &str)) -> Vec<Registered> {
    let (words, profile) = (words(kind), kind.profile());
    let base = public_url.strip_suffix('/').unwrap_or(public_url);
    let row = |what, place, value: String| Registered { what, place, value };
    let redirects = Redirects::new(base);
    let grant = match flow {
        Flow::Code => words.code.to_owned(),
        Flow::Implicit(asked) => implicit(&words, kind, asked),
    };
    let mut rows = vec![
        row(
            "redirect URI",
            words.redirect,
            redirects.of(flow).to_owned(),
        ),
        row("grant type", words.grant, grant),
        row("scopes", words.scopes, profile.scopes.join(" ")),
    ];
    if profile.sign_out != SignOut::None {
        rows.push(row(
            "after signing out",
            words.sign_out,
            format!("{base}/logout"),
        ));
    }
    if let Some((place, how)) = words.groups {
        rows.push(row("groups claim", place, how.to_owned()));
    }
    if kind == Kind::Okta {
        let start = format!("{base}/v1/oauth/start?provider={name}");
        rows.push(row("tile", "Initiate login URI", start));
    }
    rows.push(row("discoveryUrl", "in the configuration", place(profile)));
    rows
}

fn implicit(words: &Words, kind: Kind, asked: ResponseType) -> String {
    let both = asked == ResponseType::IdTokenToken;
    match kind {
        Kind::Microsoft if !both => "ID tokens".to_owned(),
        _ => words.implicit.to_owned(),
    }
}

/// What `discoveryUrl` looks like.
fn place(profile: &Profile) -> String {
    let written = match profile.kind {
        Kind::Microsoft => {
            "https://login.microsoftonline.com/TENANT/v2.0/.well-known/openid-configuration"
        }
        Kind::Okta => "https://DOMAIN.okta.com/.well-known/openid-configuration",
        Kind::Auth0 => "https://TENANT.auth0.com",
        Kind::Cognito => {
            "https://cognito-idp.REGION.amazonaws.com/POOL/.well-known/openid-configuration"
        }
        Kind::Adfs => "https://HOST/adfs/.well-known/openid-configuration",
        Kind::Google => "https://accounts.google.com",
        Kind::Github => "https://github.com",
        Kind::Custom => "https://HOST/PATH",
    };
    written.to_owned()
}

const fn words(kind: Kind) -> Words {
    match kind {
        Kind::Microsoft => Words {
            redirect: "Authentication > Add a platform > Web > Redirect URIs",
            grant: "Authentication > Implicit grant and hybrid flows",
            code: "leave both boxes empty",
            implicit: "Access tokens and ID tokens",
            sign_out: "Authentication > Web > Redirect URIs",
            scopes: "API permissions > Microsoft Graph > Delegated permissions",
            groups: Some((
                "Token configuration > Add groups claim",
                "Group ID in ID, Access and SAML tokens",
            )),
        },
        Kind::Okta => Words {
            redirect: "Sign-in redirect URIs",
            grant: "Grant type",
            code: "Authorization Code",
            implicit: "Implicit (hybrid)",
            sign_out: "Sign-out redirect URIs",
            scopes: "Okta API Scopes",
            groups: Some((
                "Sign On > Group Claims",
                "claim groups, filter Matches regex .*",
            )),
        },
        Kind::Auth0 => Words {
            redirect: "Allowed Callback URLs",
            grant: "Advanced Settings > Grant Types",
            code: "Authorization Code",
            implicit: "Implicit",
            sign_out: "Allowed Logout URLs",
            scopes: "nothing to set",
            groups: None,
        },
        Kind::Cognito => Words {
            redirect: "Allowed callback URLs",
            grant: "OAuth 2.0 grant types",
            code: "Authorization code grant",
            implicit: "Implicit grant",
            sign_out: "Allowed sign-out URLs",
            scopes: "OpenID Connect scopes",
            groups: Some(("nothing to set", "cognito:groups")),
        },
        Kind::Google => Words {
            redirect: "Authorized redirect URIs",
            grant: "Application type",
            code: "Web application",
            implicit: "Web application",
            sign_out: "",
            scopes: "Data Access > Add or remove scopes",
            groups: None,
        },
        Kind::Github => Words {
            redirect: "Authorization callback URL",
            grant: "nothing to set",
            code: "code",
            implicit: "code",
            sign_out: "",
            scopes: "nothing to set",
            groups: None,
        },
        Kind::Adfs => Words {
            redirect: "Redirect URI",
            grant: "Template",
            code: "Server application accessing a web API",
            implicit: "Web browser accessing a web application",
            sign_out: "Redirect URI",
            scopes: "Configure Application Permissions > Permitted scopes",
            groups: Some((
                "Issuance Transform Rules",
                "Token-Groups - Unqualified Names as groups",
            )),
        },
        Kind::Custom => Words {
            redirect: "redirect URI",
            grant: "grant type",
            code: "authorization code with PKCE (S256)",
            implicit: "implicit",
            sign_out: "post-logout redirect URI",
            scopes: "scopes",
            groups: Some(("claims of the ID token", "groups")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: &str = "https://aeolus.example.com";

    fn page(kind: Kind) -> &'static str {
        match kind {
            Kind::Google => include_str!("../../../docs/how-to/sign-in-with-google.md"),
            Kind::Github => include_str!("../../../docs/how-to/sign-in-with-github.md"),
            Kind::Microsoft => include_str!("../../../docs/how-to/sign-in-with-entra.md"),
            Kind::Okta => include_str!("../../../docs/how-to/sign-in-with-okta.md"),
            Kind::Auth0 => include_str!("../../../docs/how-to/sign-in-with-auth0.md"),
            Kind::Cognito => include_str!("../../../docs/how-to/sign-in-with-cognito.md"),
            Kind::Adfs => include_str!("../../../docs/how-to/sign-in-with-adfs.md"),
            Kind::Custom => include_str!("../../../docs/how-to/sign-in-with-another-provider.md"),
        }
    }

    #[test]
    fn a5_a24_a_providers_page_says_every_value_that_is_printed() {
        for kind in Kind::ALL {
            let implicit = kind.profile().implicit.map(Flow::Implicit);
            for flow in [Some(Flow::Code), implicit].into_iter().flatten() {
                for row in setup(kind, flow, (kind.name(), CONTROL)) {
                    for said in [row.value.as_str(), row.place] {
                        assert!(page(kind).contains(said), "{kind} {flow:?}: {said}");
                    }
                }
            }
        }
    }

    #[test]
    fn a24_every_redirect_uri_ends_with_a_slash() {
        for kind in Kind::ALL {
            let rows = setup(kind, Flow::Code, ("x", &format!("{CONTROL}/")));
            let found = rows.iter().find(|row| row.what == "redirect URI").unwrap();
            assert_eq!(found.value, format!("{CONTROL}/v1/oauth/callback/"));
        }
    }
}
