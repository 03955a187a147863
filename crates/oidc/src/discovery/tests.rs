use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Kind;
use crate::fixture::{ISSUER, TENANT, connection, custom, document, merge};

fn parse(connection: &Connection, document: &Value) -> Result<Discovery, DiscoveryError> {
    Discovery::parse(connection, document.to_string().as_bytes())
}

fn microsoft(tenant: &str) -> Connection {
    let url = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let settings = json!({"clientId": "c", "discoveryUrl": url, "allowedTenants": [TENANT]});
    connection(Kind::Microsoft, settings)
}

#[test]
fn o9_the_issuer_is_the_one_that_was_configured() {
    let connection = custom(json!({}));
    assert!(parse(&connection, &document(ISSUER)).is_ok());
    let slash = parse(&connection, &document("https://idp.test/")).unwrap();
    assert_eq!(slash.issuer(), "https://idp.test/");
    for other in [
        "https://evil.test",
        "https://idp.test//",
        "https://idp.test/x",
        "http://idp.test",
    ] {
        let found = parse(&connection, &document(other));
        assert_eq!(found, Err(DiscoveryError::Issuer), "{other}");
    }
}

#[test]
fn o22_entras_issuer_is_the_tenants() {
    let of = |tenant: &str| document(&format!("https://login.microsoftonline.com/{tenant}/v2.0"));
    assert!(parse(&microsoft(TENANT), &of(TENANT)).is_ok());
    assert!(parse(&microsoft("common"), &of("{tenantid}")).is_ok());
    assert!(parse(&microsoft("contoso.onmicrosoft.com"), &of(TENANT)).is_ok());
    let other = "00000000-0000-0000-0000-000000000001";
    for (written, found) in [(TENANT, other), (TENANT, "{tenantid}"), ("common", TENANT)] {
        let found = parse(&microsoft(written), &of(found));
        assert_eq!(found, Err(DiscoveryError::Issuer), "{written}");
    }
    let old = document(&format!("https://sts.windows.net/{TENANT}/"));
    assert_eq!(
        parse(&microsoft(TENANT), &old),
        Err(DiscoveryError::OldVersion)
    );
}

#[test]
fn a19_no_endpoint_leads_where_a_browser_must_not_go() {
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for bad in [
            Value::Null,
            json!("http://idp.test/x"),
            json!("javascript:alert(1)"),
            json!("https://u@idp.test/"),
            json!("https://idp.test/#x"),
            json!(1),
        ] {
            let document = merge(document(ISSUER), json!({name: bad}));
            let found = parse(&custom(json!({})), &document);
            assert_eq!(found, Err(DiscoveryError::Endpoint(name)));
        }
    }
    let fetching = custom(json!({"fetchUserInfo": true}));
    let without = merge(document(ISSUER), json!({"userinfo_endpoint": null}));
    let missing = DiscoveryError::Endpoint("userinfo_endpoint");
    assert_eq!(parse(&fetching, &without), Err(missing));
    assert!(parse(&custom(json!({})), &without).is_ok());
}

#[test]
fn t1_only_asymmetric_algorithms_are_taken_from_the_announcement() {
    let algorithms = |named: Value| {
        let more = json!({"id_token_signing_alg_values_supported": named});
        parse(&custom(json!({})), &merge(document(ISSUER), more)).map(|found| found.algorithms)
    };
    let named = json!(["none", "HS256", "RS512", "ES384", "RS512", "rs256"]);
    assert_eq!(algorithms(named), Ok(vec![Alg::Rs512, Alg::Es384]));
    assert_eq!(algorithms(Value::Null), Ok(vec![Alg::Rs256]));
    assert_eq!(
        algorithms(json!(["HS256"])),
        Err(DiscoveryError::Algorithms)
    );
}

#[test]
fn a_client_says_who_it_is_as_the_provider_takes_it() {
    let auth = |methods: Value| {
        let more = json!({"token_endpoint_auth_methods_supported": methods});
        parse(&custom(json!({})), &merge(document(ISSUER), more))
            .unwrap()
            .client_auth()
    };
    assert_eq!(auth(Value::Null), ClientAuth::Basic);
    assert_eq!(auth(json!(["client_secret_post"])), ClientAuth::Post);
    assert_eq!(
        auth(json!(["client_secret_post", "client_secret_basic"])),
        ClientAuth::Basic
    );
}

#[test]
fn githubs_is_made_up() {
    let github = connection(Kind::Github, json!({"clientId": "c"}));
    let found = Discovery::of_github(&github).unwrap();
    assert_eq!(
        found.token_endpoint(),
        Some("https://github.com/login/oauth/access_token")
    );
    let own = json!({"clientId": "c", "baseDomain": "git.example.com"});
    let found = Discovery::of_github(&connection(Kind::Github, own)).unwrap();
    assert_eq!(
        found.authorization_endpoint().as_str(),
        "https://git.example.com/login/oauth/authorize"
    );
    assert_eq!(Discovery::of_github(&custom(json!({}))), None);
}

#[test]
fn t14_t23_a_document_that_could_be_misread_is_none() {
    let twice = format!(r#"{{"issuer":"{ISSUER}","issuer":"https://evil.test"}}"#);
    let long = format!("{{\"a\":\"{}\"}}", "a".repeat(MAX));
    for bytes in [
        twice.as_bytes(),
        long.as_bytes(),
        b"[]",
        b"",
        b"{\"issuer\":1}",
    ] {
        let found = Discovery::parse(&custom(json!({})), bytes);
        assert_eq!(found, Err(DiscoveryError::Malformed));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Discovery::parse(&custom(json!({})), &bytes);
    }
}
