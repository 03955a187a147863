use std::time::Duration;

use aeolus_model::{Grant, GrantId, Resource, Role, Subject, Time, TokenId};
use aeolus_store::{GrantRecord, ManagedBy, Notice, NoticeKind, Unit, Write};

use crate::fixture::{Database, NOW};

const HALF: Duration = Duration::from_secs(1800);

const SOON: NoticeKind = NoticeKind::Expires {
    within: HALF,
    beyond: Duration::from_secs(600),
};

/// From windows of one token each.
async fn all(write: &mut Write, kind: NoticeKind, now: Time) -> Vec<Notice> {
    let (mut before, mut found) = (None, Vec::new());
    while let Some(window) = write.tokens().window(None, before, 1).await.unwrap() {
        found.extend(write.tokens().due_notices(kind, window, now).await.unwrap());
        before = Some(window);
    }
    found
}

/// What is due, as it would be said at a moment after `NOW`.
async fn due(db: &Database, kind: NoticeKind, after: u64) -> usize {
    let mut write = db.store.write().await.unwrap();
    let now = NOW.plus(Duration::from_secs(after));
    all(&mut write, kind, now).await.len()
}

/// Says what is due, and how much of it nobody else has said.
async fn say(db: &Database, kind: NoticeKind, after: u64) -> usize {
    let mut write = db.store.write().await.unwrap();
    let now = NOW.plus(Duration::from_secs(after));
    let mut said = 0;
    for notice in all(&mut write, kind, now).await {
        said += usize::from(write.tokens().take_notice(kind, &notice).await.unwrap());
        assert!(!write.tokens().take_notice(kind, &notice).await.unwrap());
    }
    write.commit().await.unwrap();
    said
}

/// The tokens whose owner is back.
async fn back(db: &Database) -> Vec<TokenId> {
    let mut read = db.store.read().await.unwrap();
    let window = read
        .tokens()
        .window(None, None, 100)
        .await
        .unwrap()
        .unwrap();
    read.tokens().owners_back(window).await.unwrap()
}

/// The fixture's values live for an hour.
async fn an_end_is_announced_once_and_only_within_its_time(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let token = db.token(&mut write, &fleet).await;
    write.commit().await.unwrap();
    assert_eq!(due(&db, SOON, 1799).await, 0, "too early");
    let short = NoticeKind::Expires {
        within: Duration::from_secs(7200),
        beyond: Duration::from_secs(60),
    };
    assert_eq!(due(&db, short, 1).await, 0, "it never lived longer");
    assert_eq!(
        due(&db, SOON, 3000).await,
        0,
        "the next shorter one says it"
    );
    assert_eq!(say(&db, SOON, 1800).await, 1);
    assert_eq!(say(&db, SOON, 1900).await, 0);
    let mut write = db.store.write().await.unwrap();
    write.tokens().delete(token.id, NOW).await.unwrap();
    db.token(&mut write, &fleet).await;
    write.commit().await.unwrap();
    assert_eq!(say(&db, SOON, 1900).await, 1, "of the other one");
}

async fn a_token_that_rests_is_named_again_only_after_another_use(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let token = db.token(&mut write, &fleet).await;
    write.commit().await.unwrap();
    let unused = NoticeKind::Unused(HALF);
    assert_eq!(due(&db, unused, 1799).await, 0);
    assert_eq!(say(&db, unused, 1800).await, 1);
    assert_eq!(say(&db, unused, 2000).await, 0);
    let mut write = db.store.write().await.unwrap();
    let use_at = NOW.plus(Duration::from_secs(600));
    write.tokens().used(token.id, use_at).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(due(&db, unused, 2399).await, 0);
    assert_eq!(say(&db, unused, 2400).await, 1);
}

async fn a_token_whose_person_left_is_named_until_somebody_else_answers_for_it(db: Database) {
    let fleet = db.fleet().await;
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&db.clock, &db.rng),
            subject: Subject::User(fleet.user.id),
            role: Role::OrganizationOwner.into(),
            resource: Resource::Organization(fleet.organization.id),
        },
        organization: Some(fleet.organization.id),
        managed_by: ManagedBy::Api,
    };
    let mut write = db.store.write().await.unwrap();
    write.grants().insert(&grant).await.unwrap();
    let token = db.token(&mut write, &fleet).await;
    write.commit().await.unwrap();
    let left = NoticeKind::OwnerLeft;
    assert_eq!(due(&db, left, 1).await, 0);
    let mut write = db.store.write().await.unwrap();
    write.grants().delete(grant.grant.id).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(say(&db, left, 1).await, 1);
    assert_eq!(say(&db, left, 2).await, 0);
    // They come back, and leave again.
    assert_eq!(back(&db).await, []);
    let mut write = db.store.write().await.unwrap();
    write.grants().insert(&grant).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(back(&db).await, [token.id]);
    let mut write = db.store.write().await.unwrap();
    write.tokens().forget_owner(token.id).await.unwrap();
    write.grants().delete(grant.grant.id).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(say(&db, left, 2).await, 1);
    // Somebody who isn't in the organization either.
    let heir = db.user("ben@example.com");
    let mut write = db.store.write().await.unwrap();
    write.users().insert(&heir).await.unwrap();
    assert!(write.tokens().give(token.id, heir.id).await.unwrap());
    write.commit().await.unwrap();
    assert_eq!(say(&db, left, 3).await, 1);
}

on_every_engine! {
    an_end_is_announced_once_and_only_within_its_time,
    a_token_that_rests_is_named_again_only_after_another_use,
    a_token_whose_person_left_is_named_until_somebody_else_answers_for_it,
}
