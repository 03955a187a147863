//! Tokens of an identity provider: whatever is sent, nothing that it didn't sign counts.

#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aeolus_decide::{LogoutTerms, World};
use aeolus_fuzz::token_of;
use aeolus_model::Time;
use aeolus_snapshot::{Sections, section};
use libfuzzer_sys::fuzz_target;

/// RFC 8037 §A.2.
const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let terms = section::SessionTokens {
        issuer: "https://idp.test/".to_owned(),
        audience: "api".to_owned(),
        identity_issuer: "https://idp.test".to_owned(),
        client_ids: vec!["spa".to_owned()],
        algorithms: vec!["EdDSA".to_owned()],
        clock_tolerance: 60,
        max_life: 3_600,
        subject: "sub".to_owned(),
        keys: vec![section::ProviderKey {
            kid: None,
            jwk: KEY.to_owned(),
        }],
        ..section::SessionTokens::default()
    };
    let mut sections = Sections::default();
    sections.keys.issuer = "https://control.test".to_owned();
    sections.connections.identity_salt = b"salt".to_vec();
    sections.connections.auth_host = "auth.test".to_owned();
    sections.deployments.deployments.push(section::Deployment {
        id: vec![2; 16],
        organization: vec![3; 16],
        workspace: vec![4; 16],
        profile: section::Profile::Airflow3.into(),
        max_stale: 86_400,
        hard_stale: 604_800,
        stale_then: section::StalePolicy::Deny.into(),
        ..section::Deployment::default()
    });
    sections.connections.connections.push(section::Connection {
        id: vec![1; 16],
        plane_registration: Some(section::PlaneRegistration {
            client_id: "plane".to_owned(),
            issuer: "https://idp.test/".to_owned(),
            identity_issuer: "https://idp.test".to_owned(),
            authorization_endpoint: "https://idp.test/auth".to_owned(),
            token_endpoint: "https://idp.test/token".to_owned(),
            subject: "sub".to_owned(),
            keys: terms.keys.clone(),
            ..section::PlaneRegistration::default()
        }),
        session_tokens: Some(terms),
        ..section::Connection::default()
    });
    World::from_sections(&sections, &BTreeSet::new())
});

const NOW: Time = Time::from_secs(1_900_000_000);

static LOGOUTS: LazyLock<LogoutTerms> = LazyLock::new(|| {
    let key = section::ProviderKey {
        kid: None,
        jwk: KEY.to_owned(),
    };
    LogoutTerms::new("https://idp.test/", vec!["spa".to_owned()], &[key])
});

/// Nor is anybody signed in by it, or out.
fn signs_nobody_in(id_token: &[u8]) {
    let registration = &WORLD.registrations()[0];
    let deployment = WORLD.deployments().next().expect("the one above");
    let signed_in = WORLD.signed_in(registration, (id_token, "nonce"), deployment, NOW);
    assert!(signed_in.is_err());
    assert!(LOGOUTS.verify(id_token, NOW).is_err());
}

fuzz_target!(|token: &[u8]| {
    assert!(WORLD.verify(token, NOW).is_err());
    signs_nobody_in(token);
    // The same as claims, which then come as far as the signature.
    let whole = token_of(token);
    assert!(WORLD.verify(whole.as_bytes(), NOW).is_err());
    signs_nobody_in(whole.as_bytes());
});
