//! Built-in roles that an installation has customised (row F12 of what is owed).

use aeolus_model::{BuiltIns, Permission, PermissionSet, Role};
use aeolus_snapshot::Snapshot;
use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::publish::{Reader, told};
use crate::roles::Acme;

const TOKENS: &str = "/v1/organizations/acme/tokens";

fn without(role: Role, permissions: &[Permission]) -> BuiltIns {
    let mut here = BuiltIns::default();
    for permission in permissions {
        here.customise(role, *permission, false).unwrap();
    }
    here
}

#[tokio::test]
async fn a_start_with_other_built_in_roles_tells_every_plane() {
    let f = Fixture::new("customised-planes").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let viewer = Role::DeploymentViewer;
    reader.until(&f, |s| told(s, viewer.shipped())).await;
    f.stop.cancel();
    let position = reader.position.unwrap();
    let here = without(viewer, &[Permission::DeploymentLogsGet]);
    let narrow = here.of(viewer);
    let next = f.replica(|config| config.built_ins = here.clone()).await;
    next.work();
    let snapshot = reader.until(&next, |s| told(s, narrow)).await;
    assert!(!told(&snapshot, viewer.shipped()));
    assert!(snapshot.position() > position);
    let audit = next.call("GET", "/v1/audit?action=role.customise", &admin, None);
    let audit = audit.await.expect(200).json();
    assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
    let change = &audit["items"][0]["changes"][0];
    assert_eq!(change["field"], "DEPLOYMENT_VIEWER");
    assert!(!change["after"].to_string().contains("deployment.logs.get"));
    // And back.
    next.stop.cancel();
    let back = f.replica(|_| {}).await;
    back.work();
    reader.until(&back, |s| told(s, viewer.shipped())).await;
}

/// What nobody customised costs nobody a whole snapshot at every start.
#[tokio::test]
async fn a_start_with_the_roles_as_they_are_shipped_changes_nothing() {
    let f = Fixture::new("customised-not").await;
    let admin = f.admin().await;
    let made = async |name: &str| {
        let body = Some(json!({ "name": name }));
        let made = f.call("POST", "/v1/organizations", &admin, body).await;
        made.expect(201).json()["seq"].as_u64().unwrap()
    };
    let first = made("one").await;
    f.replica(|_| {}).await;
    assert_eq!(made("two").await, first + 1);
}

#[tokio::test]
async fn another_start_with_the_same_roles_changes_nothing() {
    let here = without(Role::DeploymentViewer, &[Permission::DeploymentLogsGet]);
    let f = Fixture::configured("customised-again", |config| config.built_ins = here.clone());
    let f = f.await;
    let admin = f.admin().await;
    let made = async |name: &str| {
        let body = Some(json!({ "name": name }));
        let made = f.call("POST", "/v1/organizations", &admin, body).await;
        made.expect(201).json()["seq"].as_u64().unwrap()
    };
    let first = made("one").await;
    f.replica(|config| config.built_ins = here).await;
    assert_eq!(made("two").await, first + 1);
}

/// What an organization has revoked, as a plane is told.
fn revoked(snapshot: &Snapshot) -> u32 {
    let lists = snapshot.sections().revocations.values();
    let bytes = lists.flat_map(|list| &list.status);
    bytes.map(|byte| byte.count_ones()).sum()
}

/// Deployment grants of so much.
fn so_much(snapshot: &Snapshot, set: PermissionSet) -> usize {
    let grants = snapshot.sections().grants.grants.iter();
    let sets = grants.map(|grant| PermissionSet::from_bytes(&grant.permissions));
    sets.filter(|other| *other == set).count()
}

