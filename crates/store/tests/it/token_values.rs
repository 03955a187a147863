use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aeolus_model::{ApiToken, OrganizationId, Time, TokenId, TokenStage, TokenValue};
use aeolus_store::{Page, StatusEnd, StoreError, TokenFilter, Unit, Write};

use crate::fixture::{Database, Fleet, NOW};

const HOUR: Duration = Duration::from_secs(3600);

async fn value(db: &Database, write: &mut Write, token: &ApiToken, jti: &str) -> TokenValue {
    let mut revocations = write.revocations();
    let index = revocations.allocate(token.organization, &db.rng).await;
    TokenValue {
        jti: jti.to_owned(),
        index: index.unwrap(),
        issued_at: NOW,
        expires_at: NOW.plus(2 * HOUR),
    }
}

async fn made(db: &Database, fleet: &Fleet) -> ApiToken {
    let mut write = db.store.write().await.unwrap();
    let token = db.token(&mut write, fleet).await;
    write.commit().await.unwrap();
    token
}

async fn good(db: &Database, token: TokenId, at: Time) -> Vec<String> {
    let mut read = db.store.read().await.unwrap();
    let values = read.tokens().good_values(token, at).await.unwrap();
    let mut jtis: Vec<String> = values.into_iter().map(|v| v.value.jti).collect();
    jtis.sort();
    jtis
}

async fn x2_values_end_by_grace_at_once_or_with_their_token(db: Database) {
    let fleet = db.fleet().await;
    let token = made(&db, &fleet).await;
    let first = token.value().unwrap().clone();
    let mut write = db.store.write().await.unwrap();
    let second = value(&db, &mut write, &token, "second").await;
    let mut tokens = write.tokens();
    tokens.rotate(&token, &second, fleet.user.id).await.unwrap();
    let end = NOW.plus(HOUR / 2);
    let ended = tokens.end_earlier(token.id, second.index, (NOW, end)).await;
    assert_eq!(ended.unwrap(), 1);
    write.commit().await.unwrap();

    let both = [first.jti.clone(), "second".to_owned()];
    assert_eq!(good(&db, token.id, NOW).await, both);
    assert_eq!(good(&db, token.id, end).await, ["second"]);
    let mut read = db.store.read().await.unwrap();
    let found = read.tokens().value(token.organization, first.index).await;
    let found = found.unwrap().unwrap();
    assert_eq!((found.token, found.good_until()), (token.id, end));
    let record = read.tokens().get(token.id).await.unwrap().unwrap();
    assert_eq!(record.token.stage, TokenStage::Active(second.clone()));
    assert_eq!(record.rotated_at, Some(NOW));
    assert_eq!(record.updated, Some((NOW, fleet.user.id)));
    let list = read.revocations().of(token.organization).await;
    let list = list.unwrap().unwrap();
    assert_eq!((list.ends.len(), list.ends[0].not_after), (1, end));
    drop(read);

    // An end that has passed becomes a bit.
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.tokens().settle(NOW).await.unwrap(), 0);
    assert_eq!(write.tokens().settle(end).await.unwrap(), 1);
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let list = read.revocations().of(token.organization).await;
    let list = list.unwrap().unwrap();
    let bit = list.status[first.index as usize / 8] >> (first.index % 8) & 1;
    assert_eq!((list.ends.len(), bit), (0, 1));
    assert!(read.tokens().had_ended(token.id, end).await.unwrap());
    assert!(!read.tokens().had_ended(token.id, NOW).await.unwrap());
    drop(read);

    let mut write = db.store.write().await.unwrap();
    assert!(write.tokens().delete(token.id, NOW).await.unwrap());
    write.commit().await.unwrap();
    assert!(good(&db, token.id, NOW).await.is_empty());
}

