use std::collections::BTreeSet;

use aeolus_model::{
    ApiToken, ConnectionId, Grant, GrantId, PlaneId, Resource, Role, Session, Subject, TeamId, Time,
};
use aeolus_store::{
    Connection, GrantRecord, Identity, ManagedBy, Mark, Member, Page, Read, RevocationList,
    StatusEnd, Team, Unit, User,
};

use crate::fixture::{Database, Fleet, NOW, slug};

const PEOPLE: usize = 40;
const LATER: Time = Time::from_secs(1_800_000_060);

fn identity(connection: &Connection, user: &User, subject: &str) -> Identity {
    Identity {
        connection: connection.id,
        issuer: "https://idp.example.com".to_owned(),
        subject: subject.parse().unwrap(),
        user: user.id,
        linked_at: NOW,
        managed_by: ManagedBy::Api,
    }
}

fn grant(db: &Database, subject: Subject, resource: Resource, role: Role) -> GrantRecord {
    GrantRecord {
        grant: Grant {
            id: GrantId::new(&db.clock, &db.rng),
            subject,
            role: role.into(),
            resource,
        },
        organization: None,
        managed_by: ManagedBy::Api,
    }
}

/// Everything that is read without a bound when a plane is told, many times over: people with two
/// roles, through a team, with none to three identities, every fifth disabled; tokens, revoked and
/// ending; marks; ended sessions; and grants of people that are gone.
async fn many(db: &Database) -> Fleet {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let everywhere = Resource::Organization(organization);
    let connection = Connection {
        id: ConnectionId::new(&db.clock, &db.rng),
        name: slug("idp"),
        kind: "oidc".to_owned(),
        config: "{}".to_owned(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    let mut write = db.store.write().await.unwrap();
    write.connections().insert(&connection).await.unwrap();
    let mut teams = Vec::new();
    for name in ["data", "ops"] {
        let team = Team {
            id: TeamId::new(&db.clock, &db.rng),
            organization,
            name: slug(name),
            description: String::new(),
            managed_by: ManagedBy::Api,
            revision: 1,
        };
        write.teams().insert(&team).await.unwrap();
        let held = grant(
            db,
            Subject::Team(team.id),
            everywhere,
            Role::OrganizationMember,
        );
        write.grants().insert(&held).await.unwrap();
        teams.push(team);
    }
    for n in 0..PEOPLE {
        let user = User {
            disabled_at: (n % 5 == 0).then_some(NOW),
            ..db.user(&format!("p{n}@example.com"))
        };
        write.users().insert(&user).await.unwrap();
        let subject = Subject::User(user.id);
        if n % 3 != 0 {
            for role in [Role::OrganizationMember, Role::OrganizationOwner] {
                let held = grant(db, subject, everywhere, role);
                write.grants().insert(&held).await.unwrap();
            }
        }
        for team in &teams {
            let member = Member {
                team: team.id,
                user: user.id,
                managed_by: ManagedBy::Api,
            };
            write.teams().add(&member).await.unwrap();
        }
        for i in 0..n % 4 {
            let link = identity(&connection, &user, &format!("{n}-{i}"));
            write.identities().insert(&link).await.unwrap();
        }
        let gone = Subject::User(db.user("gone@example.com").id);
        let held = grant(db, gone, everywhere, Role::OrganizationMember);
        write.grants().insert(&held).await.unwrap();
        let mark = Mark {
            subject,
            not_before: NOW,
        };
        write.revocations().mark(organization, mark).await.unwrap();
        let session = db.session(&user);
        write.sessions().insert(&session).await.unwrap();
        let mut sessions = write.sessions();
        sessions.enter(session.id, organization).await.unwrap();
        assert!(write.sessions().end(session.id, LATER).await.unwrap());
        for _ in 0..3 {
            db.token(&mut write, &fleet).await;
        }
    }
    for index in 0..600 {
        let end = StatusEnd {
            index,
            not_after: LATER,
        };
        write
            .revocations()
            .set_end(organization, end)
            .await
            .unwrap();
        if index % 2 == 0 {
            let mut list = write.revocations();
            list.revoke(organization, index, NOW).await.unwrap();
        }
    }
    write.commit().await.unwrap();
    fleet
}

#[derive(Debug, PartialEq)]
struct Everything {
    grants: Vec<GrantRecord>,
    people: Vec<aeolus_model::UserId>,
    identities: BTreeSet<String>,
    tokens: Vec<ApiToken>,
    members: Vec<Member>,
    sessions: Vec<Session>,
    revocations: RevocationList,
}

async fn everything(read: &mut Read, fleet: &Fleet, plane: PlaneId) -> Everything {
    let organization = fleet.organization.id;
    let people = read.users().reaching(plane).await.unwrap();
    let identities = read.identities().reaching(plane).await.unwrap();
    let names: BTreeSet<_> = identities.iter().map(|i| i.subject.to_string()).collect();
    assert_eq!(names.len(), identities.len(), "none twice");
    Everything {
        grants: read.grants().reaching(plane).await.unwrap(),
        people: people.iter().map(|user| user.id).collect(),
        identities: names,
        tokens: read.tokens().reaching(plane, NOW).await.unwrap(),
        members: read.teams().members_on_plane(plane).await.unwrap(),
        sessions: read.sessions().ended(organization, NOW).await.unwrap(),
        revocations: read.revocations().of(organization).await.unwrap().unwrap(),
    }
}

async fn pages_lose_and_double_nothing(db: Database) {
    let fleet = many(&db).await;
    let plane = fleet.plane.id;
    let mut whole = db.store.read().await.unwrap();
    let whole = everything(&mut whole, &fleet, plane).await;
    assert_eq!(whole.people.len(), PEOPLE * 4 / 5);
    assert_eq!(whole.members.len(), PEOPLE * 2);
    assert_eq!(whole.tokens.len(), PEOPLE * 3);
    assert_eq!(whole.sessions.len(), PEOPLE);
    assert_eq!(whole.identities.len(), PEOPLE * 3 / 2);
    assert_eq!(whole.revocations.marks.len(), PEOPLE);
    assert!(!whole.revocations.ends.is_empty());
    assert!(whole.revocations.status.iter().any(|byte| *byte != 0));
    for rows in [1, 2, 7, 40, 41] {
        let mut read = db.store.read().await.unwrap().in_pages_of(rows);
        let paged = everything(&mut read, &fleet, plane).await;
        assert_eq!(paged, whole, "{rows} rows at a time");
        let elsewhere = db.plane("us-1").id;
        assert!(read.users().reaching(elsewhere).await.unwrap().is_empty());
    }
}

/// Lists that are asked for a page at a time.
async fn lists_lose_and_double_nothing(db: Database) {
    let fleet = many(&db).await;
    let organization = fleet.organization.id;
    let mut read = db.store.read().await.unwrap();
    let team = read
        .teams()
        .by_name(organization, &slug("ops"))
        .await
        .unwrap();
    let team = team.unwrap().id;
    let all = read.teams().members(team).await.unwrap();
    let count = read.teams().count_members(team).await.unwrap();
    assert_eq!((usize::try_from(count), all.len()), (Ok(PEOPLE), PEOPLE));
    for limit in [1, 7, 40] {
        let (mut page, mut members) = (Page::first(limit), Vec::new());
        loop {
            let listing = read.teams().list_members(team, page).await.unwrap();
            members.extend(listing.items);
            page.after = listing.next;
            if page.after.is_none() {
                break;
            }
        }
        assert_eq!(members, all, "{limit} at a time");
    }
}

on_every_engine! {
    lists_lose_and_double_nothing,
    pages_lose_and_double_nothing,
}