/// One that never gets so far as to answer requests changes nothing for those that do.
#[tokio::test]
async fn a_replica_that_does_not_come_up_overtakes_nobody() {
    let acme = Acme::of(Fixture::new("customised-crash").await).await;
    let old = &acme.f;
    old.work();
    let mut reader = Reader::new(old, &acme.admin).await;
    let viewer = Role::DeploymentViewer;
    reader.until(old, |s| told(s, viewer.shipped())).await;
    let here = without(viewer, &[Permission::DeploymentLogsGet]);
    let new = old.beside(|config| config.built_ins = here.clone()).await;
    let at = ("deployment", &acme.deployment);
    acme.give("member@example.com", "DEPLOYMENT_VIEWER", at)
        .await;
    let all = |s: &Snapshot| so_much(s, viewer.shipped()) == 2;
    reader.until(old, all).await;
    let overtaken = "aeolus_control_built_in_roles_overtaken 0";
    assert!(old.metrics().await.contains(overtaken));
    // Until it does it allows no more than both.
    let path = "/v1/organizations/acme/roles/DEPLOYMENT_VIEWER";
    let shown = new.call("GET", path, &acme.admin, None).await.expect(200);
    assert!(!shown.text().contains("deployment.logs.get"));
}

/// Replicas are restarted one after another. One with the roles of before goes on telling what is revoked
/// and what is taken away, and nothing that roles allowed before.
#[tokio::test]
async fn a_replica_from_before_gives_planes_nothing_back() {
    let acme = Acme::of(Fixture::new("customised-overtaken").await).await;
    let old = &acme.f;
    old.work();
    let mut reader = Reader::new(old, &acme.admin).await;
    let viewer = Role::DeploymentViewer;
    reader.until(old, |s| told(s, viewer.shipped())).await;
    let token = json!({"name": "ci", "role": "ORGANIZATION_MEMBER", "tokenExpiryPeriodInDays": 1});
    let token = acme.ask("POST", TOKENS, token).await.expect(201).json();
    let overtaken = "aeolus_control_built_in_roles_overtaken";
    assert!(old.metrics().await.contains(&format!("{overtaken} 0")));

    let mut here = without(viewer, &[Permission::DeploymentLogsGet]);
    let narrow = here.of(viewer);
    here.customise(viewer, Permission::DeploymentImagesPush, true)
        .unwrap();
    let wide = here.of(viewer);
    let new = old.replica(|config| config.built_ins = here.clone()).await;
    new.work();
    reader.until(&new, |s| told(s, wide)).await;
    let at = ("deployment", &acme.deployment);
    let given = acme.give("member@example.com", "DEPLOYMENT_VIEWER", at);
    let given = given.await;
    reader.until(&new, |s| so_much(s, wide) == 2).await;
    new.stop.cancel();

    // Only the older one is at work. It does what it is asked.
    let path = format!("{TOKENS}/{}", token["id"].as_str().unwrap());
    acme.ask("DELETE", &path, Value::Null).await.expect(200);
    let after = reader.until(old, |s| revoked(s) == 1).await;
    assert!(!told(&after, viewer.shipped()));
    assert!(old.metrics().await.contains(&format!("{overtaken} 1")));
    let path = format!(
        "/v1/organizations/acme/grants/{}",
        given["id"].as_str().unwrap()
    );
    acme.ask("DELETE", &path, Value::Null).await.expect(200);
    let after = reader.until(old, |s| so_much(s, narrow) == 1).await;
    assert!(!told(&after, wide) && !told(&after, viewer.shipped()));

    // The next one with the new roles gives back what they allow, and needs no change for it.
    let next = old.replica(|config| config.built_ins = here).await;
    next.work();
    let whole = reader.until(&next, |s| told(s, wide)).await;
    assert!(so_much(&whole, wide) == 1 && !told(&whole, viewer.shipped()));

    // Whichever was started last counts: also one that is started with the roles of before on purpose.
    next.stop.cancel();
    old.replica(|_| {}).await;
    reader.until(old, |s| told(s, viewer.shipped())).await;
}

