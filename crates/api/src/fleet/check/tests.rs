//! Each rule by the finding it makes.

use aeolus_model::Role;
use serde_json::{Value, json};

use super::*;

fn deployment(name: &str, host: &str) -> Value {
    json!({"name": name, "plane": "p", "hosts": [host]})
}

fn fleet(deployments: &Value) -> Value {
    json!({
        "version": 1,
        "planes": [{"name": "p"}],
        "organizations": [{
            "name": "acme",
            "users": [{"email": "ann@example.com", "role": "ORGANIZATION_OWNER"}],
            "teams": [{"name": "data", "members": ["ann@example.com"]}],
            "workspaces": [{"name": "sales", "deployments": deployments}],
        }],
    })
}

fn findings(document: Value) -> Vec<(Severity, String, String)> {
    let fleet: Fleet = serde_json::from_value(document).unwrap();
    fleet
        .check()
        .into_iter()
        .map(|f| (f.severity, f.path, f.message))
        .collect()
}

#[track_caller]
fn one(document: Value, severity: Severity, path: &str, part: &str) {
    let found = findings(document);
    let [(s, p, m)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!((*s, p.as_str()), (severity, path));
    assert!(m.contains(part), "{m}");
}

const ETL: &str = "organizations[0].workspaces[0].deployments[0]";

#[test]
fn a_sound_document_has_no_findings() {
    assert_eq!(
        findings(fleet(&json!([deployment("etl", "etl.example.com")]))),
        []
    );
}

#[test]
fn unknown_planes_and_teams_are_named() {
    let mut etl = deployment("etl", "a.example.com");
    etl["plane"] = json!("q");
    one(
        fleet(&json!([etl])),
        Severity::Error,
        &format!("{ETL}.plane"),
        "no plane q; the planes are: p",
    );
    let mut etl = deployment("etl", "a.example.com");
    etl["grants"] = json!([{"team": "dta", "role": "DEPLOYMENT_VIEWER"}]);
    one(
        fleet(&json!([etl])),
        Severity::Error,
        &format!("{ETL}.grants[0].team"),
        "acme has no team dta",
    );
}

#[test]
fn people_named_only_in_a_grant_become_members() {
    let mut etl = deployment("etl", "a.example.com");
    etl["grants"] = json!([{"user": "eve@example.com", "role": "DEPLOYMENT_VIEWER"}]);
    let document = fleet(&json!([etl]));
    let parsed: Fleet = serde_json::from_value(document.clone()).unwrap();
    let people: Vec<_> = parsed.organizations[0].people().into_iter().collect();
    assert_eq!(people[0].1, Role::OrganizationOwner.into());
    assert_eq!(people[1].0.as_str(), "eve@example.com");
    assert_eq!(people[1].1, Role::OrganizationMember.into());
    one(
        document,
        Severity::Warning,
        &format!("{ETL}.grants[0].user"),
        "ORGANIZATION_MEMBER",
    );
}

#[test]
fn roles_fit_their_place_and_grants_have_one_subject() {
    let mut etl = deployment("etl", "a.example.com");
    etl["grants"] = json!([{"team": "data", "role": "WORKSPACE_OWNER"}]);
    one(
        fleet(&json!([etl])),
        Severity::Error,
        &format!("{ETL}.grants[0].role"),
        "DEPLOYMENT_ADMIN",
    );
    let mut etl = deployment("etl", "a.example.com");
    etl["grants"] =
        json!([{"team": "data", "user": "ann@example.com", "role": "DEPLOYMENT_VIEWER"}]);
    one(
        fleet(&json!([etl])),
        Severity::Error,
        &format!("{ETL}.grants[0]"),
        "exactly one",
    );
}

#[test]
fn one_organization_per_host() {
    let mut document = fleet(&json!([deployment("etl", "a.example.com")]));
    let other = json!({
        "name": "other",
        "workspaces": [{"name": "w", "deployments": [deployment("x", "A.example.com.")]}],
    });
    document["organizations"]
        .as_array_mut()
        .unwrap()
        .push(other);
    one(
        document,
        Severity::Error,
        "organizations[1].workspaces[0].deployments[0]",
        "another organization",
    );
}

#[test]
fn two_deployments_need_two_places() {
    let second = "organizations[0].workspaces[0].deployments[1]";
    let twice = json!([
        deployment("a", "a.example.com"),
        deployment("b", "a.example.com")
    ]);
    one(fleet(&twice), Severity::Error, second, "already leads");
    let prefixed = json!([
        deployment("a", "a.example.com"),
        {"name": "b", "plane": "p", "host": "a.example.com", "pathPrefix": "/b"},
    ]);
    assert_eq!(findings(fleet(&prefixed)), []);
    let nowhere = json!([{"name": "a", "plane": "p"}]);
    one(fleet(&nowhere), Severity::Error, ETL, "needs `hosts`");
}

#[test]
fn two_wildcards_are_one_place_and_a_name_below_one_is_another() {
    let second = "organizations[0].workspaces[0].deployments[1]";
    let twice = json!([
        deployment("a", "*.etl.example.com"),
        deployment("b", "*.ETL.example.com")
    ]);
    one(fleet(&twice), Severity::Error, second, "already leads");
    let apart = json!([
        deployment("a", "*.etl.example.com"),
        deployment("b", "b.etl.example.com"),
        {"name": "c", "plane": "p", "host": "*.etl.example.com", "pathPrefix": "/c"},
    ]);
    assert_eq!(findings(fleet(&apart)), []);
    let too_wide = fleet(&json!([deployment("a", "*.com")]));
    assert!(serde_json::from_value::<Fleet>(too_wide).is_err());
}

#[test]
fn a_host_below_another_organizations_wildcard_is_warned_of_in_either_order() {
    let two = |first: &str, second: &str| {
        let mut document = fleet(&json!([deployment("a", first)]));
        let mut other = document["organizations"][0].clone();
        other["name"] = json!("other");
        other["workspaces"][0]["deployments"][0] = deployment("b", second);
        document["organizations"]
            .as_array_mut()
            .unwrap()
            .push(other);
        document
    };
    let at = "organizations[1].workspaces[0].deployments[0]";
    for (first, second) in [
        ("*.etl.example.com", "b.etl.example.com"),
        ("b.etl.example.com", "*.etl.example.com"),
    ] {
        let document = two(first, second);
        one(
            document,
            Severity::Warning,
            at,
            "b.etl.example.com lies below",
        );
    }
    let same = two("*.etl.example.com", "*.etl.example.com");
    one(same, Severity::Error, at, "another organization");
    for free in ["etl.example.com", "a.b.etl.example.com", "*.example.com"] {
        assert_eq!(findings(two("*.etl.example.com", free)), [], "{free}");
    }
}

#[test]
fn names_are_unique_in_their_parent() {
    let twice = json!([
        deployment("a", "a.example.com"),
        deployment("a", "b.example.com")
    ]);
    one(
        fleet(&twice),
        Severity::Error,
        "organizations[0].workspaces[0].deployments[1]",
        "a is here twice",
    );
}

#[test]
fn staleness_upstreams_and_networks_have_bounds() {
    let bad: [(&str, Value, &str); 4] = [
        ("staleness", json!({"maxStale": "1m"}), "staleness"),
        (
            "staleness",
            json!({"maxStale": "2d", "hardStale": "1d"}),
            "staleness",
        ),
        ("upstream", json!("http://a:80/path"), "upstream"),
        (
            "taskExecution",
            json!({"allowFrom": ["10.0.0.0/33"]}),
            "taskExecution.allowFrom[0]",
        ),
    ];
    for (key, value, path) in bad {
        let mut etl = deployment("etl", "a.example.com");
        etl[key] = value;
        one(
            fleet(&json!([etl])),
            Severity::Error,
            &format!("{ETL}.{path}"),
            "",
        );
    }
}

#[test]
fn unknown_keys_are_refused() {
    let mut etl = deployment("etl", "a.example.com");
    etl["upstrem"] = json!("http://a:1");
    assert!(serde_json::from_value::<Fleet>(fleet(&json!([etl]))).is_err());
}

#[test]
fn secrets_are_found_by_their_path() {
    let mut document = fleet(&json!([]));
    document["organizations"][0]["users"][0]["password"] = json!({"file": "p"});
    document["connections"] = json!([{
        "name": "okta", "type": "okta", "clientSecret": {"env": "OKTA_SECRET"},
    }]);
    let fleet: Fleet = serde_json::from_value(document).unwrap();
    let paths: Vec<_> = fleet.secrets().into_iter().map(|s| s.path).collect();
    assert_eq!(
        paths,
        [
            "connections[0].clientSecret",
            "organizations[0].users[0].password"
        ]
    );
    let secrets = paths.into_iter().map(|path| (path, "v".to_owned()));
    let request = super::super::ApplyRequest {
        secrets: secrets.collect(),
        fleet,
    };
    assert_eq!(request.password(0, 0), Some("v"));
    assert_eq!(request.client_secret(0), Some("v"));
}

/// A sound connection with `sessionTokens`, then what is changed in it.
fn connected(member: &str, value: Value) -> Value {
    let mut document = fleet(&json!([]));
    document["connections"] = json!([{
        "name": "auth0", "type": "auth0", "clientId": "spa", "discoveryUrl": "https://acme.auth0.com",
        "sessionTokens": {"audience": "astronomer-ee", "algorithms": ["RS256"], "maxLife": "24h"},
    }]);
    match member.strip_prefix("sessionTokens.") {
        Some(member) => document["connections"][0]["sessionTokens"][member] = value,
        None => document["connections"][0][member] = value,
    }
    document
}

#[test]
fn a14_a_connections_own_tokens_count_with_an_audience_of_their_own() {
    assert_eq!(findings(connected("clientId", json!("spa"))), []);
    let at = "connections[0].sessionTokens";
    for (member, value, path, part) in [
        ("type", json!("github"), at, "no JWTs"),
        ("type", json!("google"), at, "no JWTs"),
        ("type", json!("local"), at, "no provider"),
        ("clientId", Value::Null, at, "clientId"),
        ("discoveryUrl", Value::Null, at, "discoveryUrl"),
        ("discoveryUrl", json!("http://acme.auth0.com"), at, "https"),
        (
            "sessionTokens.audience",
            json!("spa"),
            ".audience",
            "id_tokens",
        ),
        ("sessionTokens.audience", json!(""), ".audience", "1 to 255"),
        (
            "sessionTokens.audience",
            json!("a b"),
            ".audience",
            "1 to 255",
        ),
        (
            "sessionTokens.algorithms",
            json!([]),
            ".algorithms",
            "at least one",
        ),
        (
            "sessionTokens.algorithms",
            json!(["RS256", "RS256"]),
            ".algorithms",
            "once",
        ),
        (
            "sessionTokens.maxLife",
            json!("30s"),
            ".maxLife",
            "1m and 24h",
        ),
        (
            "sessionTokens.maxLife",
            json!("25h"),
            ".maxLife",
            "1m and 24h",
        ),
        (
            "sessionTokens.clockTolerance",
            json!("6m"),
            ".clockTolerance",
            "5m",
        ),
        ("sessionTokens.issuer", json!("adfs"), ".issuer", "iss"),
    ] {
        let path = if path == at {
            at.to_owned()
        } else {
            format!("{at}{path}")
        };
        one(connected(member, value), Severity::Error, &path, part);
    }
    let mut shared = connected("type", json!("microsoft"));
    shared["connections"][0]["discoveryUrl"] =
        json!("https://login.microsoftonline.com/common/v2.0");
    one(shared, Severity::Error, at, "one tenant");
    let mut twice = connected("clientId", json!("spa"));
    let mut second = twice["connections"][0].clone();
    second["name"] = json!("again");
    twice["connections"].as_array_mut().unwrap().push(second);
    one(
        twice,
        Severity::Error,
        "connections[1].sessionTokens",
        "same issuer",
    );
}

#[test]
fn a_planes_key_is_for_providers_that_take_it() {
    let registered = |kind: &str, method: &str| {
        let mut document = fleet(&json!([]));
        document["planes"][0]["authHost"] = json!("auth.example.com");
        document["connections"] = json!([{
            "name": "idp", "type": kind, "clientId": "web", "discoveryUrl": "https://idp.example.com",
            "planeRegistrations": [
                {"plane": document["planes"][0]["name"], "clientId": "eu-1", "tokenEndpointAuthMethod": method},
            ],
        }]);
        document
    };
    for kind in ["okta", "custom"] {
        assert_eq!(findings(registered(kind, "private_key_jwt")), []);
    }
    let at = "connections[0].planeRegistrations[0].tokenEndpointAuthMethod";
    for (kind, part) in [
        ("microsoft", "certificate"),
        ("auth0", "RSA keys"),
        ("adfs", "RS256"),
        ("cognito", "a secret or nothing"),
    ] {
        assert_eq!(findings(registered(kind, "none")), []);
        one(
            registered(kind, "private_key_jwt"),
            Severity::Error,
            at,
            part,
        );
    }
    for method in ["client_secret_basic", "Private_Key_Jwt", ""] {
        let document = registered("okta", method);
        assert!(
            serde_json::from_value::<Fleet>(document).is_err(),
            "{method}"
        );
    }
}

#[test]
fn unknown_members_and_algorithms_of_session_tokens_are_errors() {
    for (member, value) in [
        ("sessionTokens.audiences", json!("x")),
        ("sessionTokens.algorithms", json!(["HS256"])),
        ("sessionTokens.algorithms", json!(["none"])),
        ("sessionTokens.type", json!("JWT")),
    ] {
        let read = serde_json::from_value::<Fleet>(connected(member, value));
        assert!(read.is_err(), "{member}");
    }
}

#[test]
fn a_subject_is_one_persons_and_of_a_connection_that_is_there() {
    let with = |identities: Value| {
        let mut document = connected("clientId", json!("spa"));
        document["organizations"][0]["users"][0]["identities"] = identities;
        document
    };
    let eve = json!({"connection": "auth0", "subject": "auth0|eve"});
    assert_eq!(findings(with(json!([eve]))), []);
    let at = "organizations[0].users[0].identities[0].connection";
    let missing = json!([{"connection": "okta", "subject": "00u1"}]);
    one(with(missing), Severity::Error, at, "no connection okta");
    let mut two = with(json!([eve]));
    let bob =
        json!({"email": "bob@example.com", "role": "ORGANIZATION_MEMBER", "identities": [eve]});
    two["organizations"][0]["users"]
        .as_array_mut()
        .unwrap()
        .push(bob);
    one(
        two,
        Severity::Error,
        "organizations[0].users[1].identities[0]",
        "ann@example.com",
    );
}

/// With roles of the organization's own, and one of them given at the deployment.
fn with_roles(roles: &Value, given: &str) -> Value {
    let mut etl = deployment("etl", "etl.example.com");
    etl["grants"] = json!([{"team": "data", "role": given}]);
    let mut document = fleet(&json!([etl]));
    document["organizations"][0]["roles"] = roles.clone();
    document
}

#[test]
fn an_organizations_own_roles_are_what_roles_can_be() {
    let (get, iam) = ("deployment.airflow.get", "workspace.iam.update");
    let role = |name: &str, scope: &str, permissions: &[&str]| json!({"name": name, "scope": scope, "permissions": permissions});
    let sound = role("on-call", "DEPLOYMENT", &[get]);
    assert_eq!(findings(with_roles(&json!([sound]), "on-call")), []);
    let refused = |roles: Value, place: &str, part: &str| {
        let place = format!("organizations[0].roles{place}");
        one(with_roles(&roles, "of-old"), Severity::Error, &place, part);
    };
    refused(json!([sound, sound]), "[1]", "twice");
    let like = role("deployment-admin", "DEPLOYMENT", &[get]);
    refused(json!([like]), "[0].name", "DEPLOYMENT_ADMIN");
    refused(
        json!([role("none", "DEPLOYMENT", &[])]),
        "[0].permissions",
        "at least one",
    );
    let above = role("above", "DEPLOYMENT", &[get, iam]);
    refused(json!([above]), "[0].permissions[1]", iam);
    let mut everywhere = role("all", "ORGANIZATION", &[get]);
    everywhere["workspaces"] = json!(["sales"]);
    refused(json!([everywhere]), "[0].workspaces", "all its workspaces");
}

#[test]
fn an_organizations_own_role_is_given_where_it_is_for() {
    let above = json!([{"name": "above", "scope": "WORKSPACE",
        "permissions": ["deployment.airflow.get"]}]);
    let place = format!("{ETL}.grants[0].role");
    one(
        with_roles(&above, "above"),
        Severity::Error,
        &place,
        "DEPLOYMENT_ADMIN",
    );
}
