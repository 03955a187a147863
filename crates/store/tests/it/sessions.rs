use std::time::Duration;

use aeolus_model::{Grant, GrantId, Resource, Role, Session, Subject, TeamId, Time, UserId};
use aeolus_store::{
    GrantRecord, ManagedBy, Mark, Member, Organization, Page, SessionRecord, SignInSource, Team,
    Unit, User, Write,
};

use crate::fixture::{Database, NOW, slug};

const SECOND: Duration = Duration::from_secs(1);

/// Two organizations; Ann is in both, Ben in the second through a team, Eve in none. Each has a session
/// that was used in both.
struct People {
    acme: Organization,
    globex: Organization,
    ann: Session,
    ben: Session,
    eve: Session,
}

async fn member(db: &Database, write: &mut Write, user: UserId, organization: &Organization) {
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&db.clock, &db.rng),
            subject: Subject::User(user),
            role: Role::OrganizationMember.into(),
            resource: Resource::Organization(organization.id),
        },
        organization: Some(organization.id),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&grant).await.unwrap();
}

async fn people(db: &Database) -> People {
    let fleet = db.fleet().await;
    let (acme, globex) = (fleet.organization, db.organization("globex"));
    let (ben, eve) = (db.user("ben@example.com"), db.user("eve@example.com"));
    let session = |user: &User| db.session(user);
    let sessions = [session(&fleet.user), session(&ben), session(&eve)];
    let mut write = db.store.write().await.unwrap();
    write.organizations().insert(&globex).await.unwrap();
    write.users().insert(&ben).await.unwrap();
    write.users().insert(&eve).await.unwrap();
    member(db, &mut write, fleet.user.id, &acme).await;
    member(db, &mut write, fleet.user.id, &globex).await;
    let team = Team {
        id: TeamId::new(&db.clock, &db.rng),
        organization: globex.id,
        name: slug("data"),
        description: String::new(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.teams().insert(&team).await.unwrap();
    let in_team = Member {
        team: team.id,
        user: ben.id,
        managed_by: ManagedBy::Api,
    };
    write.teams().add(&in_team).await.unwrap();
    let source = SignInSource {
        address: "192.0.2.7".to_owned(),
        user_agent: "Mozilla/5.0".to_owned(),
    };
    for session in &sessions {
        let mut repository = write.sessions();
        repository.insert_from(session, &source).await.unwrap();
        repository.enter(session.id, acme.id).await.unwrap();
        repository.enter(session.id, globex.id).await.unwrap();
    }
    write.commit().await.unwrap();
    let [ann, ben, eve] = sessions;
    People {
        acme,
        globex,
        ann,
        ben,
        eve,
    }
}

fn ids(records: &[SessionRecord]) -> Vec<aeolus_model::SessionId> {
    records.iter().map(|record| record.session.id).collect()
}

async fn used_in(
    db: &Database,
    organization: &Organization,
    user: Option<UserId>,
) -> Vec<SessionRecord> {
    let mut read = db.store.read().await.unwrap();
    let of = (organization.id, user);
    let listed = read.sessions().list_in(of, NOW, Page::first(10)).await;
    listed.unwrap().items
}

async fn x3_an_organization_sees_its_own_people_and_only_what_they_do_in_it(db: Database) {
    let p = people(&db).await;
    assert_eq!(ids(&used_in(&db, &p.acme, None).await), [p.ann.id]);
    let both = [p.ann.id.min(p.ben.id), p.ann.id.max(p.ben.id)];
    assert_eq!(ids(&used_in(&db, &p.globex, None).await), both);
    let only = |user| used_in(&db, &p.globex, Some(user));
    assert_eq!(ids(&only(p.ben.user).await), [p.ben.id]);
    assert_eq!(ids(&only(p.eve.user).await), []);

    // For whoever asks how long sessions have lasted, it is all who were there, with a role or without.
    let mut read = db.store.read().await.unwrap();
    let mut began_by = async |by: Time| {
        let page = Page::first(10);
        let listed = read.sessions().began_by(p.globex.id, (by, NOW), page).await;
        listed.unwrap().items.len()
    };
    assert_eq!(began_by(NOW.minus(SECOND)).await, 0);
    let there = began_by(NOW).await;
    assert!(there > both.len(), "{there}");
    drop(read);

    let later = NOW.plus(SECOND);
    let mut write = db.store.write().await.unwrap();
    let before = write.settings().feed().await.unwrap().position;
    let mut sessions = write.sessions();
    sessions
        .seen_in(p.ann.id, p.globex.id, later)
        .await
        .unwrap();
    sessions.seen(p.ann.id, NOW).await.unwrap();
    let after = write.commit().await.unwrap();
    assert_eq!(after, before, "a use moves nothing that planes are told");
    let [here] = &used_in(&db, &p.acme, None).await[..] else {
        panic!("one session");
    };
    assert_eq!(here.last_seen_at, None);
    assert_eq!(here.source.address, "192.0.2.7");
    assert_eq!(here.source.user_agent, "Mozilla/5.0");
    let there = used_in(&db, &p.globex, Some(p.ann.user)).await;
    assert_eq!(there[0].last_seen_at, Some(later));
    let mut read = db.store.read().await.unwrap();
    let own = read
        .sessions()
        .list(p.ann.user, NOW, Page::first(10))
        .await
        .unwrap();
    assert_eq!(own.items[0].last_seen_at, Some(later));
    assert_eq!(own.items[0].session, p.ann);
}

async fn a_session_that_ended_in_one_organization_goes_on_in_the_others(db: Database) {
    let p = people(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mut sessions = write.sessions();
    assert!(sessions.end_in(p.ann.id, p.acme.id, NOW).await.unwrap());
    assert!(!sessions.end_in(p.ann.id, p.acme.id, NOW).await.unwrap());
    // Entering again doesn't open it again.
    sessions.enter(p.ann.id, p.acme.id).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(ids(&used_in(&db, &p.acme, None).await), []);
    assert!(ids(&used_in(&db, &p.globex, None).await).contains(&p.ann.id));
    let mut read = db.store.read().await.unwrap();
    let mut sessions = read.sessions();
    assert!(sessions.is_over_in(p.ann.id, p.acme.id).await.unwrap());
    assert!(!sessions.is_over_in(p.ann.id, p.globex.id).await.unwrap());
    assert_eq!(sessions.over(p.ann.id).await.unwrap(), [p.acme.id]);
    let ended = sessions.ended(p.acme.id, NOW).await.unwrap();
    assert_eq!(ended, [p.ann.clone().ended(NOW)], "its gates are told");
    assert_eq!(sessions.ended(p.globex.id, NOW).await.unwrap(), []);
    assert!(sessions.get(p.ann.id).await.unwrap().unwrap().is_alive(NOW));
}

async fn a_mark_ends_what_began_before_it_in_its_organization(db: Database) {
    let p = people(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mark = Mark {
        subject: Subject::User(p.ann.user),
        not_before: NOW.plus(SECOND),
    };
    write.revocations().mark(p.globex.id, mark).await.unwrap();
    let later = Session {
        auth_time: NOW.plus(SECOND),
        ..db.session(&User {
            id: p.ann.user,
            ..db.user("unused@example.com")
        })
    };
    write.sessions().insert(&later).await.unwrap();
    write.sessions().enter(later.id, p.globex.id).await.unwrap();
    write.commit().await.unwrap();
    let left = used_in(&db, &p.globex, Some(p.ann.user)).await;
    assert_eq!(ids(&left), [later.id]);
    assert_eq!(ids(&used_in(&db, &p.acme, None).await), [p.ann.id]);
    let mut read = db.store.read().await.unwrap();
    let mut sessions = read.sessions();
    assert!(sessions.is_over_in(p.ann.id, p.globex.id).await.unwrap());
    assert!(!sessions.is_over_in(later.id, p.globex.id).await.unwrap());
    assert!(!sessions.is_over_in(p.ann.id, p.acme.id).await.unwrap());
    assert_eq!(sessions.over(p.ann.id).await.unwrap(), [p.globex.id]);
    assert_eq!(sessions.over(later.id).await.unwrap(), []);
    let mut revocations = read.revocations();
    for (subject, issued, marked) in [
        (p.ann.user, NOW, true),
        (p.ann.user, NOW.plus(SECOND), false),
        (p.ben.user, NOW, false),
    ] {
        let subject = Subject::User(subject);
        let found = revocations.is_marked(p.globex.id, subject, issued).await;
        assert_eq!(found.unwrap(), marked);
    }
    let mut write = db.store.write().await.unwrap();
    let mut revocations = write.revocations();
    revocations
        .mark_organization(p.acme.id, NOW.plus(SECOND))
        .await
        .unwrap();
    let ben = Subject::User(p.ben.user);
    let marked = revocations.is_marked(p.acme.id, ben, NOW).await.unwrap();
    assert!(marked);
    let over = write.sessions().over(p.ben.id).await.unwrap();
    assert_eq!(over, [p.acme.id], "also where it was never used");
}

async fn sessions_are_listed_in_pages(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let mut made = Vec::new();
    for _ in 0..5 {
        let session = db.session(&fleet.user);
        write.sessions().insert(&session).await.unwrap();
        made.push(session.id);
    }
    write.commit().await.unwrap();
    made.sort_unstable();
    let mut read = db.store.read().await.unwrap();
    let (mut seen, mut page) = (Vec::new(), Page::first(2));
    loop {
        let part = read.sessions().list(fleet.user.id, NOW, page).await;
        let part = part.unwrap();
        seen.extend(ids(&part.items));
        let Some(next) = part.next else { break };
        page.after = Some(next);
    }
    assert_eq!(seen, made);
}

on_every_engine! {
    what_a_provider_wants_to_see_goes_with_the_session,
    x3_an_organization_sees_its_own_people_and_only_what_they_do_in_it,
    a_session_that_ended_in_one_organization_goes_on_in_the_others,
    a_mark_ends_what_began_before_it_in_its_organization,
    sessions_are_listed_in_pages,
}

async fn what_a_provider_wants_to_see_goes_with_the_session(db: Database) {
    let people = people(&db).await;
    let mut write = db.store.write().await.unwrap();
    for session in [people.ann.id, people.ben.id] {
        write
            .session_hints()
            .keep(session, b"sealed")
            .await
            .unwrap();
    }
    write.sessions().end(people.ann.id, NOW).await.unwrap();
    let hint = write.session_hints().get(people.ann.id).await.unwrap();
    assert_eq!(hint.as_deref(), Some(&b"sealed"[..]));
    assert_eq!(write.session_hints().forget().await.unwrap(), 1);
    let hint = write.session_hints().get(people.ann.id).await.unwrap();
    assert_eq!(hint, None);
    let later = people.ben.absolute_end.plus(SECOND);
    write.sessions().forget(later).await.unwrap();
    let hint = write.session_hints().get(people.ben.id).await.unwrap();
    assert_eq!(hint, None);
}
