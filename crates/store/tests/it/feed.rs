use std::time::Duration;

use aeolus_model::{Subject, TeamId};
use aeolus_store::{AuditCursor, ManagedBy, Page, StoreError, Team, Unit};

use crate::fixture::{Database, NOW, event, slug};
use crate::planes::publication;

async fn a_transaction_takes_the_next_position_with_its_audit_lines(db: Database) {
    let organization = db.organization("acme");
    let mut write = db.store.write().await.unwrap();
    write.organizations().insert(&organization).await.unwrap();
    let mut of_organization = event("b");
    of_organization.organization = Some(organization.id);
    write.audit(event("a"));
    write.audit(of_organization.clone());
    assert_eq!(write.commit().await.unwrap(), 1);
    let mut write = db.store.write().await.unwrap();
    write.audit(event("c"));
    assert_eq!(write.commit().await.unwrap(), 2);

    let mut read = db.store.read().await.unwrap();
    let first = read.audit_log().list(None, Page::first(2)).await.unwrap();
    let targets: Vec<_> = first
        .items
        .iter()
        .map(|record| record.event.target.as_str())
        .collect();
    assert_eq!(targets, ["a", "b"]);
    assert_eq!(
        first.next,
        Some(AuditCursor {
            position: 1,
            ordinal: 1
        })
    );
    let page = Page {
        after: first.next,
        limit: 2,
    };
    let rest = read.audit_log().list(None, page).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    let own = read
        .audit_log()
        .list(Some(organization.id), Page::first(9))
        .await
        .unwrap();
    assert_eq!(own.items.len(), 1);
    assert_eq!(own.items[0].event, of_organization);
}

/// While control is upgraded, a replica of the version before still changes things, and notes of none whose.
async fn what_an_earlier_version_changes_is_everything(db: Database) {
    db.raw("UPDATE feed SET n = n + 1, content = n + 1, records = n + 1")
        .await;
    let mut read = db.store.read().await.unwrap();
    let before = read.settings().feed().await.unwrap();
    assert_eq!(before.whole, before.position);
    drop(read);
    let mut write = db.store.write().await.unwrap();
    let user = db.user("zoe@example.com");
    write.users().insert(&user).await.unwrap();
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let after = read.settings().feed().await.unwrap();
    let expected = (before.whole, before.position + 1);
    assert_eq!((after.whole, after.records), expected);
}

/// Single people and programs are named, and whatever else changes counts as everything.
async fn who_changed_is_known_as_long_as_it_is_noted(db: Database) {
    let fleet = db.fleet().await;
    let plane = fleet.plane.id;
    let user = db.user("zoe@example.com");
    let mut write = db.store.write().await.unwrap();
    write.users().insert(&user).await.unwrap();
    let added = write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let feed = read.settings().feed().await.unwrap();
    assert_eq!((feed.records, feed.content), (added, added));
    assert!(feed.whole < added, "{feed:?}");
    let since = read
        .changed_subjects()
        .since((plane, feed.whole), 10)
        .await
        .unwrap();
    assert_eq!(since, Some(vec![Subject::User(user.id)]));
    let since = read
        .changed_subjects()
        .since((plane, added), 10)
        .await
        .unwrap();
    assert_eq!(since, Some(Vec::new()));
    drop(read);

    // A transaction that changes something else too is a change of everything.
    let mut write = db.store.write().await.unwrap();
    let mut changed = write.users().get(user.id).await.unwrap().unwrap();
    changed.name = "Zoe".to_owned();
    write.users().update(&changed).await.unwrap();
    let other = db.organization("other");
    write.organizations().insert(&other).await.unwrap();
    let both = write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.settings().feed().await.unwrap().whole, both);
    let since = write
        .changed_subjects()
        .since((plane, both), 10)
        .await
        .unwrap();
    assert_eq!(since, Some(Vec::new()));

    // So is what a team has, and more than are worth naming.
    let team = Team {
        id: TeamId::from_bytes([9; 16]),
        organization: fleet.organization.id,
        name: slug("ops"),
        description: String::new(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.teams().insert(&team).await.unwrap();
    let made = write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.settings().feed().await.unwrap().whole, made);
    for number in 0..300 {
        let user = db.user(&format!("user-{number}@example.com"));
        write.users().insert(&user).await.unwrap();
    }
    let many = write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.settings().feed().await.unwrap().whole, many);

    // What every plane has been told is forgotten, and then isn't known.
    let told = publication(fleet.plane.id, 1, many);
    assert!(write.publications().publish(&told, &[], &[]).await.unwrap());
    assert!(!write.changed_subjects().forget(1_000, 1_000).await.unwrap());
    let since = write
        .changed_subjects()
        .since((plane, many), 10)
        .await
        .unwrap();
    assert_eq!(since, Some(Vec::new()));
    let before = (plane, added - 1);
    let since = write.changed_subjects().since(before, 10).await.unwrap();
    assert_eq!(since, None);
}

