//! People whom a provider wrote by SCIM, and who come through it.

use aeolus_store::ScimUser;

use super::*;

impl World {
    /// As the provider wrote somebody; the account is theirs.
    async fn provisioned(&self, entra: bool, external_id: &str, address: &str) -> User {
        let user = self.user(address).await;
        let connection = if entra { self.entra.id } else { self.okta.id };
        let row = ScimUser {
            connection,
            id: user.id,
            user_name: address.to_owned(),
            name_key: address.to_owned(),
            external_id: Some(external_id.to_owned()),
            tree: json!({"userName": address}).to_string(),
            made: true,
            off: false,
            version: 1,
            created_at: self.clock.now(),
            changed_at: self.clock.now(),
        };
        let mut write = self.app.store.write().await.unwrap();
        let emails = [address.to_owned()];
        write.scim_users().insert(&row, &emails).await.unwrap();
        // As they are made: nobody else has shown that the address is theirs.
        write.users().set_proved(user.id, false).await.unwrap();
        write.commit().await.unwrap();
        user
    }
}

fn ann<'a>() -> Who<'a> {
    Who {
        subject: "ann",
        email: "ann@acme.test",
        ..Who::default()
    }
}

#[tokio::test]
async fn scim_who_was_provisioned_comes_in_by_what_names_them_for_good() {
    let w = World::new("scim subject").await;
    let user = w.provisioned(false, "ann", "ann@acme.test").await;
    // Whatever the address is by now.
    let moved = Who {
        email: "married@acme.test",
        unproved: true,
        ..ann()
    };
    assert_eq!(w.comes(&moved).await.unwrap().id, user.id);
    // They keep the link: the next time it is that alone.
    assert_eq!(w.comes(&ann()).await.unwrap().id, user.id);
    // Who has the address now is somebody else.
    let other = Who {
        subject: "other",
        ..ann()
    };
    assert_eq!(w.comes(&other).await.unwrap_err(), Refused::AddressTaken);
}

#[tokio::test]
async fn scim_an_address_counts_where_the_same_provider_vouches_for_it() {
    let w = World::new("scim address").await;
    let user = w.provisioned(false, "00u1", "ann@acme.test").await;
    let unproved = Who {
        unproved: true,
        ..ann()
    };
    w.comes(&unproved).await.unwrap_err();
    // Another provider's word says nothing of it.
    let elsewhere = Who {
        entra: true,
        ..ann()
    };
    w.comes(&elsewhere).await.unwrap_err();
    assert_eq!(w.comes(&ann()).await.unwrap().id, user.id);
}

#[tokio::test]
async fn scim_what_several_have_names_nobody() {
    let w = World::new("scim several").await;
    w.provisioned(false, "ann", "ann1@acme.test").await;
    w.provisioned(false, "ann", "ann2@acme.test").await;
    assert_eq!(w.comes(&ann()).await.unwrap_err(), Refused::Unknown);
}

#[tokio::test]
async fn scim_who_is_inactive_does_not_come_in() {
    let w = World::new("scim inactive").await;
    let user = w.provisioned(false, "ann", "ann@acme.test").await;
    let mut write = w.app.store.write().await.unwrap();
    let held = write.users().get(user.id).await.unwrap().unwrap();
    crate::people::shut_out(&mut write, &held, w.clock.now())
        .await
        .unwrap();
    write.commit().await.unwrap();
    assert_eq!(w.comes(&ann()).await.unwrap_err(), Refused::Disabled);
    let mut view = w.app.store.read().await.unwrap();
    assert!(view.identities().of_user(user.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn scim_whoever_administers_is_not_known_by_what_was_provisioned() {
    let more = json!({"trustedDomains": ["acme.test"]});
    let w = World::with("scim administrator", SignUp::default(), more).await;
    let user = w.provisioned(false, "ann", "ann@acme.test").await;
    w.grant(user.id, Role::SystemAdmin).await;
    // Whoever writes may have written their own subject, or their own address.
    let other = Who {
        email: "eve@elsewhere.test",
        ..ann()
    };
    assert_eq!(w.comes(&other).await.unwrap_err(), Refused::Administrator);
    assert_eq!(Refused::Administrator.reason(), "administrator");
    let mut view = w.app.store.read().await.unwrap();
    assert!(view.identities().of_user(user.id).await.unwrap().is_empty());
    drop(view);
    // By their address they come where the connection may speak for it, provisioned or not.
    let mut write = w.app.store.write().await.unwrap();
    write.users().set_proved(user.id, true).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(w.comes(&ann()).await.unwrap().id, user.id);
}

#[tokio::test]
async fn scim_whoever_administers_is_known_where_the_connection_may() {
    let w = World::new("scim match administrators").await;
    let user = w.provisioned(false, "ann", "ann@acme.test").await;
    w.grant(user.id, Role::SystemAdmin).await;
    assert_eq!(w.comes(&ann()).await.unwrap_err(), Refused::Administrator);
    let mut write = w.app.store.write().await.unwrap();
    let mut row = write.connections().get(w.okta.id).await.unwrap().unwrap();
    row.config = json!({"scim": {"matchAdministrators": true}}).to_string();
    write.connections().update(&row).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(w.comes(&ann()).await.unwrap().id, user.id);
}
