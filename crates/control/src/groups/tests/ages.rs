//! How long what was said of somebody counts.

use super::*;
use crate::groups::end_all_stale;

#[tokio::test]
async fn d3_a_sign_in_that_began_by_other_rules_gives_no_role_of_them() {
    let lists = json!({"systemRoles": {"SYSTEM_ADMIN": [id(10)]}});
    let w = World::new("groups-older", lists).await;
    let (less, _) = entra(&json!({"systemRoles": {"SYSTEM_VIEWER": [id(11)]}}));
    w.configure(&less).await;
    w.ann_comes(listed(&[10, 11])).await;
    assert!(w.roles(10).await.is_empty(), "by the rules of before");
    assert_eq!(w.roles(11).await, ["SYSTEM_VIEWER"]);
}

#[tokio::test]
async fn d4_a_membership_ends_that_nothing_has_confirmed_for_long() {
    let w = World::new("groups-stale", json!({"confirmWithin": 5 * 86_400})).await;
    w.ann_comes(listed(&[10, 11])).await;
    w.clock.advance(4 * DAY);
    // What doesn't say everything confirms what it says.
    w.ann_comes(Groups::Unknown).await;
    w.ann_comes(Groups::Listed(list(&[11]).cut())).await;
    w.clock.advance(2 * DAY);
    end_all_stale(&w.app).await.unwrap();
    assert!(w.members(10).await.is_empty());
    assert_eq!(w.members(11).await, [w.ann]);
    let told = w.audited().await;
    end_all_stale(&w.app).await.unwrap();
    assert_eq!(w.audited().await, told, "said once");
    w.ann_comes(listed(&[10, 11])).await;
    assert_eq!(w.members(10).await, [w.ann]);
}

#[tokio::test]
async fn d4_a_round_confirms_whom_it_finds_and_a_broken_one_nobody() {
    let w = World::new("groups-rounds", json!({"confirmWithin": 30 * 86_400})).await;
    w.ann_comes(listed(&[10])).await;
    w.knows(10, Some("Data"), &[1]);
    for _ in 0..7 {
        w.clock.advance(10 * DAY);
        assert!(w.refresh().await);
        end_all_stale(&w.app).await.unwrap();
        assert_eq!(w.members(10).await, [w.ann]);
    }
    let members = format!("groups/{}/transitiveMembers", id(10));
    w.graph.says(&members, Value::Null);
    for (days, still) in [(25, 1), (10, 0)] {
        w.clock.advance(days * DAY);
        assert!(!w.refresh().await);
        end_all_stale(&w.app).await.unwrap();
        assert_eq!(w.members(10).await.len(), still);
    }
}

#[tokio::test]
async fn a11_no_round_brings_back_who_was_shown_out() {
    let w = World::new("groups-out", json!({})).await;
    w.ann_comes(listed(&[10])).await;
    w.knows(10, Some("Data"), &[1, 2]);
    assert!(w.refresh().await);
    let (_, team) = w.team(10).await.unwrap();
    let mut write = w.app.store.write().await.unwrap();
    let place = write.teams().get(team.team).await.unwrap().unwrap();
    for user in [w.ann, w.bob] {
        let mut groups = write.group_teams();
        groups.show_out(place.organization, user).await.unwrap();
        write.teams().remove(team.team, user).await.unwrap();
    }
    w.app.commit(write).await.unwrap();
    assert!(w.refresh().await);
    assert!(w.members(10).await.is_empty());
    // Until they come with it themselves, and then the schedule is as before.
    w.ann_comes(listed(&[10])).await;
    assert!(w.refresh().await);
    assert_eq!(w.members(10).await, [w.ann]);
    w.ann_comes(listed(&[])).await;
    assert!(w.refresh().await);
    assert_eq!(w.members(10).await, [w.ann]);
}
