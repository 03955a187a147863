//! An Entra of several tenants, each with administrators who let its claims say what they like.

use super::*;
use crate::federation::graph::tests::entra_of;

const OTHER: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";

/// A world whose people come from two tenants.
async fn shared(name: &str, teams: &Value) -> World {
    World::of(name, entra_of("common", &[TENANT, OTHER], teams)).await
}

/// What a token of a tenant says.
fn of(tenant: &str, groups: &[u32]) -> Groups {
    let named = groups
        .iter()
        .map(|n| (format!("{tenant}/{}", id(*n)), None));
    Groups::Listed(GroupList::new(named))
}

#[tokio::test]
async fn d4_an_object_id_that_another_tenant_says_is_no_group_of_this_one() {
    let rules = json!({"systemRoles": {"SYSTEM_ADMIN": [format!("{TENANT}/{}", id(10))]}});
    let w = shared("tenants", &rules).await;
    w.ann_comes(of(TENANT, &[10])).await;
    let mut view = w.app.store.read().await.unwrap();
    let own = format!("{TENANT}/{}", id(10));
    let team = view.group_teams().by_group(w.sign_in.id, &own).await;
    let team = team.unwrap().unwrap();
    drop(view);
    // Bob comes from the other tenant, whose claim says the id of a group that is not theirs.
    let (info, mut identity) = (RequestInfo::default(), w.identity(of(OTHER, &[10])));
    identity.subject = format!("{OTHER}/{}", id(2)).parse().unwrap();
    let mut write = w.app.store.write().await.unwrap();
    let by = (w.sign_in.id, w.connection());
    let said = ready(&w.app, &info, &mut write, by, (&identity, None)).await;
    let said = said.unwrap().unwrap();
    follow(&w.app, &info, &mut write, (&said, w.bob))
        .await
        .unwrap();
    w.app.commit(write).await.unwrap();
    let mut view = w.app.store.read().await.unwrap();
    let members = view.teams().members(team.team).await.unwrap();
    let members: Vec<_> = members.into_iter().map(|member| member.user).collect();
    assert_eq!(members, [w.ann]);
    let theirs = view.group_teams().of_member(w.sign_in.id, w.bob).await;
    let [theirs] = theirs.unwrap().try_into().unwrap();
    assert_eq!(theirs.group, format!("{OTHER}/{}", id(10)));
    let held = view.grants().of(Subject::Team(team.team)).await.unwrap();
    assert_eq!(held.len(), 1, "the role is that tenant's group's");
    let held = view.grants().of(Subject::Team(theirs.team)).await.unwrap();
    assert!(held.is_empty());
}

#[tokio::test]
async fn d4_a_team_from_before_tenants_were_told_apart_is_its_own_tenants() {
    let w = shared("tenants-before", &json!({})).await;
    // As it was kept then.
    w.ann_comes(listed(&[10])).await;
    let (_, before) = w.team(10).await.unwrap();
    w.ann_comes(of(TENANT, &[10])).await;
    let mut view = w.app.store.read().await.unwrap();
    let held = view.group_teams().of_member(w.sign_in.id, w.ann).await;
    let [held] = held.unwrap().try_into().unwrap();
    assert_eq!(held.team, before.team);
    let still = (w.sign_in.id, w.connection());
    let still = news(&mut view, still, &w.identity(Groups::Unknown)).await;
    let own = format!("{TENANT}/{}", id(10));
    assert_eq!(still.unwrap(), News::Still([own].into()));
    drop(view);
    w.knows(10, Some("Data"), &[1, 2]);
    assert!(w.refresh().await);
    assert_eq!(w.team(10).await.unwrap().0, "data");
    assert_eq!(w.members(10).await, [w.ann, w.bob]);
}
