//! `response_type=token`: an access token and userinfo instead of an `id_token`.

use aeolus_keys::Alg;
use serde_json::{Value, json};

use crate::fixture::{Case, NOW, connection, document, header, keys, merge, token, tokens};
use crate::{Identity, Kind, SignInError, UserInfo};

const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc";

fn case(kind: Kind) -> Case {
    let settings = json!({"clientId": "client", "discoveryUrl": POOL, "flow": "implicit",
        "authUrlParams": {"response_type": "token"}});
    let mut case = Case::new(connection(kind, settings));
    case.document = document(POOL);
    case.keys = keys(&[Alg::EdDsa]);
    case
}

fn claims() -> Value {
    json!({"iss": POOL, "sub": "ann-1", "client_id": "client", "token_use": "access",
        "iat": NOW - 5, "exp": NOW + 3600, "scope": "openid"})
}

fn info() -> Value {
    json!({"sub": "ann-1", "email": "ann@example.com", "email_verified": "true"})
}

fn by(kind: Kind, claims: &Value, info: Option<&Value>) -> Result<Identity, SignInError> {
    let header = merge(header(), json!({"typ": null}));
    let bare = tokens(None, Some(token(&header, claims)));
    let info = info.map(|info| UserInfo::parse(info.to_string().as_bytes()).unwrap());
    case(kind).judge(&bare, |proved| {
        assert!(proved.wants_user_info());
        proved.identity(info.as_ref())
    })
}

#[test]
fn cognitos_access_token_and_userinfo_together_say_who_it_is() {
    let found = by(Kind::Cognito, &claims(), Some(&info())).unwrap();
    assert_eq!(found.subject.as_str(), "ann-1");
    assert!(found.email_verified);
}

#[test]
fn without_userinfo_or_with_anothers_it_is_nobody() {
    let missing = by(Kind::Cognito, &claims(), None);
    assert_eq!(missing, Err(SignInError::NoUserInfo));
    let eve = merge(info(), json!({"sub": "eve"}));
    let other = by(Kind::Cognito, &claims(), Some(&eve));
    assert_eq!(other, Err(SignInError::UserInfo));
}

#[track_caller]
fn refused(more: Value, error: SignInError) {
    let shown = more.to_string();
    let found = by(Kind::Cognito, &merge(claims(), more), Some(&info()));
    assert_eq!(found.map(|_| ()), Err(error), "{shown}");
}

#[test]
fn t31_an_access_token_for_another_client_or_of_another_kind_is_refused() {
    for usage in [Value::Null, json!("id"), json!("Access"), json!("")] {
        refused(json!({"token_use": usage}), SignInError::Kind);
    }
    for more in [
        json!({"typ": "ID"}),
        json!({"events": {}}),
        json!({"nonce": "nonce"}),
        json!({"at_hash": "x"}),
    ] {
        refused(more, SignInError::Kind);
    }
    for more in [
        json!({"client_id": "other"}),
        json!({"client_id": null}),
        json!({"client_id": null, "aud": "other"}),
        json!({"client_id": null, "azp": "other"}),
        json!({"azp": "other"}),
        json!({"client_id": "other", "aud": "client"}),
    ] {
        refused(more, SignInError::Audience);
    }
    refused(json!({"iss": "https://evil.test"}), SignInError::Issuer);
    refused(json!({"exp": NOW - 61}), SignInError::Time);
    refused(json!({"iat": NOW - 661}), SignInError::Time);
    refused(json!({"sub": null}), SignInError::Subject);
}

#[test]
fn elsewhere_the_client_or_the_audience_says_whose_it_is() {
    let without = json!({"token_use": null, "client_id": null});
    let good = |more: Value| {
        let claims = merge(merge(claims(), without.clone()), more);
        by(Kind::Okta, &claims, Some(&info())).is_ok()
    };
    assert!(good(json!({"aud": ["client"]})));
    assert!(good(json!({"cid": "client", "aud": "api"})));
    assert!(!good(json!({"aud": "api"})));
    assert!(!good(json!({"cid": "other", "aud": "client"})));
    let opaque = tokens(None, Some("opaque".to_owned()));
    let found = case(Kind::Okta).judge(&opaque, |proved| proved.identity(None));
    assert_eq!(found, Err(SignInError::Malformed));
}

#[test]
fn an_id_token_that_comes_along_counts_more() {
    let id = json!({"iss": POOL, "aud": "client", "sub": "ann-1", "token_use": "id",
        "iat": NOW - 5, "exp": NOW + 3600, "nonce": "other"});
    let both = tokens(
        Some(token(&header(), &id)),
        Some(token(&header(), &claims())),
    );
    let found = case(Kind::Cognito).judge(&both, |proved| proved.identity(None));
    assert_eq!(found, Err(SignInError::Nonce));
}
