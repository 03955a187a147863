use aeolus_model::{ConnectionId, Grant, GrantId, Resource, Role, Subject, TeamId, UserId};
use aeolus_store::{
    Connection, GrantRecord, ManagedBy, ScimGroup, ScimGroupKey, ScimUser, Step, StoreError, Taken,
    Team, Unit, Write,
};

use crate::fixture::{Database, NOW, event, slug};

async fn connection(db: &Database, write: &mut Write, name: &str) -> ConnectionId {
    let connection = Connection {
        id: ConnectionId::new(&db.clock, &db.rng),
        name: slug(name),
        kind: "okta".to_owned(),
        config: String::new(),
        managed_by: ManagedBy::Configuration,
        revision: 0,
    };
    write.connections().insert(&connection).await.unwrap();
    connection.id
}

async fn people(db: &Database, write: &mut Write, of: ConnectionId, count: usize) -> Vec<UserId> {
    let mut people = Vec::new();
    for number in 0..count {
        let user = db.user(&format!("{number}-{of}@example.com"));
        write.users().insert(&user).await.unwrap();
        let scim = ScimUser {
            connection: of,
            id: user.id,
            user_name: format!("u{number}"),
            name_key: format!("u{number}"),
            external_id: None,
            tree: "{}".to_owned(),
            made: true,
            off: false,
            version: 1,
            created_at: NOW,
            changed_at: NOW,
        };
        write.scim_users().insert(&scim, &[]).await.unwrap();
        people.push(user.id);
    }
    people.sort_unstable();
    people
}

fn group(db: &Database, connection: ConnectionId, name: &str) -> (Team, ScimGroup) {
    let team = Team {
        id: TeamId::new(&db.clock, &db.rng),
        organization: aeolus_model::OrganizationId::from_bytes([0; 16]),
        name: slug(&name.to_ascii_lowercase()),
        description: String::new(),
        managed_by: ManagedBy::Configuration,
        revision: 1,
    };
    let group = ScimGroup {
        team: team.id,
        connection,
        display_name: name.to_owned(),
        name_key: name.to_ascii_lowercase(),
        external_id: Some(format!("of {name}")),
        made_as: name.to_owned(),
        tree: "{}".to_owned(),
        version: 1,
        created_at: NOW,
        changed_at: NOW,
    };
    (team, group)
}

/// An organization, a connection with people, and groups.
async fn scene(
    db: &Database,
    count: usize,
    names: &[&str],
) -> (ConnectionId, Vec<UserId>, Vec<ScimGroup>) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let connection = connection(db, &mut write, "okta").await;
    let people = people(db, &mut write, connection, count).await;
    let mut groups = Vec::new();
    for name in names {
        let (team, group) = group(db, connection, name);
        let team = Team {
            organization: fleet.organization.id,
            ..team
        };
        write.teams().insert(&team).await.unwrap();
        write.scim_groups().insert(&group).await.unwrap();
        groups.push(group);
    }
    write.commit().await.unwrap();
    (connection, people, groups)
}

