//! Invitations and the first administrator's code.

use super::*;
use crate::people::code;

fn bob(value: &Secret<String>) -> Who<'_> {
    Who {
        subject: "bob",
        email: "bob@acme.test",
        invitation: Some(value),
        ..Who::default()
    }
}

/// Where a provider's word counts for addresses of acme.test, with an invitation of Bob's that anybody with the link
/// may take up.
async fn trusting(name: &str) -> (World, Secret<String>) {
    let trusting = json!({"trustedDomains": ["acme.test"]});
    let w = Box::pin(World::with(name, SignUp::default(), trusting)).await;
    let value = w.invite(w.owner, "bob@acme.test", true).await;
    (w, value)
}

/// Somebody else, who takes it up by another provider.
fn eve(value: &Secret<String>) -> Who<'_> {
    Who {
        subject: "eve",
        email: "eve@elsewhere.test",
        unproved: true,
        entra: true,
        ..bob(value)
    }
}

#[tokio::test]
async fn a14_an_invitation_is_one_persons_and_good_once() {
    let w = World::new("a14").await;
    let value = w.invite(w.owner, "bob@acme.test", false).await;
    let other = Who {
        subject: "eve",
        email: "eve@acme.test",
        ..bob(&value)
    };
    assert_eq!(w.comes(&other).await.unwrap_err(), Refused::OtherAddress);
    let unproved = Who {
        unproved: true,
        ..bob(&value)
    };
    assert_eq!(w.comes(&unproved).await.unwrap_err(), Refused::OtherAddress);
    let user = w.comes(&bob(&value)).await.unwrap();
    assert_eq!(w.roles(user.id).await, ["ORGANIZATION_MEMBER"]);
    let again = Who {
        subject: "eve",
        ..bob(&value)
    };
    assert_eq!(w.comes(&again).await.unwrap_err(), Refused::Over);
    assert_eq!(w.comes(&bob(&value)).await.unwrap_err(), Refused::Over);
}

#[tokio::test]
async fn an_invitation_for_anybody_with_the_link_vouches_for_the_address() {
    let w = World::new("any").await;
    let value = w.invite(w.owner, "bob@acme.test", true).await;
    let unproved = Who {
        email: "bob-at-entra@other.test",
        unproved: true,
        ..bob(&value)
    };
    let user = w.comes(&unproved).await.unwrap();
    assert_eq!(user.email, email("bob@acme.test"));
    let value = w.invite(w.owner, "owner@acme.test", true).await;
    let unproved = Who {
        subject: "eve",
        invitation: Some(&value),
        ..unproved
    };
    let refused = w.comes(&unproved).await.unwrap_err();
    assert_eq!(
        refused,
        Refused::AddressTaken,
        "nor is an account taken over"
    );
}

#[tokio::test]
async fn o22_an_account_in_anothers_name_waits_for_nobody() {
    let (w, value) = trusting("waits").await;
    let eve = eve(&value);
    let account = w.comes(&eve).await.unwrap();
    let bob = Who {
        invitation: None,
        ..bob(&value)
    };
    assert_eq!(w.comes(&bob).await.unwrap_err(), Refused::AddressTaken);
    // Who proves both is who it is.
    let both = Who {
        link_to: Some(account.id),
        ..bob
    };
    assert_eq!(w.comes(&both).await.unwrap().id, account.id);
    assert_eq!(w.comes(&bob).await.unwrap().id, account.id);
}

/// Whoever squats an address keeps the account, and not the one whose it is out.
#[tokio::test]
async fn o22_whose_address_it_is_takes_it_from_who_only_said_so() {
    let (w, value) = trusting("squatted").await;
    let eve = eve(&value);
    let squatter = w.comes(&eve).await.unwrap();
    let value = w.invite(w.owner, "bob@acme.test", false).await;
    let owner = w.comes(&bob(&value)).await.unwrap();
    assert_ne!(owner.id, squatter.id);
    assert_eq!(owner.email, email("bob@acme.test"));
    let eve = Who {
        invitation: None,
        ..eve
    };
    let back = w.comes(&eve).await.unwrap();
    assert_eq!(back.id, squatter.id);
    assert!(crate::people::is_stand_in(&back.email), "{}", back.email);
    let roles = (w.roles(owner.id).await, w.roles(squatter.id).await);
    assert_eq!(roles.0, roles.1, "nobody loses what they were given");
    let mut view = w.app.store.read().await.unwrap();
    let log = view
        .audit_log()
        .list(None, aeolus_store::Page::first(100))
        .await;
    let log = log.unwrap().items.into_iter().map(|line| line.event);
    let lost: Vec<_> = log
        .filter(|event| event.action == aeolus_model::Action::AddressLose)
        .collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].target, squatter.id.to_string());
}