async fn only_what_snapshots_are_made_from_is_content(db: Database) {
    let mut write = db.store.write().await.unwrap();
    write
        .organizations()
        .insert(&db.organization("acme"))
        .await
        .unwrap();
    assert_eq!(write.commit().await.unwrap(), 1);
    let mut write = db.store.write().await.unwrap();
    write.audit(event("sign-in"));
    assert_eq!(write.commit().await.unwrap(), 2);
    let mut write = db.store.write().await.unwrap();
    write.throttles().clear("x").await.unwrap();
    assert_eq!(
        write.commit().await.unwrap(),
        2,
        "bookkeeping takes no position"
    );
    let feed = db
        .store
        .read()
        .await
        .unwrap()
        .settings()
        .feed()
        .await
        .unwrap();
    assert_eq!((feed.position, feed.content, feed.records), (2, 1, 1));
}

/// Planes are told of a revocation without waiting for the rest, so the feed says which it is.
async fn f18_the_feed_tells_revocations_from_records(db: Database) {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let feed = async || db.store.read().await.unwrap().settings().feed().await;
    let first = feed().await.unwrap();
    assert_eq!(first.records, first.content);
    let mut write = db.store.write().await.unwrap();
    let index = write
        .revocations()
        .allocate(organization, &db.rng)
        .await
        .unwrap();
    assert_eq!(
        write.commit().await.unwrap(),
        first.position,
        "nobody's yet"
    );
    let mut write = db.store.write().await.unwrap();
    let revoked = write.revocations().revoke(organization, index, NOW).await;
    assert!(revoked.unwrap());
    let at = write.commit().await.unwrap();
    let second = feed().await.unwrap();
    assert_eq!((second.content, second.records), (at, first.records));
    let mut write = db.store.write().await.unwrap();
    let mut revocations = write.revocations();
    let marked = revocations.mark_organization(organization, NOW).await;
    marked.unwrap();
    write
        .organizations()
        .insert(&db.organization("other"))
        .await
        .unwrap();
    let both = write.commit().await.unwrap();
    let third = feed().await.unwrap();
    assert_eq!((third.content, third.records), (both, both));
    let mut write = db.store.write().await.unwrap();
    write.step();
    let empty = write.commit().await.unwrap();
    let fourth = feed().await.unwrap();
    assert_eq!((fourth.content, fourth.records), (empty, both));
}

/// What an earlier version wrote is whole.
async fn f65_positions_of_an_earlier_schema_are_whole(db: Database) {
    let plane = db.fleet().await.plane.id;
    let mut write = db.store.write().await.unwrap();
    let told = publication(plane, 1, 7);
    assert!(write.publications().publish(&told, &[], &[]).await.unwrap());
    write.commit().await.unwrap();
    for undo in [
        "ALTER TABLE feed DROP COLUMN records",
        "ALTER TABLE publications DROP COLUMN records",
        "ALTER TABLE publications DROP COLUMN complete_at",
        "ALTER TABLE replicas DROP COLUMN records",
    ] {
        db.raw(undo).await;
    }
    db.raw("DELETE FROM _sqlx_migrations WHERE version = 6")
        .await;
    let mut read = db.again().await.read().await.unwrap();
    let feed = read.settings().feed().await.unwrap();
    assert!(feed.content > 0);
    assert_eq!(feed.records, feed.content);
    assert_eq!(read.publications().get(plane).await.unwrap(), Some(told));
}

async fn what_is_rolled_back_never_was(db: Database) {
    let mut write = db.store.write().await.unwrap();
    write
        .organizations()
        .insert(&db.organization("acme"))
        .await
        .unwrap();
    write.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    write
        .organizations()
        .insert(&db.organization("acme"))
        .await
        .unwrap();
    drop(write);
    let mut write = db.store.write().await.unwrap();
    write
        .organizations()
        .insert(&db.organization("acme"))
        .await
        .unwrap();
    assert_eq!(write.commit().await.unwrap(), 1);
}

/// Also where the caller overlooks the error.
async fn after_a_failed_statement_nothing_is_stored(db: Database) {
    let (acme, other) = (db.organization("acme"), db.organization("other"));
    let mut write = db.store.write().await.unwrap();
    write.organizations().insert(&acme).await.unwrap();
    let again = write.organizations().insert(&acme).await;
    assert!(matches!(again, Err(StoreError::Taken(_))));
    let later = write.organizations().insert(&other).await;
    assert!(matches!(later, Err(StoreError::Aborted)));
    assert!(matches!(write.commit().await, Err(StoreError::Aborted)));
    let mut read = db.store.read().await.unwrap();
    for id in [acme.id, other.id] {
        assert_eq!(read.organizations().get(id).await.unwrap(), None);
    }
    assert_eq!(read.settings().feed().await.unwrap().position, 0);
}

