//! The chains of the audit log.

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_keys::chain::{Fault, Link, Scope, Walk};
use aeolus_model::{OrganizationId, Time};
use aeolus_store::{AuditChain, AuditCursor, Hold, Page, Store, StoreError, Unit};

use crate::fixture::{Database, NOW, event};

const LATER: Duration = Duration::from_secs(60);

/// Adds a transaction with these lines, each of an organization or of none.
async fn append(store: &Store, lines: &[Option<OrganizationId>]) -> u64 {
    let mut write = store.write().await.unwrap();
    for (n, organization) in lines.iter().enumerate() {
        let mut line = event(&format!("é \"{n}\""));
        line.organization = *organization;
        write.audit(line);
    }
    write.commit().await.unwrap()
}

/// Follows a chain through the database, as control does.
async fn walk(store: &Store, scope: Scope) -> Result<Link, Fault> {
    let mut read = store.read().await.unwrap();
    let chain = read.audit_log().chain(scope).await.unwrap();
    let begin = chain.as_ref().map_or(Link::START, AuditChain::begin);
    let mut walk = Walk::new(scope, begin);
    let mut page = Page::first(3);
    loop {
        let listing = read.audit_log().lines(scope, page).await.unwrap();
        for line in &listing.items {
            walk.step(line.cursor.into(), line.link(scope), line.text.as_bytes())?;
        }
        page.after = listing.next;
        if page.after.is_none() {
            walk.finish(chain.map(|chain| chain.head))?;
            return Ok(walk.at());
        }
    }
}

async fn every_line_is_in_the_chain_and_those_of_an_organization_in_its_own(db: Database) {
    let (one, two) = (db.organization("one").id, db.organization("two").id);
    append(&db.store, &[None, Some(one)]).await;
    append(&db.store, &[Some(two), Some(one), Some(one)]).await;
    append(&db.store, &[None]).await;
    for (scope, lines) in [
        (Scope::Installation, 6),
        (Scope::Organization(one), 3),
        (Scope::Organization(two), 1),
    ] {
        assert_eq!(walk(&db.store, scope).await.unwrap().line, lines, "{scope}");
    }
    let mut read = db.store.read().await.unwrap();
    let none = Scope::Organization(db.organization("three").id);
    assert_eq!(read.audit_log().chain(none).await.unwrap(), None);
}