async fn scim_groups_are_found_by_each_key_and_in_pages(db: Database) {
    let (connection, people, groups) = scene(&db, 2, &["Beta", "alpha", "Gamma"]).await;
    let [beta, alpha, gamma] = groups.as_slice() else {
        panic!("{groups:?}");
    };
    let mut write = db.store.write().await.unwrap();
    let mut scim = write.scim_groups();
    scim.put_in(beta.team, &people).await.unwrap();
    for (key, expected) in [
        (ScimGroupKey::Id(beta.team), Some(beta)),
        (ScimGroupKey::Name("beta".to_owned()), Some(beta)),
        (ScimGroupKey::External("of alpha".to_owned()), Some(alpha)),
        (ScimGroupKey::External("OF ALPHA".to_owned()), None),
        (ScimGroupKey::Member(people[0]), Some(beta)),
        (ScimGroupKey::Name("delta".to_owned()), None),
    ] {
        let found = scim.find(connection, &key).await.unwrap();
        let found = scim.some(connection, &found).await.unwrap();
        assert_eq!(found.first(), expected, "{key:?}");
        let other = ConnectionId::from_bytes([9; 16]);
        assert_eq!(scim.find(other, &key).await.unwrap(), [], "{key:?}");
    }
    let (first, rest) = (std::slice::from_ref(alpha), [beta.clone(), gamma.clone()]);
    let rows = |rows| Step { rows, bytes: 1_000 };
    assert_eq!(scim.walk(connection, "", rows(1)).await.unwrap(), first);
    let after = scim.walk(connection, "alpha", rows(9)).await.unwrap();
    assert_eq!(after, rest);
    assert_eq!(scim.skip(connection, 1, rows(2)).await.unwrap(), rest);
    assert_eq!(scim.skip(connection, 3, rows(2)).await.unwrap(), []);
    // Each has two bytes.
    let bytes = |bytes| Step { rows: 9, bytes };
    assert_eq!(scim.walk(connection, "", bytes(1)).await.unwrap(), first);
    assert_eq!(
        scim.walk(connection, "alpha", bytes(5)).await.unwrap(),
        rest
    );
    assert_eq!(scim.skip(connection, 1, bytes(3)).await.unwrap(), rest[..1]);
    let both = [groups[1].team, groups[0].team];
    assert_eq!(
        scim.some(ConnectionId::from_bytes([9; 16]), &both)
            .await
            .unwrap(),
        []
    );
    assert_eq!(scim.count(connection).await.unwrap(), 3);
    let owns = scim.owns(connection, "x", ["gamma", ""]).await.unwrap();
    assert!(owns);
    assert!(scim.owns(connection, "of Beta", ["", ""]).await.unwrap());
    assert!(!scim.owns(connection, "x", ["y", "z"]).await.unwrap());
    let of = scim.of_users(connection, &people).await.unwrap();
    let shown: Vec<_> = of.iter().map(|of| (of.user, of.team)).collect();
    assert_eq!(shown, [(people[0], beta.team), (people[1], beta.team)]);
    // One alone is asked for in another way.
    let (one, other) = (&people[..1], ConnectionId::from_bytes([9; 16]));
    assert_eq!(scim.of_users(connection, one).await.unwrap(), of[..1]);
    assert_eq!(scim.of_users(other, one).await.unwrap(), []);
    assert_eq!(scim.of_users(other, &people).await.unwrap(), []);
}

async fn scim_group_names_are_unique_and_versions_are_of_what_was_read(db: Database) {
    let (connection, _, groups) = scene(&db, 0, &["Ops", "Dev"]).await;
    let later = NOW.plus(std::time::Duration::from_secs(9));
    let renamed = ScimGroup {
        display_name: "OPS".to_owned(),
        ..groups[0].clone()
    };
    let mut write = db.store.write().await.unwrap();
    let mut scim = write.scim_groups();
    // In another case it is the same group's own name.
    assert_eq!(scim.update(&renamed, later).await.unwrap(), 2);
    let stale = scim.update(&renamed, later).await.unwrap_err();
    assert!(matches!(stale, StoreError::Conflict));
    scim.touch(groups[0].team, later).await.unwrap();
    let held = scim
        .hold(connection, groups[0].team)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((held.version, held.changed_at), (3, later));
    let taken = ScimGroup {
        name_key: "ops".to_owned(),
        ..groups[1].clone()
    };
    let taken = scim.update(&taken, later).await.unwrap_err();
    assert!(
        matches!(taken, StoreError::Taken(Taken::ScimGroup)),
        "{taken}"
    );
}