async fn of_two_rotations_at_once_one_wins_and_nothing_of_the_other_stays(db: Database) {
    let fleet = db.fleet().await;
    let token = made(&db, &fleet).await;
    let db = Arc::new(db);
    let tasks = (0..4).map(|n| {
        let (db, token, by) = (Arc::clone(&db), token.clone(), fleet.user.id);
        tokio::spawn(async move {
            let mut write = db.store.write().await.unwrap();
            let new = value(&db, &mut write, &token, &format!("value {n}")).await;
            write.tokens().rotate(&token, &new, by).await?;
            let mut tokens = write.tokens();
            tokens.end_earlier(token.id, new.index, (NOW, NOW)).await?;
            write.commit().await.map(|_| new.jti)
        })
    });
    let mut won = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(jti) => won.push(jti),
            Err(error) => assert!(matches!(error, StoreError::Conflict), "{error}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(good(&db, token.id, NOW).await, won);
}

async fn a_deletion_during_a_rotation_leaves_no_value_good(db: Database) {
    let fleet = db.fleet().await;
    for _ in 0..4 {
        let token = made(&db, &fleet).await;
        let rotate = async {
            let mut write = db.store.write().await.unwrap();
            let new = value(&db, &mut write, &token, &token.id.to_string()).await;
            write.tokens().rotate(&token, &new, fleet.user.id).await?;
            write.commit().await
        };
        let delete = async {
            let mut write = db.store.write().await.unwrap();
            write.tokens().delete(token.id, NOW).await?;
            write.commit().await
        };
        let (rotated, deleted) = tokio::join!(rotate, delete);
        deleted.unwrap();
        if let Err(error) = rotated {
            assert!(matches!(error, StoreError::Conflict), "{error}");
        }
        assert!(good(&db, token.id, NOW).await.is_empty());
    }
}

async fn many_are_deleted_in_few_statements(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..230 {
        ids.push(db.token(&mut write, &fleet).await.id);
    }
    write.commit().await.unwrap();
    let kept = ids.pop().unwrap();
    let other = db.organization("globex");
    let mut write = db.store.write().await.unwrap();
    write.organizations().insert(&other).await.unwrap();
    let foreign = write.tokens().delete_these(other.id, &ids, NOW).await;
    let own = fleet.organization.id;
    let deleted = write.tokens().delete_these(own, &ids, NOW).await;
    write.commit().await.unwrap();
    assert_eq!(foreign.unwrap(), []);
    let deleted: BTreeSet<_> = deleted.unwrap().into_iter().collect();
    assert!(deleted == ids.iter().copied().collect());
    let mut read = db.store.read().await.unwrap();
    let all = TokenFilter::default();
    let left = read.tokens().list(own, &all, Page::first(9)).await.unwrap();
    let left: Vec<_> = left.items.iter().map(|r| r.token.id).collect();
    assert_eq!(left, [kept]);
    let list = read.revocations().of(own).await.unwrap().unwrap();
    let bits: u32 = list.status.iter().map(|byte| byte.count_ones()).sum();
    assert_eq!(bits, 229);
}

async fn f65_values_of_an_earlier_schema_are_known(db: Database) {
    let fleet = db.fleet().await;
    let token = made(&db, &fleet).await;
    db.raw("DROP INDEX status_indexes_token").await;
    db.raw("DROP INDEX status_indexes_issued").await;
    for undo in [
        "ALTER TABLE status_indexes DROP COLUMN token",
        "ALTER TABLE status_indexes DROP COLUMN jti",
        "ALTER TABLE status_indexes DROP COLUMN issued_at",
        "ALTER TABLE status_indexes DROP COLUMN expires_at",
        "ALTER TABLE status_indexes DROP COLUMN last_used_at",
        "ALTER TABLE tokens DROP COLUMN kind",
        "ALTER TABLE tokens DROP COLUMN permissions",
        "ALTER TABLE tokens DROP COLUMN rotated_at",
        "ALTER TABLE tokens DROP COLUMN updated_at",
        "ALTER TABLE tokens DROP COLUMN updated_by",
    ] {
        db.raw(undo).await;
    }
    db.raw("DELETE FROM _sqlx_migrations WHERE version = 7")
        .await;
    let mut read = db.again().await.read().await.unwrap();
    let good = read.tokens().good_values(token.id, NOW).await.unwrap();
    assert_eq!(good.len(), 1);
    assert_eq!(Some(&good[0].value), token.value());
    let record = read.tokens().get(token.id).await.unwrap().unwrap();
    assert_eq!((record.token, record.rotated_at), (token, None));
}

async fn a_stretch_says_what_of_it_is_no_longer_good(db: Database) {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let mut write = db.store.write().await.unwrap();
    let mut revocations = write.revocations();
    let ends = |index, secs: u64| StatusEnd {
        index,
        not_after: NOW.plus(Duration::from_secs(secs)),
    };
    let size = 4096;
    let forgotten = revocations.revoke_forgotten(organization, (size, &[7, 2055, 2111]), NOW);
    forgotten.await.unwrap();
    for end in [
        ends(8, 0),
        ends(9, 60),
        ends(2048, 0),
        ends(2110, 30),
        ends(2112, 1),
    ] {
        revocations.end_forgotten(organization, end).await.unwrap();
    }
    write.commit().await.unwrap();

    let mut read = db.store.read().await.unwrap();
    let mut revocations = read.revocations();
    let mut within = async |first, now| {
        let found = revocations.within(organization, (first, 64), now).await;
        found.unwrap()
    };
    let first = within(0, NOW).await.unwrap();
    assert_eq!(first.bits, [0b1000_0000, 0b0000_0001, 0, 0, 0, 0, 0, 0]);
    assert_eq!(first.next_end, Some(ends(9, 60).not_after));
    let first = within(0, NOW.plus(Duration::from_secs(60))).await.unwrap();
    assert_eq!(first.bits[1], 0b0000_0011);
    assert_eq!(first.next_end, None);
    let inner = within(2048, NOW).await.unwrap();
    assert_eq!(inner.bits, [0b1000_0001, 0, 0, 0, 0, 0, 0, 0b1000_0000]);
    assert_eq!(inner.next_end, Some(ends(2110, 30).not_after));
    // All of a stretch is there as soon as the organization has one index in it.
    assert_eq!(within(4032, NOW).await.unwrap().bits, [0; 8]);
    assert_eq!(within(4096, NOW).await, None);
    let nobody = OrganizationId::from_bytes([9; 16]);
    let none = read.revocations().within(nobody, (0, 64), NOW).await;
    assert_eq!(none.unwrap(), None);
}

/// Whoever keeps a list in memory goes by it, so that no revocation may leave it as it was.
async fn where_an_organization_last_revoked_is_known(db: Database) {
    let fleet = db.fleet().await;
    let tokens = [
        made(&db, &fleet).await,
        made(&db, &fleet).await,
        made(&db, &fleet).await,
    ];
    let organization = fleet.organization.id;
    let other = db.organization("globex");
    let mut write = db.store.write().await.unwrap();
    write.organizations().insert(&other).await.unwrap();
    write.commit().await.unwrap();
    let position = async |of| {
        let mut read = db.store.read().await.unwrap();
        read.revocations().position(of).await.unwrap()
    };
    assert_eq!(position(organization).await, Some(0));
    let index = |of: usize| tokens[of].value().unwrap().index;
    let end = |index, secs| StatusEnd {
        index,
        not_after: NOW.plus(Duration::from_secs(secs)),
    };
    let mut seen = 0;
    for way in 0..8 {
        let mut write = db.store.write().await.unwrap();
        match way {
            0 => {
                let mut list = write.revocations();
                list.set_end(organization, end(index(0), 90)).await.unwrap();
            }
            1 => {
                let mut list = write.revocations();
                assert!(list.revoke(organization, index(0), NOW).await.unwrap());
            }
            2 | 3 => {
                let end = if way == 2 { NOW.plus(HOUR / 2) } else { NOW };
                let (mut all, of) = (write.tokens(), tokens[1].id);
                let ended = all.end_earlier(of, u32::MAX, (NOW, end)).await;
                assert_eq!(ended.unwrap(), 1);
            }
            4 => assert!(write.tokens().delete(tokens[2].id, NOW).await.unwrap()),
            5 => {
                let mut list = write.revocations();
                let forgotten = (64, &[63_u32][..]);
                list.revoke_forgotten(organization, forgotten, NOW)
                    .await
                    .unwrap();
            }
            6 => {
                let these = [db.token(&mut write, &fleet).await.id];
                let mut all = write.tokens();
                let deleted = all.delete_these(organization, &these, NOW).await;
                assert_eq!(deleted.unwrap(), these);
            }
            _ => {
                db.token(&mut write, &fleet).await;
                let (mut all, before) = (write.tokens(), NOW.plus(HOUR));
                let revoked = all.revoke_before((organization, None), before, NOW).await;
                assert_eq!(revoked.unwrap(), 1);
            }
        }
        let at = write.commit().await.unwrap();
        assert_eq!(position(organization).await, Some(at), "{way}");
        assert!(at > seen);
        seen = at;
    }
    // What is no revocation, and what another organization revokes, is nothing to it.
    made(&db, &fleet).await;
    let mut write = db.store.write().await.unwrap();
    let mut list = write.revocations();
    let forgotten = (64, &[1_u32][..]);
    list.revoke_forgotten(other.id, forgotten, NOW)
        .await
        .unwrap();
    let at = write.commit().await.unwrap();
    assert_eq!(position(organization).await, Some(seen));
    assert_eq!(position(other.id).await, Some(at));
    let nobody = OrganizationId::from_bytes([9; 16]);
    assert_eq!(position(nobody).await, None);
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.revocations().forget().await.unwrap(), 0);
}

on_every_engine! {
    where_an_organization_last_revoked_is_known,
    a_stretch_says_what_of_it_is_no_longer_good,
    f65_values_of_an_earlier_schema_are_known,
    x2_values_end_by_grace_at_once_or_with_their_token,
    of_two_rotations_at_once_one_wins_and_nothing_of_the_other_stays,
    a_deletion_during_a_rotation_leaves_no_value_good,
    many_are_deleted_in_few_statements,
}
