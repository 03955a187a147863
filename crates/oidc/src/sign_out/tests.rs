use serde_json::{Value, json};

use super::*;
use crate::Kind;
use crate::fixture::{connection, discovery};

fn url(kind: Kind, more: Value) -> Option<String> {
    let settings = json!({"clientId": "c", "discoveryUrl": "https://idp.test"});
    let connection = connection(kind, settings);
    let discovery = discovery(&connection, more);
    let url = sign_out_url(
        &connection,
        &discovery,
        Some("hint"),
        "https://app.test/logout",
    );
    url.map(String::from)
}

#[test]
fn each_provider_ends_its_session_its_own_way() {
    let announced = || json!({"end_session_endpoint": "https://idp.test/out?x=1"});
    let standard = "https://idp.test/out?x=1&id_token_hint=hint&client_id=c&post_logout_redirect_uri=https%3A%2F%2Fapp.test%2Flogout";
    for kind in [Kind::Okta, Kind::Auth0, Kind::Custom] {
        assert_eq!(url(kind, announced()).as_deref(), Some(standard));
    }
    assert_eq!(url(Kind::Okta, json!({})), None);
    let auth0 = "https://idp.test/v2/logout?client_id=c&returnTo=https%3A%2F%2Fapp.test%2Flogout";
    assert_eq!(url(Kind::Auth0, json!({})).as_deref(), Some(auth0));
    let cognito = "https://idp.test/logout?client_id=c&logout_uri=https%3A%2F%2Fapp.test%2Flogout";
    assert_eq!(url(Kind::Cognito, announced()).as_deref(), Some(cognito));
    assert_eq!(url(Kind::Google, announced()), None);
    for kind in [
        Kind::Okta,
        Kind::Auth0,
        Kind::Custom,
        Kind::Cognito,
        Kind::Google,
    ] {
        for announced in [announced(), json!({})] {
            let url = url(kind, announced.clone()).unwrap_or_default();
            let settings = json!({"clientId": "c", "discoveryUrl": "https://idp.test"});
            let connection = connection(kind, settings);
            let discovery = discovery(&connection, announced);
            let shown = url.contains("id_token_hint");
            assert_eq!(takes_id_token(&connection, &discovery), shown, "{kind:?}");
        }
    }
}