#[tokio::test]
async fn a_replica_from_before_lets_nobody_do_more_than_is_allowed_by_now() {
    let acme = Acme::of(Fixture::new("customised-before").await).await;
    let at = ("deployment", &acme.deployment);
    acme.give("eve@example.com", "DEPLOYMENT_ADMIN", at).await;
    let eve = acme.f.token_of("eve@example.com").await;
    let grant = acme.grant("eve@example.com", "DEPLOYMENT_EDITOR", at).await;
    let admin = Role::DeploymentAdmin;
    let mut here = without(admin, &[Permission::DeploymentUserRolesUpdate]);
    let given = Permission::WorkspaceConfigGet;
    here.customise(Role::OrganizationMember, given, true)
        .unwrap();
    acme.f
        .replica(|config| config.built_ins = here.clone())
        .await;
    let path = "/v1/organizations/acme/grants";
    acme.ask_as(&eve, "POST", path, grant).await.expect(403);
    let shown = async |role: &str| {
        let path = format!("/v1/organizations/acme/roles/{role}");
        acme.ask("GET", &path, Value::Null).await.expect(200).text()
    };
    assert!(!shown("DEPLOYMENT_ADMIN").await.contains("userRoles"));
    let member = shown("ORGANIZATION_MEMBER").await;
    assert!(
        !member.contains(given.name()),
        "this replica doesn't know of it: {member}"
    );
}

/// A value that gates judge alone would go on for years with what was taken from its role.
#[tokio::test]
async fn a_direct_access_token_from_before_is_not_rotated() {
    let acme = Acme::of(Fixture::new("customised-direct").await).await;
    let direct = json!({"name": "d", "kind": "DIRECT_ACCESS", "scope": "DEPLOYMENT",
        "entityId": acme.deployment, "tokenExpiryPeriodInDays": 1});
    let made = acme.ask("POST", TOKENS, direct).await.expect(201).json();
    let rotate = format!("{TOKENS}/{}/rotate", made["id"].as_str().unwrap());
    acme.ask("POST", &rotate, json!({})).await.expect(200);
    let here = without(Role::WorkspaceOperator, &[Permission::DeploymentAirflowOp]);
    let next = acme.f.replica(|config| config.built_ins = here).await;
    let refused = next.call("POST", &rotate, &acme.owner, Some(json!({})));
    let refused = refused.await.expect(409);
    assert!(
        refused.text().contains("make another token"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn what_is_taken_from_a_built_in_role_counts_everywhere_at_control() {
    let taken = [
        Permission::DeploymentUserRolesUpdate,
        Permission::DeploymentImagesPush,
    ];
    let mut here = without(Role::DeploymentAdmin, &taken);
    let push = Permission::DeploymentImagesPush;
    here.customise(Role::WorkspaceOperator, push, false)
        .unwrap();
    let f = Fixture::configured("customised", |config| config.built_ins = here.clone()).await;
    let acme = Acme::of(f).await;
    let shown = acme.ask(
        "GET",
        "/v1/organizations/acme/roles/DEPLOYMENT_ADMIN",
        Value::Null,
    );
    let shown = shown.await.expect(200).json();
    assert_eq!(shown["kind"], "CUSTOMISED");
    assert!(!shown["permissions"].to_string().contains("userRoles"));
    let at = ("deployment", &acme.deployment);
    acme.give("eve@example.com", "DEPLOYMENT_ADMIN", at).await;
    let eve = acme.f.token_of("eve@example.com").await;
    let grant = acme.grant("eve@example.com", "DEPLOYMENT_EDITOR", at).await;
    let path = "/v1/organizations/acme/grants";
    acme.ask_as(&eve, "POST", path, grant).await.expect(403);
    let why = "/v1/explain?subject=eve@example.com&resource=acme/sales/etl";
    let why = acme.ask("GET", why, Value::Null).await.expect(200).json();
    let mut ways = why["grants"].as_array().unwrap().iter();
    let way = ways.find(|way| way["role"] == "DEPLOYMENT_ADMIN").unwrap();
    assert_eq!(way["roleKind"], "CUSTOMISED");

    // Gates judge these alone, by roles as they are shipped: what was taken is left out by name.
    let direct = json!({"name": "d", "kind": "DIRECT_ACCESS", "scope": "DEPLOYMENT",
        "entityId": acme.deployment, "tokenExpiryPeriodInDays": 1});
    let made = acme.ask("POST", TOKENS, direct).await.expect(201).json();
    let named: Vec<Permission> = serde_json::from_value(made["permissions"].clone()).unwrap();
    let named: PermissionSet = named.into_iter().collect();
    assert_eq!(named, here.of(Role::WorkspaceOperator));
    assert!(!named.contains(push));
}