async fn scim_members_are_written_in_sets_and_gates_hear_of_each(db: Database) {
    let (connection, people, groups) = scene(&db, 1_203, &["Ops"]).await;
    let team = groups[0].team;
    let mut write = db.store.write().await.unwrap();
    let before = write.settings().feed().await.unwrap();
    let mut scim = write.scim_groups();
    assert_eq!(scim.first_unknown(connection, &people).await.unwrap(), None);
    let stranger = UserId::from_bytes([0xff; 16]);
    let with = [people.as_slice(), &[stranger]].concat();
    let unknown = scim.first_unknown(connection, &with).await.unwrap();
    assert_eq!(unknown, Some(stranger));
    let (some, more) = (&people[..3], &people[2..6]);
    assert_eq!(scim.put_in(team, some).await.unwrap(), some);
    assert_eq!(scim.put_in(team, more).await.unwrap(), &people[3..6]);
    assert_eq!(
        scim.take_out(team, &people[..1]).await.unwrap(),
        &people[..1]
    );
    assert_eq!(scim.take_out(team, &people[..1]).await.unwrap(), []);
    assert!(scim.is_member(team, people[1]).await.unwrap());
    assert!(scim.has_at_most(team, 5).await.unwrap());
    assert!(!scim.has_at_most(team, 4).await.unwrap());
    let position = write.commit().await.unwrap();
    let mut view = db.store.read().await.unwrap();
    let feed = view.settings().feed().await.unwrap();
    // Of people alone: gates don't wait for everything.
    assert_eq!((feed.records, feed.whole), (position, before.whole));
    drop(view);

    let mut write = db.store.write().await.unwrap();
    let mut scim = write.scim_groups();
    let all = scim.put_in(team, &people).await.unwrap();
    assert_eq!(all.len(), people.len() - 5);
    let out = scim.keep_only(team, &people[1..1_200]).await.unwrap();
    assert_eq!(out.len(), 4);
    let members = scim.members(team).await.unwrap();
    assert_eq!(members, &people[1..1_200]);
    let gone = scim.take_out(team, &people).await.unwrap();
    assert_eq!(gone.len(), 1_199);
    scim.put_in(team, some).await.unwrap();
    assert_eq!(scim.keep_only(team, &[]).await.unwrap().len(), 3);
    write.rollback().await.unwrap();

    // What changes nothing moves nothing.
    let mut write = db.store.write().await.unwrap();
    let mut scim = write.scim_groups();
    scim.put_in(team, &people[1..2]).await.unwrap();
    scim.take_out(team, &people[9..12]).await.unwrap();
    assert_eq!(write.commit().await.unwrap(), position);
}

async fn c11_scim_teams_without_people_go_with_the_connection_and_others_stay(db: Database) {
    let (connection, people, groups) = scene(&db, 2, &["Full", "Empty"]).await;
    let mut write = db.store.write().await.unwrap();
    let mut scim = write.scim_groups();
    scim.put_in(groups[0].team, &people).await.unwrap();
    for group in &groups {
        let grant = GrantRecord {
            grant: Grant {
                id: GrantId::new(&db.clock, &db.rng),
                subject: Subject::Team(group.team),
                role: Role::SystemViewer.into(),
                resource: Resource::System,
            },
            organization: None,
            managed_by: ManagedBy::Configuration,
        };
        write.grants().insert(&grant).await.unwrap();
    }
    write.audit(event("x"));
    assert!(write.connections().delete(connection).await.unwrap());
    let kept = write.teams().get(groups[0].team).await.unwrap().unwrap();
    assert_eq!(kept.managed_by, ManagedBy::Api);
    let members = write.teams().members(kept.id).await.unwrap();
    assert_eq!(members.len(), 2);
    assert!(members.iter().all(|m| m.managed_by == ManagedBy::Api));
    let held = write.grants().of(Subject::Team(kept.id)).await.unwrap();
    assert_eq!(held[0].managed_by, ManagedBy::Api);
    assert_eq!(write.teams().get(groups[1].team).await.unwrap(), None);
    let gone = Subject::Team(groups[1].team);
    assert_eq!(write.grants().of(gone).await.unwrap(), []);
    assert_eq!(write.scim_groups().of_team(kept.id).await.unwrap(), None);
    write.commit().await.unwrap();
}

on_every_engine! {
    scim_groups_are_found_by_each_key_and_in_pages,
    scim_group_names_are_unique_and_versions_are_of_what_was_read,
    scim_members_are_written_in_sets_and_gates_hear_of_each,
    c11_scim_teams_without_people_go_with_the_connection_and_others_stay,
}
