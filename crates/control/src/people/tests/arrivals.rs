//! Links, addresses, sign-up.

use aeolus_model::Host;
use serde_json::json;

use super::*;
use crate::people::waiting;

fn trusting() -> Value {
    json!({"trustedDomains": ["acme.test"]})
}

fn ann<'a>() -> Who<'a> {
    Who {
        subject: "ann",
        email: "ann@acme.test",
        ..Who::default()
    }
}

#[tokio::test]
async fn o21_an_address_that_is_not_proved_links_nobody_and_makes_nobody() {
    let public = SignUp {
        public: true,
        allowed_domains: Vec::new(),
    };
    let w = World::with("o21", public, trusting()).await;
    w.user("ann@acme.test").await;
    let unproved = Who {
        unproved: true,
        ..ann()
    };
    assert_eq!(w.comes(&unproved).await.unwrap_err(), Refused::Unproved);
    // Word for word what somebody reads whose address nobody here has.
    let other = Who {
        email: "nobody@acme.test",
        ..unproved
    };
    assert_eq!(w.comes(&other).await.unwrap_err(), Refused::Unproved);
    let closed = World::with("o21-closed", SignUp::default(), trusting()).await;
    assert_eq!(closed.comes(&unproved).await.unwrap_err(), Refused::Unknown);
}

#[tokio::test]
async fn o22_the_same_address_from_another_provider_is_another_person() {
    let w = World::with("o22", SignUp::default(), trusting()).await;
    let known = w.user("ann@acme.test").await;
    let elsewhere = Who {
        entra: true,
        ..ann()
    };
    let refused = w.comes(&elsewhere).await.unwrap_err();
    assert_eq!(refused, Refused::AddressTaken);
    assert_eq!(w.comes(&ann()).await.unwrap().id, known.id);
    let refused = w.comes(&elsewhere).await.unwrap_err();
    assert_eq!(refused, Refused::AddressTaken);
}

/// A provider that may not speak for the domain says whose the address is: the one that may finds nobody by it, and
/// gives the address to whose it is.
#[tokio::test]
async fn o22_an_account_made_by_an_untrusted_providers_word_keeps_nobody_out() {
    let public = SignUp {
        public: true,
        allowed_domains: Vec::new(),
    };
    let w = World::with("o22-untrusted", public, trusting()).await;
    let squatter = Who {
        entra: true,
        subject: "squatter",
        ..ann()
    };
    let account = w.comes(&squatter).await.unwrap();
    let mut write = w.app.store.write().await.unwrap();
    let added = crate::people::require_proved(&mut write, &account, None).await;
    assert!(added.is_err(), "nobody gives it roles by the address");
    drop(write);
    // Nor does another provider that may not speak for it.
    let another = Who {
        subject: "another",
        ..squatter
    };
    assert_eq!(w.comes(&another).await.unwrap_err(), Refused::AddressTaken);
    let owner = w.comes(&ann()).await.unwrap();
    assert_ne!(owner.id, account.id);
    assert_eq!(owner.email, email("ann@acme.test"));
    let back = w.comes(&squatter).await.unwrap();
    assert_eq!(back.id, account.id, "the account stays");
    assert!(crate::people::is_stand_in(&back.email), "{}", back.email);
    assert_eq!(w.comes(&ann()).await.unwrap().id, owner.id);
}

/// An account that somebody made at their own word with Ann's address, and one that waits for the address because an
/// owner has added her by it.
async fn added(w: &World) -> (User, User) {
    let squatter = w.comes(&squatter()).await.unwrap();
    let mut write = w.app.store.write().await.unwrap();
    let new = User {
        id: UserId::random(&*w.app.rng),
        email: email("ann@acme.test"),
        password_hash: None,
        ..squatter.clone()
    };
    let waiting = waiting::add(&w.app, &mut write, w.organization, new);
    let waiting = waiting.await.unwrap();
    write.commit().await.unwrap();
    assert_ne!(waiting.id, squatter.id);
    w.grant(waiting.id, Role::OrganizationOwner).await;
    (squatter, waiting)
}

fn squatter<'a>() -> Who<'a> {
    Who {
        entra: true,
        subject: "squatter",
        ..ann()
    }
}

fn public() -> SignUp {
    SignUp {
        public: true,
        allowed_domains: Vec::new(),
    }
}

#[tokio::test]
async fn o22_who_was_added_by_a_taken_address_has_it_once_a_provider_proves_it() {
    let w = World::with("waits", public(), trusting()).await;
    let (taken, waiting) = added(&w).await;
    // The account that has the address now goes on, and is nobody who was added.
    assert_eq!(w.comes(&squatter()).await.unwrap().id, taken.id);
    assert!(w.roles(taken.id).await.is_empty());
    let came = w.comes(&ann()).await.unwrap();
    assert_eq!(came.id, waiting.id);
    assert_eq!(came.email, email("ann@acme.test"));
    assert_eq!(w.roles(came.id).await, ["ORGANIZATION_OWNER"]);
    assert_eq!(w.comes(&ann()).await.unwrap().id, waiting.id);
    let back = w.comes(&squatter()).await.unwrap();
    assert_eq!(back.id, taken.id);
    assert!(crate::people::is_stand_in(&back.email), "{}", back.email);
    assert!(w.roles(taken.id).await.is_empty());
}