/// Whoever reads records in a view knows the settings of that view's position: no replica of control tells
/// planes what it would not by a setting that was changed before (019).
async fn a_view_knows_the_settings_of_its_position(db: Database) {
    let mut before = db.store.read().await.unwrap();
    let held = before.settings().feed().await.unwrap();
    let other = db.again().await;
    let mut write = other.write().await.unwrap();
    write.settings().put("built-in-roles", "{}").await.unwrap();
    let position = write.commit().await.unwrap();
    assert_eq!(before.settings().get("built-in-roles").await.unwrap(), None);
    assert!(held.records < position);
    let mut after = db.store.read().await.unwrap();
    let feed = after.settings().feed().await.unwrap();
    assert_eq!((feed.content, feed.records), (position, position));
    let setting = after.settings().get("built-in-roles").await.unwrap();
    assert_eq!(setting.as_deref(), Some("{}"));
}

async fn a_view_is_of_one_moment(db: Database) {
    let mut view = db.store.read().await.unwrap();
    assert_eq!(view.settings().feed().await.unwrap().position, 0);
    let fleet = db.fleet().await;
    assert_eq!(view.settings().feed().await.unwrap().position, 0);
    let seen = view
        .organizations()
        .get(fleet.organization.id)
        .await
        .unwrap();
    assert_eq!(seen, None);
    let mut view = db.store.read().await.unwrap();
    let seen = view
        .organizations()
        .get(fleet.organization.id)
        .await
        .unwrap();
    assert_eq!(seen, Some(fleet.organization));
}

/// Whoever sees position n sees every line up to n, whatever the order in which the transactions
/// began, wrote and were held up.
async fn positions_are_in_commit_order(db: Database) {
    let writers = (0..40_u64).map(|n| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await.unwrap();
            let bucket = format!("b{n}");
            write
                .throttles()
                .hit(&bucket, Duration::from_secs(9), NOW)
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(n * 7 % 13)).await;
            write.audit(event(&bucket));
            write.commit().await.unwrap()
        })
    });
    let writers: Vec<_> = writers.collect();
    let watcher = async {
        loop {
            let mut read = db.store.read().await.unwrap();
            let position = read.settings().feed().await.unwrap().position;
            let log = read.audit_log().list(None, Page::first(100)).await.unwrap();
            let seen: Vec<_> = log
                .items
                .iter()
                .map(|record| record.cursor.position)
                .collect();
            assert_eq!(seen, (1..=position).collect::<Vec<_>>());
            if position == 40 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), watcher)
        .await
        .unwrap();
    let mut positions = Vec::new();
    for writer in writers {
        positions.push(writer.await.unwrap());
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=40).collect::<Vec<_>>());
}

/// The transaction that began and wrote first commits last.
async fn out_of_order_commits_get_positions_in_commit_order(db: Database) {
    let mut early = db.store.write().await.unwrap();
    early.throttles().clear("early").await.unwrap();
    early.audit(event("early"));
    let late = async {
        let mut late = db.store.write().await?;
        late.audit(event("late"));
        late.commit().await
    };
    if db.is_sqlite() {
        // There is one writer: the later one waits its turn, up to the deadline.
        let (late, early) = tokio::join!(late, async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            early.commit().await
        });
        assert_eq!((early.unwrap(), late.unwrap()), (1, 2));
    } else {
        assert_eq!(late.await.unwrap(), 1);
        assert_eq!(early.commit().await.unwrap(), 2);
    }
}

/// Two processes on one database keep one order.
async fn two_processes_share_one_feed(db: Database) {
    let other = db.again().await;
    for expected in 1..=10 {
        let store = if expected % 2 == 0 { &db.store } else { &other };
        let mut write = store.write().await.unwrap();
        write.audit(event("x"));
        assert_eq!(write.commit().await.unwrap(), expected);
    }
}

async fn f69_positions_pass_32_bits(db: Database) {
    db.raw("UPDATE feed SET n = 2147483646").await;
    for expected in 2_147_483_647..2_147_483_650 {
        let mut write = db.store.write().await.unwrap();
        write.audit(event("x"));
        assert_eq!(write.commit().await.unwrap(), expected);
    }
    db.raw("UPDATE feed SET n = -1").await;
    let mut read = db.store.read().await.unwrap();
    let damaged = read.settings().feed().await.unwrap_err();
    assert!(matches!(damaged, StoreError::Corrupt(_)), "{damaged}");
}

on_every_engine! {
    a_transaction_takes_the_next_position_with_its_audit_lines,
    only_what_snapshots_are_made_from_is_content,
    who_changed_is_known_as_long_as_it_is_noted,
    what_an_earlier_version_changes_is_everything,
    f18_the_feed_tells_revocations_from_records,
    f65_positions_of_an_earlier_schema_are_whole,
    what_is_rolled_back_never_was,
    after_a_failed_statement_nothing_is_stored,
    a_view_knows_the_settings_of_its_position,
    a_view_is_of_one_moment,
    positions_are_in_commit_order,
    out_of_order_commits_get_positions_in_commit_order,
    two_processes_share_one_feed,
    f69_positions_pass_32_bits,
}
