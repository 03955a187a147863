use serde_json::json;

use super::*;
use crate::fixture::{attempt, custom, discovery};
use crate::{Flow, Kind, Settings};

fn shown(request: &TokenRequest) -> Vec<(&str, &str)> {
    request
        .form
        .iter()
        .map(|(name, value)| (*name, value.expose().as_str()))
        .collect()
}

fn request(connection: &Connection, methods: &[&str]) -> TokenRequest {
    let more = json!({"token_endpoint_auth_methods_supported": methods});
    let discovery = discovery(connection, more);
    let redirects = Redirects::new("https://control.test");
    let code = Secret::new("code".to_owned());
    TokenRequest::new(
        (connection, &discovery),
        &attempt(Flow::Code),
        &redirects,
        &code,
    )
    .unwrap()
}

#[test]
fn o3_the_verifier_is_always_shown_also_with_a_secret() {
    let request = request(&custom(json!({})), &["client_secret_basic"]);
    assert_eq!(request.url, "https://idp.test/token");
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", "code"),
        ("redirect_uri", "https://control.test/v1/oauth/callback/"),
        ("code_verifier", "verifier"),
    ];
    assert_eq!(shown(&request), expected);
    let header = request.authorization.unwrap();
    assert_eq!(header.expose(), "Basic Y2xpZW50OnMzY3JldA==");
}

#[test]
fn a_client_is_named_once_and_its_secret_where_the_provider_takes_it() {
    let post = request(&custom(json!({})), &["client_secret_post"]);
    assert!(post.authorization.is_none());
    assert_eq!(
        shown(&post)[4..],
        [("client_id", "client"), ("client_secret", "s3cret")]
    );
    let settings = json!({"clientId": "client", "discoveryUrl": "https://idp.test"});
    let settings: Settings = serde_json::from_value(settings).unwrap();
    let public = Connection::new("idp".parse().unwrap(), Kind::Custom, &settings, None).unwrap();
    let public = request(&public, &[]);
    assert!(public.authorization.is_none());
    assert_eq!(shown(&public)[4..], [("client_id", "client")]);
    assert!(!format!("{post:?}").contains("s3cret"));
}

#[test]
fn basic_encodes_each_part_first() {
    let header = basic("a:b", &Secret::new("c d%".to_owned()));
    let decoded = STANDARD
        .decode(header.expose().strip_prefix("Basic ").unwrap())
        .unwrap();
    assert_eq!(decoded, b"a%3Ab:c+d%25");
}