async fn replicas_that_write_at_once_keep_one_chain(db: Database) {
    let one = db.organization("one").id;
    let other = db.again().await;
    let writers = (0..8).map(|n| {
        let store = if n % 2 == 0 { &db.store } else { &other };
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                append(&store, &[None, Some(one)]).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let whole = walk(&other, Scope::Installation).await.unwrap();
    let own = walk(&db.store, Scope::Organization(one)).await.unwrap();
    assert_eq!((whole.line, own.line), (80, 40));
}

/// Six lines at positions 1 to 6, of which one is tampered with.
async fn tampered(db: &Database, sql: &'static str) -> Fault {
    for _ in 0..6 {
        append(&db.store, &[None]).await;
    }
    assert_eq!(walk(&db.store, Scope::Installation).await.unwrap().line, 6);
    db.raw(sql).await;
    walk(&db.store, Scope::Installation).await.unwrap_err()
}

async fn a24_a_changed_line_is_named(db: Database) {
    let sql = "UPDATE audit SET event = '{\"at\":1}' WHERE position = 3";
    assert_eq!(tampered(&db, sql).await, Fault::Changed(3));
}

async fn a24_a_deleted_line_is_named(db: Database) {
    let fault = tampered(&db, "DELETE FROM audit WHERE position = 3").await;
    let (expected, found) = (3, 4);
    assert_eq!(fault, Fault::Missing { expected, found });
}

async fn a24_an_inserted_line_is_named(db: Database) {
    let sql = "INSERT INTO audit (position, ordinal, at, action, event)
        VALUES (3, 1, 0, 'fleet.apply', '{}')";
    let fault = tampered(&db, sql).await;
    let (position, after) = (3, 3);
    assert_eq!(fault, Fault::Outside { position, after });
}

async fn a24_lines_that_changed_places_are_named(db: Database) {
    let sql = "UPDATE audit SET position = CASE position WHEN 3 THEN 40 ELSE position END;
        UPDATE audit SET position = 3 WHERE position = 4;
        UPDATE audit SET position = 4 WHERE position = 40";
    let (expected, found) = (3, 4);
    let fault = tampered(&db, sql).await;
    assert_eq!(fault, Fault::Missing { expected, found });
}

async fn a24_a_tail_that_was_cut_off_is_named(db: Database) {
    let fault = tampered(&db, "DELETE FROM audit WHERE position > 4").await;
    let (expected, found) = (6, 4);
    assert_eq!(fault, Fault::CutOff { expected, found });
}

async fn a24_a_hash_that_is_none_is_a_wrong_one(db: Database) {
    let sql = if db.is_sqlite() {
        "UPDATE audit SET hash = x'00' WHERE position = 3"
    } else {
        "UPDATE audit SET hash = '\\x00' WHERE position = 3"
    };
    assert_eq!(tampered(&db, sql).await, Fault::Changed(3));
}

async fn what_was_written_before_the_chain_stays_outside_of_it(db: Database) {
    append(&db.store, &[None, None]).await;
    db.raw("UPDATE audit SET line = NULL, hash = NULL").await;
    db.raw("DELETE FROM audit_chains").await;
    append(&db.store, &[None]).await;
    assert_eq!(walk(&db.store, Scope::Installation).await.unwrap().line, 1);
}

/// An earlier version that runs beside this one during an upgrade writes lines without a hash.
async fn f66_lines_of_an_earlier_version_are_taken_up(db: Database) {
    let one = db.organization("one").id;
    append(&db.store, &[None]).await;
    append(&db.store, &[None, Some(one), None]).await;
    append(&db.store, &[Some(one)]).await;
    db.raw(
        "UPDATE audit SET line = NULL, hash = NULL, own_line = NULL, own_hash = NULL
        WHERE position > 1",
    )
    .await;
    let head = "UPDATE audit_chains SET line = 1, position = 1,
        hash = (SELECT hash FROM audit WHERE position = 1)";
    db.raw(head).await;
    db.raw("DELETE FROM audit_chains WHERE scope IN (SELECT organization FROM audit)")
        .await;
    append(&db.store, &[Some(one)]).await;
    let whole = walk(&db.store, Scope::Installation).await.unwrap();
    let own = walk(&db.store, Scope::Organization(one)).await.unwrap();
    assert_eq!((whole.line, own.line), (6, 3));
}

fn signed(cut: &aeolus_store::AuditCut) -> BTreeMap<Scope, String> {
    let sign = |(scope, (link, _)): (&Scope, &(Link, AuditCursor))| {
        (*scope, format!("{scope} {}", link.line))
    };
    cut.begins.iter().map(sign).collect()
}

async fn what_is_deleted_for_its_age_leaves_chains_that_hold(db: Database) {
    let one = db.organization("one").id;
    for _ in 0..4 {
        append(&db.store, &[None, Some(one)]).await;
    }
    let future = NOW.plus(LATER);
    let mut write = db.store.write().await.unwrap();
    let mut log = write.audit_log();
    let none = log.oldest(NOW, AuditCursor::END, 5).await.unwrap();
    assert_eq!(none, None, "nothing is older");
    let until = AuditCursor {
        position: 1,
        ordinal: 0,
    };
    let held = log.oldest(future, until, 5).await.unwrap().unwrap();
    assert_eq!((held.lines, held.to), (1, until));
    let cut = log.oldest(future, AuditCursor::END, 5).await.unwrap();
    let cut = cut.unwrap();
    assert_eq!(cut.lines, 5);
    let missing = log.delete(&cut, &BTreeMap::new()).await;
    assert!(
        matches!(missing, Err(StoreError::Reference)),
        "no signature"
    );
    assert_eq!(log.delete(&cut, &signed(&cut)).await.unwrap(), 5);
    write.audit(event("trim"));
    write.commit().await.unwrap();

    assert_eq!(walk(&db.store, Scope::Installation).await.unwrap().line, 9);
    let own = Scope::Organization(one);
    assert_eq!(walk(&db.store, own).await.unwrap().line, 4);
    let mut read = db.store.read().await.unwrap();
    let chain = read.audit_log().chain(own).await.unwrap().unwrap();
    let begin = chain.begin.unwrap();
    assert_eq!((begin.link.line, begin.signed), (2, format!("{one} 2")));
    let rest = read.audit_log().list(None, Page::first(9)).await.unwrap();
    assert_eq!(rest.items.len(), 4);
    drop(read);

    // A second process that meant to delete the same finds it gone.
    let mut write = db.store.write().await.unwrap();
    let again = write.audit_log().delete(&cut, &signed(&cut)).await;
    assert_eq!(again.unwrap(), 0);
    write.rollback().await.unwrap();
    // What is deleted without moving the begin is missed.
    db.raw("DELETE FROM audit WHERE position = 3").await;
    let fault = walk(&db.store, Scope::Installation).await.unwrap_err();
    assert!(
        matches!(fault, Fault::Missing { expected: 6, .. }),
        "{fault}"
    );
}

/// Whoever can change lines in the database could have lines deleted early, or a rewritten end signed.
async fn only_lines_that_are_what_was_written_are_deleted_for_their_age(db: Database) {
    let one = db.organization("one").id;
    for _ in 0..4 {
        append(&db.store, &[Some(one)]).await;
    }
    db.raw("UPDATE audit SET at = 1").await;
    let early = oldest(&db.store, NOW).await.unwrap();
    assert_eq!(early, None, "the line itself says when it happened");
    db.raw("UPDATE audit SET event = replace(event, 'é', 'e') WHERE position = 3")
        .await;
    let cut = oldest(&db.store, NOW.plus(LATER)).await.unwrap().unwrap();
    assert_eq!(cut.lines, 2, "up to the line that was changed");
    let mut write = db.store.write().await.unwrap();
    let deleted = write.audit_log().delete(&cut, &signed(&cut)).await;
    assert_eq!(deleted.unwrap(), 2);
    write.commit().await.unwrap();
    let stops = oldest(&db.store, NOW.plus(LATER)).await.unwrap_err();
    let StoreError::Corrupt(what) = &stops else {
        panic!("{stops}");
    };
    assert!(what.contains("line 3 does not have its hash"), "{what}");
}

async fn oldest(store: &Store, before: Time) -> Result<Option<aeolus_store::AuditCut>, StoreError> {
    let mut read = store.read().await.unwrap();
    read.audit_log().oldest(before, AuditCursor::END, 9).await
}

/// Replicas of control that delete and add at once don't wait for each other in a circle.
async fn deleting_and_adding_at_once_ends_well(db: Database) {
    for _ in 0..20 {
        append(&db.store, &[None, None]).await;
    }
    let store = db.again().await;
    let adding = tokio::spawn(async move {
        for _ in 0..20 {
            append(&store, &[None]).await;
        }
    });
    for _ in 0..10 {
        let mut write = db.store.write().await.unwrap();
        let mut log = write.audit_log();
        let future = NOW.plus(LATER);
        let cut = log.oldest(future, AuditCursor::END, 3).await.unwrap();
        let cut = cut.unwrap();
        log.delete(&cut, &signed(&cut)).await.unwrap();
        write.audit(event("trim"));
        write.commit().await.unwrap();
    }
    adding.await.unwrap();
    assert_eq!(walk(&db.store, Scope::Installation).await.unwrap().line, 70);
}

async fn the_log_is_read_from_both_ends(db: Database) {
    for _ in 0..3 {
        append(&db.store, &[None, None]).await;
    }
    let mut read = db.store.read().await.unwrap();
    let direction = aeolus_store::Direction::NewestFirst;
    let mut log = read.audit_log();
    let newest = log
        .list_from(None, Page::first(4), direction)
        .await
        .unwrap();
    let at = |listing: &aeolus_store::Listing<aeolus_store::AuditRecord, _>| {
        let items = listing.items.iter();
        items
            .map(|item| (item.cursor.position, item.cursor.ordinal))
            .collect::<Vec<_>>()
    };
    assert_eq!(at(&newest), [(3, 1), (3, 0), (2, 1), (2, 0)]);
    let page = Page {
        after: newest.next,
        limit: 4,
    };
    let rest = log.list_from(None, page, direction).await.unwrap();
    assert_eq!((at(&rest), rest.next), (vec![(1, 1), (1, 0)], None));
    let cursor = |position, ordinal| Some(AuditCursor { position, ordinal });
    assert_eq!(log.first_since(NOW).await.unwrap(), cursor(1, 0));
    assert_eq!(log.first_since(NOW.plus(LATER)).await.unwrap(), None);
    assert_eq!(log.last_until(NOW).await.unwrap(), cursor(3, 1));
    assert_eq!(log.last_until(NOW.minus(LATER)).await.unwrap(), None);
}

async fn one_process_at_a_time_gives_a_sink_more(db: Database) {
    let hold = |holder: &'static str| Hold {
        sink: "file",
        holder,
        lasts: LATER,
    };
    let to = AuditCursor {
        position: 7,
        ordinal: 1,
    };
    let within = |secs| NOW.plus(Duration::from_secs(secs));
    let take = async |holder, now: Time| {
        let mut write = db.store.write().await.unwrap();
        let taken = write.audit_sinks().hold(hold(holder), now).await.unwrap();
        assert_eq!(write.commit().await.unwrap(), 0, "the feed stays");
        taken
    };
    let told = async |holder, now: Time| {
        let mut write = db.store.write().await.unwrap();
        let told = write.audit_sinks().delivered(hold(holder), to, now).await;
        write.commit().await.unwrap();
        told.unwrap()
    };
    assert_eq!(take("a", NOW).await.unwrap().at.position, 0);
    assert_eq!(take("b", within(59)).await, None);
    assert!(told("a", within(59)).await);
    assert_eq!(take("b", within(61)).await, None, "what arrives keeps it");
    assert_eq!(take("b", within(119)).await.unwrap().at, to);
    assert!(!told("a", within(120)).await, "somebody else has it");
    let mut write = db.store.write().await.unwrap();
    write.audit_sinks().release(hold("b")).await.unwrap();
    write.commit().await.unwrap();
    let taken = take("a", within(121)).await.unwrap();
    assert_eq!((taken.at, taken.delivered_at), (to, Some(within(59))));
    // A clock that is a day ahead takes nothing for a day.
    assert!(take("b", within(86_400)).await.is_some());
    assert!(take("a", within(123)).await.is_some());
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.audit_sinks().get("other").await.unwrap(), None);
}

on_every_engine! {
    every_line_is_in_the_chain_and_those_of_an_organization_in_its_own,
    replicas_that_write_at_once_keep_one_chain,
    a24_a_changed_line_is_named,
    a24_a_deleted_line_is_named,
    a24_an_inserted_line_is_named,
    a24_lines_that_changed_places_are_named,
    a24_a_tail_that_was_cut_off_is_named,
    a24_a_hash_that_is_none_is_a_wrong_one,
    what_was_written_before_the_chain_stays_outside_of_it,
    f66_lines_of_an_earlier_version_are_taken_up,
    what_is_deleted_for_its_age_leaves_chains_that_hold,
    only_lines_that_are_what_was_written_are_deleted_for_their_age,
    deleting_and_adding_at_once_ends_well,
    the_log_is_read_from_both_ends,
    one_process_at_a_time_gives_a_sink_more,
}
