use std::time::Duration;

use aeolus_model::{ConnectionId, Grant, GrantId, Resource, Role, Subject, TeamId};
use aeolus_store::{Connection, GrantRecord, GroupTeam, ManagedBy, Member, StoreError, Team, Unit};

use crate::fixture::{Database, NOW, slug};

const HOUR: Duration = Duration::from_secs(3_600);

/// A connection with a group, somebody who is in it, and a role.
async fn group(db: &Database) -> (GroupTeam, Member) {
    let fleet = db.fleet().await;
    let connection = Connection {
        id: ConnectionId::new(&db.clock, &db.rng),
        name: slug("okta"),
        kind: "okta".to_owned(),
        config: String::new(),
        managed_by: ManagedBy::Configuration,
        revision: 0,
    };
    let team = Team {
        id: TeamId::new(&db.clock, &db.rng),
        organization: fleet.organization.id,
        name: slug("ops"),
        description: String::new(),
        managed_by: ManagedBy::Configuration,
        revision: 0,
    };
    let group = GroupTeam {
        team: team.id,
        connection: connection.id,
        group: "Ops".to_owned(),
        place: String::new(),
        name: None,
        by_id: true,
        gone_at: None,
    };
    let member = Member {
        team: team.id,
        user: fleet.user.id,
        managed_by: ManagedBy::Configuration,
    };
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&db.clock, &db.rng),
            subject: Subject::Team(team.id),
            role: Role::SystemViewer.into(),
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Configuration,
    };
    let mut write = db.store.write().await.unwrap();
    write.connections().insert(&connection).await.unwrap();
    write.teams().insert(&team).await.unwrap();
    write.group_teams().insert(&group).await.unwrap();
    write.teams().add(&member).await.unwrap();
    write.grants().insert(&grant).await.unwrap();
    write.commit().await.unwrap();
    (group, member)
}

async fn a_group_is_one_team_and_goes_with_its_connection(db: Database) {
    let (group, member) = group(&db).await;
    let gone = GroupTeam {
        name: Some("Operations".to_owned()),
        by_id: false,
        gone_at: Some(NOW),
        ..group.clone()
    };
    let mut write = db.store.write().await.unwrap();
    let mut groups = write.group_teams();
    let again = groups.insert(&group).await.unwrap_err();
    assert!(matches!(again, StoreError::Taken(_)), "{again}");
    drop(write);
    let mut write = db.store.write().await.unwrap();
    let mut groups = write.group_teams();
    let of = groups.of_member(group.connection, member.user).await;
    assert_eq!(of.unwrap(), std::slice::from_ref(&group));
    groups.update(&gone).await.unwrap();
    let found = groups.by_group(group.connection, "Ops").await.unwrap();
    assert_eq!(found.as_ref(), Some(&gone));
    assert_eq!(
        groups.by_group(group.connection, "ops").await.unwrap(),
        None
    );
    assert_eq!(groups.gone_before(NOW).await.unwrap(), []);
    let later = groups.gone_before(NOW.plus(HOUR)).await.unwrap();
    assert_eq!(later, [gone]);
    write.connections().delete(group.connection).await.unwrap();
    assert_eq!(write.teams().get(group.team).await.unwrap(), None);
    let held = write.grants().of(Subject::Team(group.team)).await.unwrap();
    assert_eq!(held, []);
    write.commit().await.unwrap();
}

async fn one_of_those_who_ask_when_it_is_due_does_it(db: Database) {
    let (group, _) = group(&db).await;
    let store = db.again().await;
    let mut done = 0;
    for (store, now) in [
        (&db.store, NOW),
        (&store, NOW),
        (&store, NOW.plus(HOUR)),
        (&db.store, NOW.plus(HOUR)),
    ] {
        let mut write = store.write().await.unwrap();
        let mut groups = write.group_teams();
        let times = (now, now.plus(HOUR));
        done += u32::from(groups.claim(group.connection, times).await.unwrap());
        write.commit().await.unwrap();
    }
    assert_eq!(done, 2);
}

async fn a_membership_has_the_age_of_what_was_last_said_of_it(db: Database) {
    let (group, member) = group(&db).await;
    let of = (group.connection, member.user);
    let later = NOW.plus(HOUR);
    let mut write = db.store.write().await.unwrap();
    let mut groups = write.group_teams();
    let none: [TeamId; 0] = [];
    assert_eq!(groups.stale_of(of, later).await.unwrap(), none, "no age");
    assert!(groups.wants_confirming(group.team, NOW).await.unwrap());
    groups.begin_ages(NOW).await.unwrap();
    assert_eq!(groups.stale_of(of, NOW).await.unwrap(), none);
    assert_eq!(groups.stale_of(of, later).await.unwrap(), [group.team]);
    let stale = groups.stale(group.connection, later, 9).await.unwrap();
    assert_eq!(stale, [member.user]);
    assert_eq!(groups.connections_of(member.user).await.unwrap(), [of.0]);
    // Only what is old is written by a round, and nothing that has an age begins another.
    groups.begin_ages(later).await.unwrap();
    groups.confirm_team(group.team, (later, NOW)).await.unwrap();
    assert_eq!(groups.stale_of(of, later).await.unwrap(), [group.team]);
    groups
        .confirm_team(group.team, (later, later))
        .await
        .unwrap();
    assert_eq!(groups.stale_of(of, later).await.unwrap(), none);
    let last = later.plus(HOUR);
    groups.confirm_all(of, last).await.unwrap();
    assert!(!groups.wants_confirming(group.team, last).await.unwrap());
    // No gate hears of it.
    let before = write.settings().feed().await.unwrap().position;
    assert_eq!(write.commit().await.unwrap(), before);
}

async fn whoever_was_shown_out_is_so_until_they_come_back(db: Database) {
    let fleet = db.fleet().await;
    let (organization, user) = (fleet.organization.id, fleet.user.id);
    let mut write = db.store.write().await.unwrap();
    let mut groups = write.group_teams();
    groups.show_out(organization, user).await.unwrap();
    groups.show_out(organization, user).await.unwrap();
    assert!(groups.is_shown_out(organization, user).await.unwrap());
    groups.come_back(organization, user).await.unwrap();
    assert!(!groups.is_shown_out(organization, user).await.unwrap());
    groups.show_out(organization, user).await.unwrap();
    write.users().delete(user).await.unwrap();
    let mut groups = write.group_teams();
    assert!(!groups.is_shown_out(organization, user).await.unwrap());
}

on_every_engine! {
    a_membership_has_the_age_of_what_was_last_said_of_it,
    whoever_was_shown_out_is_so_until_they_come_back,
    a_group_is_one_team_and_goes_with_its_connection,
    one_of_those_who_ask_when_it_is_due_does_it,
}
