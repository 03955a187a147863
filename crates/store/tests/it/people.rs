//! Invitations and the first administrator's code: of any number of uses at once, one counts.

use std::time::Duration;

use aeolus_model::{Email, InvitationId, OrganizationId, Resource, Role, RoleName, UserId};
use aeolus_store::{
    InvitationRecord, InvitationsSent, InvitedRole, Page, StoreError, Taken, Unit, User,
};

use crate::fixture::{Database, NOW};

on_every_engine! {
    one_is_found_by_its_digest_as_it_was_kept,
    a13_of_many_who_take_one_up_one_does,
    one_that_is_taken_up_or_over_is_taken_up_no_more,
    a13_of_many_who_use_the_code_one_does,
    an_address_is_taken_as_proved_until_it_is_said_not_to_be,
    what_was_sent_is_counted_although_the_invitation_is_gone,
    whoever_was_added_has_the_name_they_were_given_until_they_come,
    a1_who_waits_for_an_address_is_shown_with_it_and_found_by_it_once_it_is_theirs,
}

const DIGEST: [u8; 32] = [1; 32];

async fn kept(db: &Database) -> InvitationRecord {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let invitation = InvitationRecord {
        id: InvitationId::new(&db.clock, &db.rng),
        organization,
        email: Email::parse("new@example.com").unwrap(),
        any_address: true,
        roles: vec![InvitedRole {
            role: RoleName::BuiltIn(Role::OrganizationMember),
            resource: Resource::Organization(organization),
        }],
        note: "welcome".to_owned(),
        invited_by: fleet.user.id,
        created_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(60)),
        used: None,
    };
    let mut write = db.store.write().await.unwrap();
    let mut invitations = write.invitations();
    invitations.insert(&invitation, &DIGEST).await.unwrap();
    write.commit().await.unwrap();
    invitation
}

async fn one_is_found_by_its_digest_as_it_was_kept(db: Database) {
    let invitation = kept(&db).await;
    let mut read = db.store.read().await.unwrap();
    let mut invitations = read.invitations();
    let found = invitations.by_digest(&DIGEST).await.unwrap();
    assert_eq!(found.as_ref(), Some(&invitation));
    assert_eq!(invitations.get(invitation.id).await.unwrap(), found);
    assert_eq!(invitations.by_digest(&[2; 32]).await.unwrap(), None);
    let organization = invitation.organization;
    let listed = invitations.list(organization, Page::first(10)).await;
    assert_eq!(listed.unwrap().items, std::slice::from_ref(&invitation));
    assert_eq!(invitations.open(organization, NOW).await.unwrap(), 1);
    let later = invitation.expires_at;
    assert_eq!(invitations.open(organization, later).await.unwrap(), 0);
}

async fn a13_of_many_who_take_one_up_one_does(db: Database) {
    let invitation = kept(&db).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, invitation) = (db.again().await, invitation.clone());
        tasks.spawn(async move {
            let mut write = store.write().await.unwrap();
            let by = (NOW, invitation.invited_by);
            let took = write.invitations().take(invitation.id, by).await.unwrap();
            write.commit().await.unwrap();
            took
        });
    }
    let took = tasks.join_all().await.into_iter().filter(|took| *took);
    assert_eq!(took.count(), 1);
}

async fn one_that_is_taken_up_or_over_is_taken_up_no_more(db: Database) {
    let invitation = kept(&db).await;
    let by = invitation.invited_by;
    let mut write = db.store.write().await.unwrap();
    let mut invitations = write.invitations();
    let late = (invitation.expires_at, by);
    assert!(!invitations.take(invitation.id, late).await.unwrap());
    assert!(invitations.take(invitation.id, (NOW, by)).await.unwrap());
    assert!(!invitations.take(invitation.id, (NOW, by)).await.unwrap());
    assert!(!invitations.delete(invitation.id).await.unwrap());
    let found = invitations.get(invitation.id).await.unwrap().unwrap();
    assert_eq!(found.used, Some((NOW, by)));
    let ended = invitation.expires_at.plus(Duration::from_millis(1));
    assert_eq!(invitations.forget(ended).await.unwrap(), 1);
}

async fn a13_of_many_who_use_the_code_one_does(db: Database) {
    let mut write = db.store.write().await.unwrap();
    let mut codes = write.first_admin_code();
    assert!(codes.keep(&[1; 32], NOW).await.unwrap());
    assert!(!codes.keep(&[2; 32], NOW).await.unwrap());
    codes.replace(&DIGEST, NOW).await.unwrap();
    assert!(!codes.take(&[2; 32]).await.unwrap());
    assert_eq!(codes.get().await.unwrap(), Some(DIGEST));
    write.commit().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = db.again().await;
        tasks.spawn(async move {
            let mut write = store.write().await.unwrap();
            let took = write.first_admin_code().take(&DIGEST).await.unwrap();
            write.commit().await.unwrap();
            took
        });
    }
    let took = tasks.join_all().await.into_iter().filter(|took| *took);
    assert_eq!(took.count(), 1);
}