#[tokio::test]
async fn o22_the_account_that_shows_the_address_to_be_its_own_has_what_waited_for_it() {
    let w = World::with("settles", public(), trusting()).await;
    let (own, waiting) = added(&w).await;
    let shown = Who {
        link_to: Some(own.id),
        ..ann()
    };
    assert_eq!(w.comes(&shown).await.unwrap().id, own.id);
    assert_eq!(w.roles(own.id).await, ["ORGANIZATION_OWNER"]);
    let mut view = w.app.store.read().await.unwrap();
    assert!(view.users().get(waiting.id).await.unwrap().is_none());
    let there = view.users().by_email(&email("ann@acme.test")).await;
    assert_eq!(there.unwrap().unwrap().id, own.id);
}

#[tokio::test]
async fn a12_whoever_waits_for_an_address_and_is_disabled_does_not_come_in() {
    let w = World::with("waits-disabled", public(), trusting()).await;
    let (taken, waiting) = added(&w).await;
    let mut write = w.app.store.write().await.unwrap();
    let waiting = write.users().get(waiting.id).await.unwrap().unwrap();
    let disabled = User {
        disabled_at: Some(w.clock.now()),
        ..waiting
    };
    write.users().update(&disabled).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(w.comes(&ann()).await.unwrap_err(), Refused::Disabled);
    let shown = Who {
        link_to: Some(taken.id),
        ..ann()
    };
    w.comes(&shown).await.unwrap();
    assert!(w.roles(taken.id).await.is_empty());
}

/// A connection's rule says who has an account, and not who an administrator is.
#[tokio::test]
async fn o22_an_administrator_who_waits_comes_by_a_trusted_provider_alone() {
    let rule = json!({"provision": {"domains": ["acme.test"], "organization": "acme"}});
    let w = World::with("waits-admin", public(), rule).await;
    let (_, waiting) = added(&w).await;
    w.grant(waiting.id, Role::SystemAdmin).await;
    assert_eq!(w.comes(&ann()).await.unwrap_err(), Refused::AddressTaken);
}

/// Nor by showing that the address is another account's.
#[tokio::test]
async fn o22_what_an_administrator_waits_with_passes_over_by_a_trusted_provider_alone() {
    let rule = json!({"provision": {"domains": ["acme.test"], "organization": "acme"}});
    for (settings, roles) in [(rule, 0), (trusting(), 2)] {
        let name = format!("settles-admin-{roles}");
        let w = World::with(&name, public(), settings).await;
        let (own, waiting) = added(&w).await;
        w.grant(waiting.id, Role::SystemAdmin).await;
        let shown = Who {
            link_to: Some(own.id),
            ..ann()
        };
        assert_eq!(w.comes(&shown).await.unwrap().id, own.id);
        assert_eq!(w.roles(own.id).await.len(), roles);
    }
}

/// Whoever has the first administrator's code doesn't become another one who is to change the installation.
#[tokio::test]
async fn o22_the_first_administrators_code_is_no_way_around_who_waits() {
    let rule = json!({"provision": {"domains": ["acme.test"], "organization": "acme"}});
    let w = World::with("code-waits", public(), rule).await;
    let (_, waiting) = added(&w).await;
    let record = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*w.app.clock, &*w.app.rng),
            subject: Subject::User(waiting.id),
            role: Role::SystemEditor.into(),
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Api,
    };
    let mut write = w.app.store.write().await.unwrap();
    write.grants().insert(&record).await.unwrap();
    write.commit().await.unwrap();
    let code = crate::people::code::replace(&w.app.store, &*w.app.clock, &*w.app.rng);
    let code = code.await.unwrap().unwrap();
    let with_code = Who {
        invitation: Some(&code),
        ..ann()
    };
    let refused = w.comes(&with_code).await.unwrap_err();
    assert_eq!(refused, Refused::AddressTaken);
    let mut view = w.app.store.read().await.unwrap();
    let links = view.identities().of_user(waiting.id).await.unwrap();
    assert_eq!(links.len(), 0);
}

#[tokio::test]
async fn o22_an_address_that_passed_to_somebody_else_opens_nothing() {
    let w = World::with("o22-passed", SignUp::default(), trusting()).await;
    let known = w.user("ann@acme.test").await;
    assert_eq!(w.comes(&ann()).await.unwrap().id, known.id);
    let next = Who {
        subject: "another-ann",
        ..ann()
    };
    let refused = w.comes(&next).await.unwrap_err();
    assert_eq!(refused, Refused::AddressTaken);
}

