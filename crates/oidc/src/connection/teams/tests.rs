use std::time::Duration;

use aeolus_model::Role;
use serde_json::{Value, json};

use super::TeamRules;
use crate::fixture::{TENANT, merge};
use crate::{Connection, Kind, Settings, SettingsError};

fn made(kind: Kind, teams: &Value, more: Value) -> Result<Connection, Vec<SettingsError>> {
    let base = json!({"clientId": "c", "teams": teams,
        "discoveryUrl": format!("https://idp.test/{TENANT}/v2.0")});
    let settings: Settings = serde_json::from_value(merge(base, more)).unwrap();
    let secret = Some(aeolus_model::Secret::new("s3cret".to_owned()));
    Connection::new("idp".parse().unwrap(), kind, &settings, secret)
}

fn rules(kind: Kind, teams: &Value) -> TeamRules {
    let made = made(kind, teams, json!({})).unwrap();
    made.teams().unwrap().clone()
}

#[track_caller]
fn refused(teams: &Value, words: &str) {
    let errors = made(Kind::Okta, teams, json!({})).unwrap_err();
    let found = errors.iter().any(|error| error.to_string().contains(words));
    assert!(found, "no {words:?} in {errors:?}");
}

#[test]
fn d2_the_filter_leaves_out_what_it_matches_anywhere() {
    let rules = rules(Kind::Okta, &json!({"filter": "^tmp-|secret"}));
    assert!(rules.take("data", None));
    assert!(!rules.take("tmp-data", None));
    assert!(rules.take("data-tmp-", None));
    assert!(!rules.take("top-secret-data", None));
    assert!(!rules.take("1", Some("secrets")), "by its name as well");
    assert!(self::rules(Kind::Okta, &json!({"filter": ""})).take("tmp-", None));
}

#[test]
fn d2_a_filter_that_would_cost_too_much_is_refused() {
    refused(&json!({"filter": "("}), "no regular expression");
    refused(&json!({"filter": "a".repeat(1_025)}), "1024 bytes");
    refused(
        &json!({"filter": r"\w{1000}{100}"}),
        "no regular expression",
    );
    // Exponential elsewhere.
    let rules = rules(Kind::Okta, &json!({"filter": "^(a+)+$"}));
    assert!(rules.take(&format!("{}b", "a".repeat(254)), None));
}

#[test]
fn d2_all_but_some_is_said_as_the_original_s_engine_needs_it() {
    for written in [
        "^(?!AF_).*",
        "^(?!AF_).*$",
        "^(?!AF_)",
        r"^(?!AF_|\)[)]).+$",
    ] {
        let rules = rules(Kind::Okta, &json!({ "filter": written }));
        assert!(rules.take("AF_data", None), "{written}");
        assert!(rules.take("1", Some("AF_data")), "{written}");
        assert!(!rules.take("my-AF_data", None), "{written}");
    }
    refused(&json!({"filter": "^(?!AF_)data"}), "no regular expression");
    refused(&json!({"filter": "^(?!a(?=b)).*"}), "no regular expression");
    refused(&json!({"filter": "^(?!AF_"}), "no regular expression");
}

