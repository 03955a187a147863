use std::slice::from_ref;

use aeolus_model::{Grant, GrantId, Resource, Role, Subject, TeamId};
use aeolus_store::{GrantRecord, ManagedBy, Member, Page, StoreError, Taken, Team, Unit, User};

use crate::fixture::{Database, Fleet, NOW, slug};

/// Bob operates the workspace through a team, Ann views the deployment, and Gone, who is disabled,
/// owns the organization; Eve has nothing.
struct Given {
    fleet: Fleet,
    team: Team,
    bob: User,
    to_team: GrantRecord,
    to_ann: GrantRecord,
    to_gone: GrantRecord,
}

fn grant(db: &Database, fleet: &Fleet, subject: Subject, role: Role, on: Resource) -> GrantRecord {
    let id = GrantId::new(&db.clock, &db.rng);
    GrantRecord {
        grant: Grant {
            id,
            subject,
            role: role.into(),
            resource: on,
        },
        organization: Some(fleet.organization.id),
        managed_by: ManagedBy::Apply,
    }
}

async fn given(db: &Database) -> Given {
    let fleet = db.fleet().await;
    let team = Team {
        id: TeamId::new(&db.clock, &db.rng),
        organization: fleet.organization.id,
        name: slug("data"),
        description: String::new(),
        managed_by: ManagedBy::Apply,
        revision: 1,
    };
    let bob = db.user("bob@example.com");
    let gone = User {
        disabled_at: Some(NOW),
        ..db.user("gone@example.com")
    };
    let (ann, operator) = (Subject::User(fleet.user.id), Role::WorkspaceOperator);
    let on_organization = Resource::Organization(fleet.organization.id);
    let on_deployment = Resource::Deployment(fleet.deployment.id);
    let on_workspace = Resource::Workspace(fleet.workspace.id);
    let owner = Role::OrganizationOwner;
    let to_team = grant(db, &fleet, Subject::Team(team.id), operator, on_workspace);
    let to_ann = grant(db, &fleet, ann, Role::DeploymentViewer, on_deployment);
    let to_gone = grant(db, &fleet, Subject::User(gone.id), owner, on_organization);
    let mut write = db.store.write().await.unwrap();
    for user in [&bob, &gone, &db.user("eve@example.com")] {
        write.users().insert(user).await.unwrap();
    }
    write.teams().insert(&team).await.unwrap();
    let bob_in = Member {
        team: team.id,
        user: bob.id,
        managed_by: ManagedBy::Apply,
    };
    assert!(write.teams().add(&bob_in).await.unwrap());
    assert!(!write.teams().add(&bob_in).await.unwrap());
    for grant in [&to_team, &to_ann, &to_gone] {
        write.grants().insert(grant).await.unwrap();
    }
    write.commit().await.unwrap();
    Given {
        fleet,
        team,
        bob,
        to_team,
        to_ann,
        to_gone,
    }
}

async fn grants_reach_through_teams_and_down_to_a_plane(db: Database) {
    let Given {
        fleet,
        team,
        bob,
        to_team,
        ..
    } = given(&db).await;
    let plane = fleet.plane.id;
    let mut read = db.store.read().await.unwrap();
    assert_eq!(
        read.grants().effective(bob.id).await.unwrap(),
        from_ref(&to_team)
    );
    assert_eq!(read.grants().of(Subject::User(bob.id)).await.unwrap(), []);
    let place = Resource::Workspace(fleet.workspace.id);
    for (whose, has) in [
        (Subject::Team(team.id), true),
        (Subject::User(bob.id), false),
    ] {
        let asked = read.grants().has(whose, &to_team.grant.role, place).await;
        assert_eq!(asked.unwrap(), has);
    }
    let on_workspace = read
        .grants()
        .on(Resource::Workspace(fleet.workspace.id))
        .await
        .unwrap();
    assert_eq!(on_workspace, from_ref(&to_team));
    assert_eq!(read.grants().reaching(plane).await.unwrap().len(), 3);
    let all = read
        .grants()
        .list(fleet.organization.id, Page::first(10))
        .await
        .unwrap();
    assert_eq!(all.items.len(), 3);
    let first = read
        .grants()
        .list(fleet.organization.id, Page::first(2))
        .await
        .unwrap();
    assert_eq!(
        (&first.items[..], first.next),
        (&all.items[..2], Some(all.items[1].grant.id))
    );
    let people = read.users().reaching(plane).await.unwrap();
    let mut people: Vec<_> = people.iter().map(|user| user.id).collect();
    people.sort_unstable();
    let mut expected = vec![fleet.user.id, bob.id];
    expected.sort_unstable();
    assert_eq!(
        people, expected,
        "neither the disabled nor who holds nothing"
    );
    assert_eq!(read.teams().of(bob.id).await.unwrap(), from_ref(&team));
    assert_eq!(read.teams().on_plane(plane).await.unwrap(), from_ref(&team));
    let members = read.teams().members_on_plane(plane).await.unwrap();
    assert_eq!(members, read.teams().members(team.id).await.unwrap());
    assert_eq!(members.len(), 1);
    let elsewhere = db.plane("us-1").id;
    assert_eq!(read.grants().reaching(elsewhere).await.unwrap(), []);
    assert!(read.users().reaching(elsewhere).await.unwrap().is_empty());
}

async fn a_system_role_given_to_a_team_reaches_its_members(db: Database) {
    let Given {
        fleet,
        team,
        bob,
        to_team,
        ..
    } = given(&db).await;
    let system = GrantRecord {
        organization: None,
        ..grant(
            &db,
            &fleet,
            Subject::Team(team.id),
            Role::SystemAdmin,
            Resource::System,
        )
    };
    let mut write = db.store.write().await.unwrap();
    assert!(write.grants().delete(to_team.grant.id).await.unwrap());
    write.grants().insert(&system).await.unwrap();
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    assert_eq!(
        read.grants().effective(bob.id).await.unwrap(),
        from_ref(&system)
    );
    let people = read.users().reaching(fleet.plane.id).await.unwrap();
    assert!(people.iter().any(|user| user.id == bob.id));
    // Such a role reaches every plane, also where the team's organization has no deployment.
    let elsewhere = db.plane("us-1").id;
    let teams = read.teams().on_plane(elsewhere).await.unwrap();
    assert_eq!(teams, from_ref(&team));
    let members = read.teams().members_on_plane(elsewhere).await.unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(read.users().reaching(elsewhere).await.unwrap().len(), 1);
}

async fn a_grant_is_given_once_and_goes_with_its_holder(db: Database) {
    let Given {
        fleet,
        team,
        to_ann,
        to_gone,
        ..
    } = given(&db).await;
    let mut write = db.store.write().await.unwrap();
    let id = GrantId::new(&db.clock, &db.rng);
    let again = GrantRecord {
        grant: Grant {
            id,
            ..to_ann.grant.clone()
        },
        ..to_ann
    };
    let again = write.grants().insert(&again).await.unwrap_err();
    assert!(matches!(again, StoreError::Taken(Taken::Grant)), "{again}");
    write.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    assert!(write.teams().delete(team.id).await.unwrap());
    assert!(write.users().delete(fleet.user.id).await.unwrap());
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    assert_eq!(
        read.grants().reaching(fleet.plane.id).await.unwrap(),
        from_ref(&to_gone)
    );
}

on_every_engine! {
    grants_reach_through_teams_and_down_to_a_plane,
    a_system_role_given_to_a_team_reaches_its_members,
    a_grant_is_given_once_and_goes_with_its_holder,
}
