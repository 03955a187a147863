use aeolus_store::Unit;

use crate::fixture::{Database, NOW};

async fn a_token_given_to_somebody_is_theirs_and_stays_good(db: Database) {
    let fleet = db.fleet().await;
    let heir = db.user("ben@example.com");
    let mut write = db.store.write().await.unwrap();
    write.users().insert(&heir).await.unwrap();
    let kept = db.token(&mut write, &fleet).await;
    let deleted = db.token(&mut write, &fleet).await;
    write.tokens().delete(deleted.id, NOW).await.unwrap();
    let before = write.commit().await.unwrap();

    let (organization, user) = (fleet.organization.id, fleet.user.id);
    let mut write = db.store.write().await.unwrap();
    let mut tokens = write.tokens();
    let theirs = tokens.created_by(organization, user).await.unwrap();
    assert_eq!(theirs, [kept.id]);
    assert!(tokens.give(kept.id, heir.id).await.unwrap());
    assert!(!tokens.give(deleted.id, heir.id).await.unwrap());
    let theirs = tokens.created_by(organization, user).await.unwrap();
    assert!(theirs.is_empty());
    assert_eq!(write.commit().await.unwrap(), before);
    let mut read = db.store.read().await.unwrap();
    let token = read.tokens().get(kept.id).await.unwrap().unwrap().token;
    assert_eq!(token.created_by, heir.id);
    assert_eq!(token.stage, kept.stage);
}

on_every_engine! {
    a_token_given_to_somebody_is_theirs_and_stays_good,
}
