use serde_json::{Value, json};

use super::*;
use crate::fixture::{TENANT, connection, merge};

fn errors(kind: Kind, settings: Value) -> Vec<(&'static str, String)> {
    let base = json!({"clientId": "c", "discoveryUrl": "https://idp.test"});
    let settings: Settings = serde_json::from_value(merge(base, settings)).unwrap();
    let made = Connection::new("idp".parse().unwrap(), kind, &settings, None);
    let errors = made.err().unwrap_or_default();
    errors.iter().map(|e| (e.key(), e.to_string())).collect()
}

#[track_caller]
fn sound(kind: Kind, settings: Value) {
    let errors = errors(kind, settings);
    assert!(errors.is_empty(), "{errors:?}");
}

#[track_caller]
fn refused(kind: Kind, settings: Value, key: &str, words: &str) {
    let errors = errors(kind, settings);
    let found = errors
        .iter()
        .any(|(at, text)| *at == key && text.contains(words));
    assert!(found, "no {words:?} at {key} in {errors:?}");
}

#[test]
fn a_flow_is_code_or_implicit_and_code_unless_told_otherwise() {
    sound(Kind::Okta, json!({}));
    refused(
        Kind::Okta,
        json!({"flow": "Code"}),
        "flow",
        "\"code\" or \"implicit\"",
    );
    refused(
        Kind::Okta,
        json!({"flow": "hybrid"}),
        "flow",
        "\"code\" or \"implicit\"",
    );
    refused(
        Kind::Github,
        json!({"flow": "implicit"}),
        "flow",
        "no such flow",
    );
    let base = json!({"clientId": "c", "discoveryUrl": "https://idp.test"});
    let flow = |more| connection(Kind::Okta, merge(base.clone(), more)).flow();
    assert_eq!(flow(json!({})), Flow::Code);
    assert_eq!(
        flow(json!({"flow": "implicit"})),
        Flow::Implicit(ResponseType::IdTokenToken)
    );
    let without = json!({"flow": "implicit", "fetchUserInfo": false});
    assert_eq!(flow(without), Flow::Implicit(ResponseType::IdToken));
}

#[test]
fn a_response_type_among_the_parameters_is_a_setting() {
    let token = json!({"response_type": "token"});
    let settings = json!({"clientId": "c", "discoveryUrl": "https://idp.test",
        "flow": "implicit", "authUrlParams": token});
    let made = connection(Kind::Cognito, settings);
    assert_eq!(made.flow(), Flow::Implicit(ResponseType::Token));
    assert!(made.auth_url_params().is_empty());
    assert!(made.fetch_user_info());
    let with_code = json!({"authUrlParams": token});
    refused(
        Kind::Cognito,
        with_code,
        "authUrlParams",
        "flow is \"code\"",
    );
    let odd = json!({"flow": "implicit", "authUrlParams": {"response_type": "code"}});
    refused(Kind::Okta, odd, "authUrlParams", "response_type can't be");
}

#[test]
fn no_parameter_that_security_depends_on_comes_from_a_configuration() {
    for name in [
        "state",
        "nonce",
        "redirect_uri",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "acr_values",
        "iss",
        "STATE",
    ] {
        let params = json!({"authUrlParams": {name: "x"}});
        refused(
            Kind::Okta,
            params,
            "authUrlParams",
            "a sign-in makes that itself",
        );
    }
    for (name, value) in [("a b", "x"), ("", "x"), ("ok", ""), ("ok", "a\nb")] {
        assert!(!errors(Kind::Okta, json!({"authUrlParams": {name: value}})).is_empty());
    }
    let mode = json!({"authUrlParams": {"response_mode": "fragment"}});
    refused(Kind::Okta, mode, "authUrlParams", "response_mode");
}

#[test]
fn a_base_domain_says_where_the_provider_is() {
    let settings = json!({"clientId": "c", "baseDomain": "acme.okta.com"});
    let made = connection(Kind::Okta, settings);
    assert_eq!(made.discovery().issuer(), "https://acme.okta.com");
    let other = json!({"baseDomain": "login.microsoftonline.com"});
    refused(Kind::Okta, other, "baseDomain", "not the domain");
    refused(
        Kind::Okta,
        json!({"discoveryUrl": null}),
        "discoveryUrl",
        "where the provider is",
    );
    refused(
        Kind::Okta,
        json!({"clientId": null}),
        "clientId",
        "is missing",
    );
    refused(
        Kind::Okta,
        json!({"discoveryUrl": "http://a.test"}),
        "discoveryUrl",
        "https://",
    );
}