#[test]
fn d3_system_roles_are_of_groups_by_id_and_whatever_the_filter_says() {
    let lists = json!({"SYSTEM_ADMIN": ["admins"], "SYSTEM_VIEWER": ["admins", "all"]});
    let given = json!({"filter": ".*", "systemRoles": lists});
    let okta = rules(Kind::Okta, &given);
    assert_eq!(okta.system_role("admins"), Some(Role::SystemAdmin));
    assert_eq!(okta.system_role("all"), Some(Role::SystemViewer));
    assert_eq!(okta.system_role("Admins"), None);
    assert!(okta.take("all", None) && !okta.take("others", None));
    let lists = json!({"SYSTEM_ADMIN": ["admins", TENANT.to_ascii_uppercase()]});
    let entra = rules(Kind::Microsoft, &json!({"systemRoles": lists}));
    assert_eq!(entra.system_role("admins"), None);
    assert_eq!(entra.system_role(TENANT), Some(Role::SystemAdmin));
    assert_eq!(entra.unusable(), ["admins"]);
    let (other, shared) = (
        TENANT.replace('7', "8"),
        json!({"discoveryUrl": "https://idp.test/common/v2.0"}),
    );
    let of = |tenants: Value, named: Value| {
        let teams = json!({"systemRoles": {"SYSTEM_ADMIN": named}});
        let more = merge(shared.clone(), json!({ "allowedTenants": tenants }));
        let made = made(Kind::Microsoft, &teams, more).unwrap();
        made.teams().unwrap().clone()
    };
    let own = format!("{TENANT}/{TENANT}");
    let admin = Some(Role::SystemAdmin);
    let one = of(json!([TENANT]), json!([TENANT]));
    assert_eq!(
        (one.system_role(&own), one.system_role(TENANT)),
        (admin, None)
    );
    let two = of(json!([TENANT, other]), json!([TENANT, own]));
    assert_eq!(
        (two.system_role(&own), two.unusable()),
        (admin, &[TENANT.to_owned()][..])
    );
    assert_eq!(two.system_role(&format!("{other}/{TENANT}")), None);
    let lists = json!({"SYSTEM_EDITOR": ["acme", "org:7", "team:8", "team:", "user:8"]});
    let github = rules(Kind::Github, &json!({"systemRoles": lists}));
    assert_eq!(github.system_role("org:7"), Some(Role::SystemEditor));
    assert_eq!(github.unusable(), ["acme", "team:", "user:8"]);
}

#[test]
fn an_absent_claim_says_something_only_where_it_is_always_there() {
    let absent = |kind, teams| rules(kind, &teams).absent_means_none();
    assert!(!absent(Kind::Okta, json!({})));
    assert!(absent(Kind::Okta, json!({"absentMeansNone": true})));
    assert!(absent(Kind::Cognito, json!({})));
    assert!(!absent(Kind::Cognito, json!({"absentMeansNone": false})));
    let mapped = json!({"claimsMapping": {"groups": "custom:teams"}});
    let mapped = made(Kind::Cognito, &json!({}), mapped).unwrap();
    assert!(!mapped.teams().unwrap().absent_means_none());
}

#[test]
fn the_organization_is_the_one_that_people_are_put_into_unless_told() {
    let provision = json!({"provision": {"domains": ["example.com"], "organization": "acme"}});
    let of = |teams| {
        let made = made(Kind::Okta, &teams, provision.clone()).unwrap();
        made.teams().unwrap().organization().unwrap().to_string()
    };
    assert_eq!(of(json!({})), "acme");
    assert_eq!(of(json!({"organization": "other"})), "other");
    assert_eq!(rules(Kind::Okta, &json!({})).organization(), None);
    refused(&json!({"organization": "Not One"}), "organization");
}

#[test]
fn d2_a_provider_is_asked_once_in_a_while() {
    let hourly = rules(Kind::Okta, &json!({"refreshMinutes": 60}));
    assert_eq!(hourly.refresh(), Some(Duration::from_secs(3_600)));
    refused(&json!({"refreshMinutes": 0}), "1 to 10080");
    refused(&json!({"refreshMinutes": 10_081}), "1 to 10080");
}

#[test]
fn a_provider_s_word_counts_for_a_day_to_a_year() {
    let days = |n: u64| n * 86_400;
    let within = |teams| rules(Kind::Okta, &teams).confirm_within().as_secs();
    assert_eq!(within(json!({})), days(30));
    assert_eq!(within(json!({"confirmWithin": days(1)})), days(1));
    for wrong in [0, days(1) - 1, days(366) + 1] {
        refused(&json!({ "confirmWithin": wrong }), "1 to 366 days");
    }
}