#[tokio::test]
async fn o22_only_the_domains_that_a_provider_may_speak_for_link() {
    let w = World::with("o22-domain", SignUp::default(), trusting()).await;
    for address in ["ann@sub.acme.test", "ann@other.test", "ann@notacme.test"] {
        w.user(address).await;
        let who = Who {
            email: address,
            ..ann()
        };
        let refused = w.comes(&who).await.unwrap_err();
        assert_eq!(refused, Refused::AddressTaken, "{address}");
    }
}

#[tokio::test]
async fn o23_addresses_that_look_alike_are_not_one() {
    let w = World::with("o23", SignUp::default(), trusting()).await;
    let known = w.user("strasse@acme.test").await;
    for (subject, like) in [
        ("1", "straße@acme.test"),
        ("2", "strasse+x@acme.test"),
        ("3", "str\u{430}sse@acme.test"),
        ("4", "strasse@acme.test."),
        ("5", "strasse@xn--acm-epa.test"),
        ("6", "stra.sse@acme.test"),
    ] {
        let who = Who {
            subject,
            email: like,
            ..Who::default()
        };
        assert_eq!(w.comes(&who).await.unwrap_err(), Refused::Unknown, "{like}");
    }
    // Case is no difference: the address has one spelling.
    let who = Who {
        subject: "7",
        email: "STRASSE@Acme.test",
        ..Who::default()
    };
    assert_eq!(w.comes(&who).await.unwrap().id, known.id);
}

#[tokio::test]
async fn the_link_counts_whatever_becomes_of_the_address_and_the_name_follows() {
    let w = World::with("follow", SignUp::default(), trusting()).await;
    let known = w.user("ann@acme.test").await;
    w.comes(&ann()).await.unwrap();
    w.user("ann@new.test").await;
    let moved = Who {
        email: "ann@new.test",
        name: "Ann B.",
        ..ann()
    };
    let user = w.comes(&moved).await.unwrap();
    assert_eq!(user.id, known.id);
    assert_eq!(user.name, "Ann B.");
    assert_eq!(user.email, known.email, "nobody's address changes silently");
}

#[tokio::test]
async fn a12_whoever_is_disabled_does_not_come_in_by_any_way() {
    let w = World::with("disabled", SignUp::default(), trusting()).await;
    let user = w.user("ann@acme.test").await;
    let disable = |user: User| User {
        disabled_at: Some(w.clock.now()),
        ..user
    };
    let mut write = w.app.store.write().await.unwrap();
    write.users().update(&disable(user)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(w.comes(&ann()).await.unwrap_err(), Refused::Disabled);
    let bob = Who {
        subject: "bob",
        email: "bob@acme.test",
        ..Who::default()
    };
    let value = w.invite(w.owner, "bob@acme.test", false).await;
    let invited = Who {
        invitation: Some(&value),
        ..bob
    };
    let user = w.comes(&invited).await.unwrap();
    let mut write = w.app.store.write().await.unwrap();
    write.users().update(&disable(user)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(w.comes(&bob).await.unwrap_err(), Refused::Disabled);
}

#[tokio::test]
async fn a_connections_rule_makes_members_and_nothing_more() {
    let rule = json!({"provision": {"domains": ["acme.test"], "organization": "acme"}});
    let w = World::with("jit", SignUp::default(), rule).await;
    let user = w.comes(&ann()).await.unwrap();
    assert_eq!(w.roles(user.id).await, ["ORGANIZATION_MEMBER"]);
    let other = Who {
        subject: "x",
        email: "x@else.test",
        ..Who::default()
    };
    assert_eq!(w.comes(&other).await.unwrap_err(), Refused::Unknown);
    // Whoever has an account already doesn't get it by somebody else's sign-up.
    let taken = Who {
        subject: "o",
        email: "owner@acme.test",
        ..Who::default()
    };
    assert_eq!(w.comes(&taken).await.unwrap_err(), Refused::AddressTaken);
}

#[tokio::test]
async fn public_sign_up_is_off_and_keeps_to_its_domains_where_it_is_on() {
    let w = World::new("closed").await;
    assert_eq!(w.comes(&ann()).await.unwrap_err(), Refused::Unknown);
    let public = SignUp {
        public: true,
        allowed_domains: vec![Host::parse("acme.test").unwrap()],
    };
    let w = World::with("public", public, json!({})).await;
    let user = w.comes(&ann()).await.unwrap();
    assert!(w.roles(user.id).await.is_empty());
    let other = Who {
        subject: "x",
        email: "x@evil-acme.test",
        ..Who::default()
    };
    assert_eq!(w.comes(&other).await.unwrap_err(), Refused::Unknown);
}