async fn an_address_is_taken_as_proved_until_it_is_said_not_to_be(db: Database) {
    let user = db.fleet().await.user.id;
    let mut write = db.store.write().await.unwrap();
    let mut users = write.users();
    assert!(!users.has_unproved_address(user).await.unwrap());
    users.set_proved(user, false).await.unwrap();
    users.set_proved(user, false).await.unwrap();
    assert!(users.has_unproved_address(user).await.unwrap());
    users.set_proved(user, true).await.unwrap();
    assert!(!users.has_unproved_address(user).await.unwrap());
    write.commit().await.unwrap();
}

async fn what_was_sent_is_counted_although_the_invitation_is_gone(db: Database) {
    let invitation = kept(&db).await;
    let organization = invitation.organization;
    let (address, other) = ([7; 32], [8; 32]);
    let mut write = db.store.write().await.unwrap();
    let mut invitations = write.invitations();
    let which = (invitation.id, organization);
    let before = NOW.minus(Duration::from_secs(1));
    let note = (NOW, before);
    assert!(invitations.note_sent(which, &address, note).await.unwrap());
    let again = invitations.note_sent(which, &address, note).await.unwrap();
    assert!(!again, "sent since");
    let later = (NOW, NOW);
    assert!(invitations.note_sent(which, &address, later).await.unwrap());
    assert!(invitations.delete(invitation.id).await.unwrap());
    let of = |sent: InvitationsSent| {
        let (of, to) = (sent.of_organization, sent.to_address);
        [of, to, sent.of_it_to_address]
    };
    let elsewhere = OrganizationId::from_bytes([9; 16]);
    let sent = invitations.sent((elsewhere, &address), before).await;
    assert_eq!(of(sent.unwrap()), [0, 1, 0]);
    let sent = invitations.sent((organization, &address), before).await;
    assert_eq!(of(sent.unwrap()), [1, 1, 1]);
    let sent = invitations.sent((organization, &other), before).await;
    assert_eq!(of(sent.unwrap()), [1, 0, 0]);
    let sent = invitations.sent((organization, &address), NOW).await;
    assert_eq!(of(sent.unwrap()), [0, 0, 0]);
    let after = NOW.plus(Duration::from_secs(1));
    assert_eq!(invitations.forget_sent(after).await.unwrap(), 1);
}

async fn whoever_was_added_has_the_name_they_were_given_until_they_come(db: Database) {
    let fleet = db.fleet().await;
    let (organization, user) = (fleet.organization.id, fleet.user.id);
    let mut write = db.store.write().await.unwrap();
    let mut introductions = write.introductions();
    for name in ["Zed", "Another"] {
        let whose = (organization, user);
        introductions.insert(whose, name).await.unwrap();
    }
    let name = introductions.name(organization, user).await.unwrap();
    assert_eq!(name.as_deref(), Some("Zed"));
    introductions.came(organization, user).await.unwrap();
    let name = introductions.name(organization, user).await.unwrap();
    assert_eq!(name, None);
}

async fn a1_who_waits_for_an_address_is_shown_with_it_and_found_by_it_once_it_is_theirs(
    db: Database,
) {
    let holder = db.fleet().await.user;
    let mut write = db.store.write().await.unwrap();
    let waiter = |text: &str| User {
        id: UserId::random(&db.rng),
        email: Email::parse(text).unwrap(),
        name: "Zed".to_owned(),
        password_hash: None,
        ..holder.clone()
    };
    let (first, second) = (waiter("w1@nowhere.invalid"), waiter("w2@nowhere.invalid"));
    for user in [&first, &second] {
        write.users().insert(user).await.unwrap();
    }
    let email = &holder.email;
    let mut waiting = write.waiting_addresses();
    waiting.insert(email, first.id).await.unwrap();
    assert_eq!(waiting.of(email).await.unwrap(), Some(first.id));
    assert!(waiting.is_waiting(first.id).await.unwrap());
    assert!(!waiting.is_waiting(second.id).await.unwrap());
    let who = write.users().by_email(email).await.unwrap().unwrap();
    assert_eq!(who.id, holder.id, "who has it");
    // A change of anything else leaves the address where it is.
    let shown = write.users().get(first.id).await.unwrap().unwrap();
    assert_eq!(shown.email, *email);
    let renamed = User {
        name: "Zoe".to_owned(),
        ..shown
    };
    write.users().update(&renamed).await.unwrap();
    // The holder gives it up, and the waiter takes it.
    let former = User {
        email: Email::parse("former@nowhere.invalid").unwrap(),
        ..write.users().get(holder.id).await.unwrap().unwrap()
    };
    write.users().update(&former).await.unwrap();
    assert!(write.users().by_email(email).await.unwrap().is_none());
    let waits = write.users().get(first.id).await.unwrap().unwrap();
    assert!(write.waiting_addresses().delete(first.id).await.unwrap());
    write.users().update(&waits).await.unwrap();
    let has = write.users().by_email(email).await.unwrap().unwrap();
    assert_eq!((has.id, has.name.as_str()), (first.id, "Zoe"));
    // One at a time waits.
    let mut waiting = write.waiting_addresses();
    let other = Email::parse("other@example.com").unwrap();
    waiting.insert(&other, first.id).await.unwrap();
    let again = waiting.insert(&other, second.id).await;
    assert!(matches!(again, Err(StoreError::Taken(Taken::User))));
}
