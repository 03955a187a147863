use aeolus_model::Time;
use serde_json::json;

use super::*;
use crate::fixture::{attempt, connection, custom, discovery};

fn url(connection: &Connection, more: serde_json::Value, ask: Ask<'_>) -> Url {
    url_of(connection, more, (ask, None))
}

fn url_of(
    connection: &Connection,
    more: serde_json::Value,
    (ask, fresh): (Ask<'_>, Option<Time>),
) -> Url {
    let request = AuthorizationRequest {
        connection,
        discovery: &discovery(connection, more),
        attempt: &attempt(connection.flow()).proven_since(fresh),
        redirects: &Redirects::new("https://control.test"),
        ask,
    };
    request.url()
}

fn all(url: &Url, name: &str) -> Vec<String> {
    let pairs = url.query_pairs().filter(|(held, _)| held == name);
    pairs.map(|(_, value)| value.into_owned()).collect()
}

#[test]
fn a_code_is_asked_for_with_state_nonce_and_challenge() {
    let connection = custom(json!({"authUrlParams": {"audience": "api", "scope": "groups"}}));
    let url = url(&connection, json!({}), Ask::default());
    insta::assert_snapshot!(url.as_str().replace('&', "\n&"));
}

#[test]
fn o3_a_code_without_a_challenge_is_never_asked_for() {
    let url = url(&custom(json!({})), json!({}), Ask::default());
    assert_eq!(all(&url, "code_challenge_method"), ["S256"]);
    assert_eq!(
        all(&url, "code_challenge"),
        [attempt(Flow::Code).challenge()]
    );
}

#[test]
fn an_endpoint_s_own_parameters_stay_but_say_nothing_that_counts() {
    let own = "https://idp.test/authorize?tenant=1&state=evil&client_id=evil&audience=old";
    let connection = custom(json!({"authUrlParams": {"audience": "api"}}));
    let url = url(
        &connection,
        json!({"authorization_endpoint": own}),
        Ask::default(),
    );
    for (name, value) in [
        ("tenant", "1"),
        ("state", "state"),
        ("client_id", "client"),
        ("audience", "api"),
    ] {
        assert_eq!(all(&url, name), [value], "{name}");
    }
}

#[test]
fn implicit_asks_for_tokens_at_its_own_redirect() {
    let connection = custom(json!({"flow": "implicit", "fetchUserInfo": true,
        "authUrlParams": {"response_mode": "form_post"}}));
    let url = url(&connection, json!({}), Ask::default());
    assert_eq!(all(&url, "response_type"), ["id_token token"]);
    assert_eq!(all(&url, "response_mode"), ["form_post"]);
    assert_eq!(
        all(&url, "redirect_uri"),
        ["https://control.test/v1/oauth/redirect/"]
    );
    assert_eq!(all(&url, "nonce"), ["nonce"]);
    assert!(all(&url, "code_challenge").is_empty());
}

#[test]
fn what_one_request_asks_beyond_the_usual_is_in_it_once() {
    let connection = custom(json!({"requireMfa": true, "acrValues": ["a", "b"],
        "authUrlParams": {"prompt": "none"}}));
    let ask = Ask {
        login_hint: Some("ann@example.com"),
    };
    let fresh = Some(Time::from_secs(1));
    let url = url_of(&connection, json!({}), (ask, fresh));
    assert_eq!(all(&url, "acr_values"), ["a b"]);
    assert_eq!(all(&url, "login_hint"), ["ann@example.com"]);
    assert_eq!(all(&url, "prompt"), ["login"]);
    assert_eq!(all(&url, "max_age"), ["0"]);
}

#[test]
fn githubs_request_has_a_challenge_and_no_nonce() {
    let github = connection(Kind::Github, json!({"clientId": "c"}));
    let request = AuthorizationRequest {
        connection: &github,
        discovery: &Discovery::of_github(&github).unwrap(),
        attempt: &attempt(Flow::Code),
        redirects: &Redirects::new("https://control.test/"),
        ask: Ask::default(),
    };
    insta::assert_snapshot!(request.url().as_str().replace('&', "\n&"));
}
