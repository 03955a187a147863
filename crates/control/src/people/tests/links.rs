//! More than one way in.

use aeolus_model::Action;
use aeolus_store::Page;

use super::*;
use crate::people::link::{may_link, unlink};

fn ann<'a>() -> Who<'a> {
    Who {
        subject: "ann",
        email: "ann@elsewhere.test",
        ..Who::default()
    }
}

#[tokio::test]
async fn o22_a_way_in_is_added_by_who_has_proved_both() {
    let w = World::new("link").await;
    let user = w.user("ann@acme.test").await;
    let adding = Who {
        link_to: Some(user.id),
        ..ann()
    };
    assert_eq!(w.comes(&adding).await.unwrap().id, user.id);
    assert_eq!(w.comes(&ann()).await.unwrap().id, user.id);
    let other = w.user("other@acme.test").await;
    let stealing = Who {
        link_to: Some(other.id),
        ..ann()
    };
    let refused = w.comes(&stealing).await.unwrap_err();
    assert_eq!(refused, Refused::LinkedElsewhere);
    let second = Who {
        subject: "ann-2",
        link_to: Some(user.id),
        ..ann()
    };
    let refused = w.comes(&second).await.unwrap_err();
    assert_eq!(refused, Refused::LinkedAlready);
}

#[tokio::test]
async fn a8_only_who_signed_in_lately_says_how_else_they_are_known() {
    let w = World::new("a8").await;
    let session = w.session(w.owner);
    let may = async || {
        let mut view = w.app.store.read().await.unwrap();
        may_link(&w.app, &mut view, &session).await.unwrap()
    };
    assert_eq!(may().await, Ok(w.owner));
    w.clock.advance(Duration::from_secs(601));
    assert_eq!(may().await, Err(Refused::SignInFirst));
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let w = World::new("unlink").await;
    let value = w.invite(w.owner, "ann@elsewhere.test", false).await;
    let invited = Who {
        invitation: Some(&value),
        ..ann()
    };
    let user = w.comes(&invited).await.unwrap();
    let session = w.session(user.id);
    let remove = async |connection| {
        let mut write = w.app.store.write().await.unwrap();
        let info = RequestInfo::default();
        let what = (&session, connection);
        let done = unlink(&w.app, &info, &mut write, what).await.unwrap();
        if done.is_ok() {
            w.app.commit(write).await.unwrap();
        }
        done
    };
    assert_eq!(remove(w.okta.id).await, Err(Refused::LastWayIn));
    let adding = Who {
        subject: "a",
        entra: true,
        link_to: Some(user.id),
        ..ann()
    };
    w.comes(&adding).await.unwrap();
    assert_eq!(remove(w.okta.id).await, Ok(()));
    // Nobody has the address any more but the account, which the provider may not speak for.
    let refused = w.comes(&ann()).await.unwrap_err();
    assert_eq!(refused, Refused::AddressTaken);
    assert_eq!(remove(w.entra.id).await, Err(Refused::LastWayIn));
    let mut view = w.app.store.read().await.unwrap();
    let log = view.audit_log().list(None, Page::first(100)).await.unwrap();
    let count = |action| {
        log.items
            .iter()
            .filter(|line| line.event.action == action)
            .count()
    };
    assert_eq!(count(Action::IdentityLink), 2);
    assert_eq!(count(Action::IdentityUnlink), 1);
}