#[test]
fn o22_a_shared_tenant_needs_the_list_of_those_that_count() {
    let of = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let kind = Kind::Microsoft;
    sound(kind, json!({"discoveryUrl": of(TENANT)}));
    for shared in ["common", "organizations"] {
        refused(
            kind,
            json!({"discoveryUrl": of(shared)}),
            "allowedTenants",
            "every tenant",
        );
        let listed = json!({"discoveryUrl": of(shared), "allowedTenants": [TENANT]});
        sound(kind, listed);
    }
    for personal in ["consumers", PERSONAL_TENANT] {
        let listed = json!({"discoveryUrl": of(personal), "allowedTenants": [TENANT]});
        refused(kind, listed, "discoveryUrl", "personal accounts");
    }
    for bad in ["contoso.com", PERSONAL_TENANT, ""] {
        let listed = json!({"discoveryUrl": of("common"), "allowedTenants": [bad]});
        refused(kind, listed, "allowedTenants", "tenant ids");
    }
    refused(
        Kind::Okta,
        json!({"allowedTenants": [TENANT]}),
        "allowedTenants",
        "microsoft alone",
    );
    refused(
        Kind::Okta,
        json!({"hostedDomains": ["a.test"]}),
        "hostedDomains",
        "google alone",
    );
    refused(
        Kind::Okta,
        json!({"allowedOrganizations": ["acme"]}),
        "allowedOrganizations",
        "github alone",
    );
    for bad in ["", "acme/data", "org:", "org:7x", "a b"] {
        let listed = json!({"allowedOrganizations": [bad]});
        refused(Kind::Github, listed, "allowedOrganizations", "org:NUMBER");
    }
}

#[test]
fn a_second_factor_is_required_only_where_it_can_be_proved() {
    for kind in [Kind::Google, Kind::Github, Kind::Cognito] {
        refused(
            kind,
            json!({"requireMfa": true}),
            "requireMfa",
            "never says",
        );
    }
    let unproved = json!({"requireMfa": true, "flow": "implicit",
        "authUrlParams": {"response_type": "token"}});
    refused(Kind::Okta, unproved, "requireMfa", "needs an id_token");
    refused(
        Kind::Okta,
        json!({"acrValues": ["x"]}),
        "acrValues",
        "without requireMfa",
    );
    sound(Kind::Okta, json!({"requireMfa": true}));
}

#[test]
fn who_always_has_a_secret_needs_it() {
    for kind in [Kind::Google, Kind::Github] {
        refused(kind, json!({}), "clientSecret", "is missing");
    }
    sound(Kind::Google, json!({"flow": "implicit"}));
}

#[test]
fn bounds_hold() {
    refused(
        Kind::Okta,
        json!({"clockTolerance": 301}),
        "clockTolerance",
        "at most 300",
    );
    sound(Kind::Okta, json!({"clockTolerance": 0}));
    refused(
        Kind::Okta,
        json!({"displayName": "a\u{0}"}),
        "displayName",
        "control",
    );
    refused(Kind::Okta, json!({"scopes": ["a b"]}), "scopes", "scopes");
    refused(
        Kind::Okta,
        json!({"claimsMapping": {"email": ""}}),
        "claimsMapping",
        "255",
    );
}

#[test]
fn scopes_are_the_profiles_or_what_is_written_and_always_open_an_id_token() {
    let scopes = |kind, more: Value| {
        let base = json!({"clientId": "c", "discoveryUrl": "https://idp.test"});
        connection(kind, merge(base, more)).scopes().join(" ")
    };
    assert_eq!(scopes(Kind::Okta, json!({})), "openid profile email");
    assert_eq!(
        scopes(Kind::Okta, json!({"scopes": ["groups", "openid"]})),
        "openid groups"
    );
    let written = json!({"authUrlParams": {"scope": "email groups"}});
    assert_eq!(scopes(Kind::Okta, written), "openid email groups");
    assert_eq!(
        scopes(Kind::Github, json!({})),
        "read:user user:email read:org"
    );
}

#[test]
fn a_secret_is_never_shown() {
    let made = connection(
        Kind::Okta,
        json!({"clientId": "c", "discoveryUrl": "https://idp.test"}),
    );
    assert!(!format!("{made:?}").contains("s3cret"));
    let kept = serde_json::to_string(made.settings()).unwrap();
    assert!(!kept.contains("s3cret"));
    assert_eq!(
        serde_json::from_str::<Settings>(&kept).unwrap(),
        *made.settings()
    );
}

#[test]
fn a_change_in_mid_flight_keeps_the_way_and_takes_the_rules_of_now() {
    let settings = |(client, secret): (&str, &str), flow: &str, mfa: bool| {
        let settings = json!({
            "clientId": client, "discoveryUrl": "https://idp.test", "flow": flow, "requireMfa": mfa,
        });
        let settings: Settings = serde_json::from_value(settings).unwrap();
        let secret = Some(Secret::new(secret.to_owned()));
        Connection::new("idp".parse().unwrap(), Kind::Custom, &settings, secret).unwrap()
    };
    let began = settings(("old", "first"), "implicit", false);
    let both = settings(("new", "second"), "code", true).finishing(&began);
    assert_eq!(both.flow(), began.flow());
    assert_eq!(both.client_id(), "old");
    assert_eq!(both.client_secret().unwrap().expose(), "first");
    assert!(both.mfa().is_some());
    let both = settings(("old", "second"), "code", true).finishing(&began);
    // A secret that was replaced is good no more.
    assert_eq!(both.client_secret().unwrap().expose(), "second");
}
