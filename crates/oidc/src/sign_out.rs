//! Ending the session at a provider (`OpenID` Connect RP-Initiated Logout 1.0, and what others have
//! instead).

use url::Url;

use crate::{Connection, Discovery, SignOut};

/// Whether a provider is shown the `id_token` of a sign-in when its session ends: where it announces a page by the
/// standard. Some ask the person without one, Okta refuses.
pub fn takes_id_token(connection: &Connection, discovery: &Discovery) -> bool {
    let standard = matches!(
        connection.profile().sign_out,
        SignOut::EndSession | SignOut::Auth0
    );
    standard && discovery.end_session_endpoint().is_some()
}

/// Where to send a browser that signs out, and comes back to `return_to`, which has to be registered
/// there. None: the provider has no such page, and its session stays.
pub fn sign_out_url(
    connection: &Connection,
    discovery: &Discovery,
    id_token_hint: Option<&str>,
    return_to: &str,
) -> Option<Url> {
    let client = ("client_id", connection.client_id());
    let announced = || {
        discovery
            .end_session_endpoint()
            .and_then(|url| Url::parse(url).ok())
    };
    let standard = |mut url: Url| {
        let mut query = url.query_pairs_mut();
        if let Some(hint) = id_token_hint {
            query.append_pair("id_token_hint", hint);
        }
        query.extend_pairs([client, ("post_logout_redirect_uri", return_to)]);
        drop(query);
        url
    };
    match connection.profile().sign_out {
        SignOut::EndSession => announced().map(standard),
        SignOut::Auth0 => announced().map(standard).or_else(|| {
            let base = format!("{}/v2/logout", connection.discovery().issuer());
            Url::parse_with_params(&base, [client, ("returnTo", return_to)]).ok()
        }),
        // On the hosted domain, where the authorization endpoint is; what discovery says is not served.
        SignOut::Cognito => {
            let base = discovery.authorization_endpoint().join("/logout").ok()?;
            Url::parse_with_params(base.as_str(), [client, ("logout_uri", return_to)]).ok()
        }
        SignOut::None => None,
    }
}

#[cfg(test)]
mod tests;
