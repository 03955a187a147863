use std::time::Duration;

use aeolus_model::{Scope, Time};
use aeolus_store::{Shortened, StatusEnd, Unit};

use crate::fixture::{Database, NOW};

const SPAN: Duration = Duration::from_secs(600);

/// Values made `NOW` that live an hour; ends are moved, what is over by then is revoked.
async fn values_live_no_longer_than_they_may(db: Database) {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let mut write = db.store.write().await.unwrap();
    let long = db.token(&mut write, &fleet).await;
    let ended = db.token(&mut write, &fleet).await;
    let gone = db.token(&mut write, &fleet).await;
    let index = ended.value().unwrap().index;
    let not_after = NOW.plus(Duration::from_secs(60));
    let end = StatusEnd { index, not_after };
    write
        .revocations()
        .set_end(organization, end)
        .await
        .unwrap();
    write.tokens().delete(gone.id, NOW).await.unwrap();
    write.commit().await.unwrap();
    let end = long.value().unwrap().expires_at;
    let whole = end.since(NOW);
    assert!(
        whole > 2 * SPAN,
        "the fixture's tokens live longer than this test's bound"
    );

    let of = (organization, scope(&long));
    let shorten = |life: Duration, now: Time| {
        let store = db.store.clone();
        async move {
            let mut write = store.write().await.unwrap();
            let found = write.tokens().shorten(of, life, now).await.unwrap();
            write.commit().await.unwrap();
            found
        }
    };
    assert_eq!(shorten(whole, NOW).await, [], "as long as it may");
    let expected = Shortened {
        token: long.id,
        was_to_end: end,
        ends: NOW.plus(2 * SPAN),
    };
    let now = NOW.plus(Duration::from_secs(30));
    assert_eq!(shorten(2 * SPAN, now).await, [expected]);
    assert_eq!(shorten(2 * SPAN, now).await, [], "once");
    let mut read = db.store.read().await.unwrap();
    let token = read.tokens().get(long.id).await.unwrap().unwrap().token;
    assert_eq!(token.value().unwrap().expires_at, NOW.plus(2 * SPAN));
    let list = read.revocations().of(organization).await.unwrap().unwrap();
    let ends = list
        .ends
        .iter()
        .find(|e| e.index == long.value().unwrap().index);
    assert_eq!(ends.unwrap().not_after, NOW.plus(2 * SPAN));
    drop(read);

    let found = shorten(SPAN, NOW.plus(SPAN)).await;
    assert_eq!(found[0].ends, NOW.plus(SPAN));
    let mut read = db.store.read().await.unwrap();
    let index = long.value().unwrap().index;
    let mut tokens = read.tokens();
    let value = tokens.value(organization, index).await.unwrap().unwrap();
    assert_eq!(value.revoked_at, Some(NOW.plus(SPAN)));
}

async fn tokens_are_counted_as_far_as_they_matter(db: Database) {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let mut write = db.store.write().await.unwrap();
    let first = db.token(&mut write, &fleet).await;
    db.token(&mut write, &fleet).await;
    for (most, fewer) in [(0, false), (1, false), (2, false), (3, true)] {
        let found = write.tokens().are_fewer_than(organization, most).await;
        assert_eq!(found.unwrap(), fewer, "{most}");
    }
    write.tokens().delete(first.id, NOW).await.unwrap();
    let found = write.tokens().are_fewer_than(organization, 2).await;
    assert!(found.unwrap());
}

fn scope(token: &aeolus_model::ApiToken) -> Scope {
    use aeolus_model::TokenScope;
    match token.scope {
        TokenScope::Organization(_) => Scope::Organization,
        TokenScope::Workspace(_) => Scope::Workspace,
        TokenScope::Deployment(_) => Scope::Deployment,
    }
}

on_every_engine! {
    values_live_no_longer_than_they_may,
    tokens_are_counted_as_far_as_they_matter,
}