/// Whoever was disabled doesn't come in beside their own account by the provider that proves the address.
#[tokio::test]
async fn a12_who_was_disabled_takes_no_address_from_themselves() {
    let (w, value) = trusting("disabled").await;
    let eve = eve(&value);
    let account = w.comes(&eve).await.unwrap();
    let mut write = w.app.store.write().await.unwrap();
    let disabled = User {
        disabled_at: Some(w.clock.now()),
        ..account
    };
    write.users().update(&disabled).await.unwrap();
    w.app.commit(write).await.unwrap();
    let value = w.invite(w.owner, "bob@acme.test", false).await;
    for invitation in [Some(&value), None] {
        let who = Who {
            invitation,
            ..bob(&value)
        };
        assert_eq!(w.comes(&who).await.unwrap_err(), Refused::Disabled);
    }
}

#[tokio::test]
async fn a14_who_is_here_takes_one_up_that_is_theirs() {
    let w = World::new("here").await;
    let first = w.invite(w.owner, "bob@acme.test", false).await;
    let user = w.comes(&bob(&first)).await.unwrap();
    let for_ann = w.invite(w.owner, "ann@acme.test", false).await;
    assert_eq!(
        w.comes(&bob(&for_ann)).await.unwrap_err(),
        Refused::OtherAddress
    );
    let mine = w.invite(w.owner, "bob@acme.test", false).await;
    assert_eq!(w.comes(&bob(&mine)).await.unwrap().id, user.id);
    assert_eq!(
        w.roles(user.id).await,
        ["ORGANIZATION_MEMBER"],
        "given once"
    );
}

#[tokio::test]
async fn a11_nobody_goes_on_giving_what_they_lost() {
    let w = World::new("a11").await;
    let manager = w.user("manager@acme.test").await;
    let value = w.invite(manager.id, "bob@acme.test", false).await;
    assert_eq!(w.comes(&bob(&value)).await.unwrap_err(), Refused::Over);
    w.grant(manager.id, Role::OrganizationOwner).await;
    w.comes(&bob(&value)).await.unwrap();
}

#[tokio::test]
async fn an_invitation_ends() {
    let w = World::new("ends").await;
    let value = w.invite(w.owner, "bob@acme.test", false).await;
    w.clock.advance(Duration::from_secs(3600));
    assert_eq!(w.comes(&bob(&value)).await.unwrap_err(), Refused::Over);
    let other = Secret::new("0".repeat(40));
    assert_eq!(w.comes(&bob(&other)).await.unwrap_err(), Refused::Over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_of_fifty_who_take_one_up_one_comes_in() {
    let w = Arc::new(World::new("a13").await);
    let value = w.invite(w.owner, "bob@acme.test", true).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..50 {
        let (w, value) = (w.clone(), value.clone());
        tasks.spawn(async move {
            let (subject, email) = (format!("s{n}"), format!("s{n}@acme.test"));
            let who = Who {
                subject: &subject,
                email: &email,
                ..bob(&value)
            };
            w.comes(&who).await.is_ok()
        });
    }
    let came = tasks.join_all().await.into_iter().filter(|came| *came);
    assert_eq!(came.count(), 1);
}

#[tokio::test]
async fn the_code_makes_one_administrator_and_is_gone() {
    let w = World::new("first").await;
    let made = code::replace(&w.app.store, &*w.app.clock, &*w.app.rng).await;
    let code = made.unwrap().unwrap();
    let wrong = Secret::new("ABCD-EFGH-JKLM-NPQR-STUV".to_owned());
    assert_eq!(w.comes(&bob(&wrong)).await.unwrap_err(), Refused::Code);
    let taken = Who {
        email: "owner@acme.test",
        ..bob(&code)
    };
    assert_eq!(w.comes(&taken).await.unwrap_err(), Refused::AddressTaken);
    let user = w.comes(&bob(&code)).await.unwrap();
    assert_eq!(w.roles(user.id).await, ["SYSTEM_ADMIN"]);
    let second = Who {
        subject: "eve",
        email: "eve@acme.test",
        ..bob(&code)
    };
    assert_eq!(w.comes(&second).await.unwrap_err(), Refused::Code);
    let next = code::replace(&w.app.store, &*w.app.clock, &*w.app.rng).await;
    assert!(next.unwrap().is_none());
}

/// Who administers may have been made in another way: by the configuration, or by another replica.
#[tokio::test]
async fn the_code_is_good_for_nothing_once_somebody_administers_the_installation() {
    let w = World::new("first-over").await;
    let made = code::replace(&w.app.store, &*w.app.clock, &*w.app.rng).await;
    let code = made.unwrap().unwrap();
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*w.app.clock, &*w.app.rng),
            subject: Subject::User(w.owner),
            role: Role::SystemAdmin.into(),
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Api,
    };
    let mut write = w.app.store.write().await.unwrap();
    write.grants().insert(&grant).await.unwrap();
    w.app.commit(write).await.unwrap();
    assert_eq!(w.comes(&bob(&code)).await.unwrap_err(), Refused::Code);
}
