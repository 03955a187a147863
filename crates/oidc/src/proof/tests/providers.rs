//! What is different at each provider, with tokens as they write them.

use aeolus_keys::Alg;
use serde_json::{Value, json};

use crate::fixture::{Case, NOW, TENANT, claims, connection, document, keys, merge};
use crate::{GroupList, Groups, Identity, Kind, SignInError};

const OTHER_TENANT: &str = "00000000-1111-2222-3333-444444444444";

fn case(kind: Kind, issuer: &str, settings: Value) -> Case {
    let base = json!({"clientId": "client", "discoveryUrl": issuer.trim_end_matches('/'),
        "fetchUserInfo": false});
    let mut case = Case::new(connection(kind, merge(base, settings)));
    case.document = document(issuer);
    case.keys = keys(&[Alg::EdDsa]);
    case
}

fn entra_issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

fn entra_claims(tenant: &str) -> Value {
    json!({
        "iss": entra_issuer(tenant), "aud": "client", "sub": "pairwise", "tid": tenant,
        "oid": "a1", "iat": NOW - 5, "nbf": NOW - 5, "exp": NOW + 3600, "nonce": "nonce",
        "name": "Ann", "preferred_username": "ann@example.com", "ver": "2.0",
    })
}

fn entra(written: &str, claims: &Value) -> Result<Identity, SignInError> {
    let settings = json!({"discoveryUrl": entra_issuer(written), "allowedTenants": [TENANT]});
    let named = if written == "common" {
        "{tenantid}"
    } else {
        written
    };
    let mut case = case(Kind::Microsoft, "https://x.test", settings);
    case.document = document(&entra_issuer(named));
    case.by(claims)
}

#[test]
fn entra_names_people_by_tenant_and_object() {
    for written in [TENANT, "common"] {
        let found = entra(written, &entra_claims(TENANT)).unwrap();
        assert_eq!(found.subject.as_str(), format!("{TENANT}/a1"));
        assert_eq!(found.issuer, entra_issuer(written));
        assert_eq!(found.email.unwrap().as_str(), "ann@example.com");
        assert!(!found.email_verified);
    }
    for missing in ["oid", "sub"] {
        let claims = merge(entra_claims(TENANT), json!({missing: null}));
        assert_eq!(entra(TENANT, &claims), Err(SignInError::Subject));
    }
}

#[test]
fn o22_no_tenant_speaks_for_another() {
    let other = entra_claims(OTHER_TENANT);
    assert_eq!(entra("common", &other), Err(SignInError::Tenant));
    assert_eq!(entra(TENANT, &other), Err(SignInError::Tenant));
    let claimed = merge(other, json!({"tid": TENANT}));
    assert_eq!(entra("common", &claimed), Err(SignInError::Issuer));
    let without = merge(entra_claims(TENANT), json!({"tid": null}));
    assert_eq!(entra("common", &without), Err(SignInError::Tenant));
    for odd in [
        "",
        "{tenantid}",
        "9188040d-6c67-4c5b-b112-36a304b66dad",
        "X",
    ] {
        let found = entra("common", &entra_claims(odd));
        assert_eq!(found, Err(SignInError::Tenant), "{odd}");
    }
}

#[test]
fn entras_first_version_is_refused_by_name() {
    let old = json!({"iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0"});
    let old = merge(entra_claims(TENANT), old);
    assert_eq!(entra(TENANT, &old), Err(SignInError::OldVersion));
    let version = merge(entra_claims(TENANT), json!({"ver": "1.0"}));
    assert_eq!(entra(TENANT, &version), Err(SignInError::OldVersion));
}

#[test]
fn entras_groups_that_do_not_fit_are_asked_of_graph_and_not_of_the_token() {
    let overage = json!({"_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://evil.test/"}}});
    for more in [
        overage,
        json!({"hasgroups": true}),
        json!({"hasgroups": "true"}),
    ] {
        let found = entra(TENANT, &merge(entra_claims(TENANT), more)).unwrap();
        assert_eq!(found.groups, Groups::AskGraph);
    }
    let listed = json!({"groups": ["g1", "g2"], "_claim_names": {"other": "src1"}});
    let found = entra(TENANT, &merge(entra_claims(TENANT), listed)).unwrap();
    assert_eq!(found.groups, Groups::listed(["g1", "g2"]));
    let silent = entra(TENANT, &entra_claims(TENANT)).unwrap();
    assert_eq!(silent.groups, Groups::Unknown);
}

/// A claim of one's own is what the tenant's administrators say, and each tenant has some.
#[test]
fn d4_a_group_by_its_name_is_its_tenants_alone() {
    let id = "00000001-1111-2222-3333-444444444444";
    let claims = merge(entra_claims(TENANT), json!({"groups": ["ops", id]}));
    let found = entra("common", &claims).unwrap().groups;
    let (own, object) = (format!("{TENANT}/ops"), format!("{TENANT}/{id}"));
    // Nor is a text an object of another tenant for having the form of its id.
    let expected = [
        (own.as_str(), Some("ops".to_owned())),
        (object.as_str(), None),
    ];
    assert_eq!(found, Groups::Listed(GroupList::new(expected)));
    let one = entra(TENANT, &claims).unwrap().groups;
    assert_eq!(one, Groups::listed(["ops", id]));
}

#[test]
fn entras_two_hundred_groups_fit() {
    let group = |n: usize| format!("{n:08}-1111-2222-3333-444444444444");
    let groups: Vec<String> = (0..200).map(group).collect();
    let found = entra(
        TENANT,
        &merge(entra_claims(TENANT), json!({"groups": groups})),
    )
    .unwrap();
    assert_eq!(
        found.groups,
        Groups::listed(groups.iter().map(String::as_str))
    );
}

#[test]
fn o21_entra_vouches_for_an_address_by_its_domains_owner_alone() {
    let by = |more: Value| {
        let mapping = json!({"email": "email"});
        let settings = json!({"discoveryUrl": entra_issuer(TENANT), "claimsMapping": mapping});
        let mut case = case(Kind::Microsoft, "https://x.test", settings);
        case.document = document(&entra_issuer(TENANT));
        let claims = merge(entra_claims(TENANT), json!({"email": "ann@example.com"}));
        case.by(&merge(claims, more)).unwrap().email_verified
    };
    assert!(!by(json!({})));
    assert!(!by(json!({"email_verified": true})));
    for yes in [json!(true), json!(1), json!("1"), json!("true")] {
        assert!(by(json!({"xms_edov": yes})), "{yes}");
    }
    for no in [json!(false), json!(0), json!("no"), json!([true])] {
        assert!(!by(json!({"xms_edov": no})), "{no}");
    }
}

#[test]
fn auth0s_issuer_keeps_its_slash_and_its_claims_their_urls() {
    let settings = json!({"claimsMapping": {"groups": "https://acme.test/groups"}});
    let case = case(Kind::Auth0, "https://acme.auth0.com/", settings);
    let claims = merge(
        claims(),
        json!({"iss": "https://acme.auth0.com/", "sub": "auth0|5f7c",
            "https://acme.test/groups": ["data"], "groups": ["wrong"]}),
    );
    let found = case.by(&claims).unwrap();
    assert_eq!(found.subject.as_str(), "auth0|5f7c");
    assert_eq!(found.issuer, "https://acme.auth0.com");
    assert_eq!(found.groups, Groups::listed(["data"]));
    let trimmed = merge(claims, json!({"iss": "https://acme.auth0.com"}));
    assert_eq!(case.by(&trimmed), Err(SignInError::Issuer));
}

#[test]
fn oktas_authorization_servers_are_not_mixed() {
    let custom = "https://acme.okta.com/oauth2/default";
    let case = case(Kind::Okta, custom, json!({}));
    let own = merge(
        claims(),
        json!({"iss": custom, "groups": ["Everyone"], "ver": 1}),
    );
    assert_eq!(case.by(&own).unwrap().groups, Groups::listed(["Everyone"]));
    let organizations = merge(own, json!({"iss": "https://acme.okta.com"}));
    assert_eq!(case.by(&organizations), Err(SignInError::Issuer));
}

#[test]
fn cognitos_claims_have_its_prefix_and_its_truth_is_a_text() {
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc";
    let case = case(Kind::Cognito, pool, json!({}));
    let own = merge(
        claims(),
        json!({"iss": pool, "token_use": "id", "email_verified": "true",
            "cognito:groups": ["admins"], "cognito:username": "ann"}),
    );
    let found = case.by(&own).unwrap();
    assert!(found.email_verified);
    assert_eq!(found.groups, Groups::listed(["admins"]));
    for other in [json!("True"), json!("1"), json!(1), Value::Null] {
        let claims = merge(own.clone(), json!({"email_verified": other}));
        assert!(!case.by(&claims).unwrap().email_verified);
    }
    let access = merge(own, json!({"token_use": "access"}));
    assert_eq!(case.by(&access), Err(SignInError::Kind));
}

#[test]
fn googles_domain_is_what_the_claim_says_and_its_name_may_lack_the_scheme() {
    let google = "https://accounts.google.com";
    let case = |domains: Value| case(Kind::Google, google, json!({"hostedDomains": domains}));
    let own = |more: Value| merge(merge(claims(), json!({"iss": google})), more);
    assert!(case(json!([])).by(&own(json!({}))).is_ok());
    assert!(
        case(json!([]))
            .by(&own(json!({"iss": "accounts.google.com"})))
            .is_ok()
    );
    let listed = || case(json!(["example.com", "example.org"]));
    assert!(listed().by(&own(json!({"hd": "example.org"}))).is_ok());
    for hd in [
        Value::Null,
        json!("evil.test"),
        json!("sub.example.com"),
        json!(["example.com"]),
    ] {
        let found = listed().by(&own(json!({"hd": hd})));
        assert_eq!(found.map(|_| ()), Err(SignInError::HostedDomain));
    }
}

#[test]
fn adfs_says_little_and_one_group_as_a_text() {
    let issuer = "https://fs.example.com/adfs";
    let case = case(Kind::Adfs, issuer, json!({}));
    let own = json!({"iss": issuer, "email": null, "name": null, "upn": "ann@example.com",
        "groups": "Domain Users"});
    let found = case.by(&merge(claims(), own)).unwrap();
    assert_eq!(found.email.unwrap().as_str(), "ann@example.com");
    assert_eq!(found.name.as_deref(), Some("ann@example.com"));
    assert_eq!(found.groups, Groups::listed(["Domain Users"]));
    assert!(!found.email_verified);
}
