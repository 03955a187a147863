//! `aeolus control reset-second-factor`: for whoever has the database, where nobody is left who may do it over the
//! API.

use aeolus_model::{Action, AuditEvent, Change, Clock, Email, Rng, UserId};
use aeolus_store::{DatabaseUrl, Store, Unit as _};

use crate::bootstrap::ControlError;
use crate::email::{News, note_news};

/// What became of somebody's second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorReset {
    /// Whose it was.
    pub user: UserId,
    /// Whether there was one.
    pub reset: bool,
    /// How many sessions of theirs ended.
    pub sessions_ended: u64,
}

/// Removes the second factor of an account and ends its sessions, as an administrator does over the API; none if
/// there is no such account. Control may run meanwhile: gates are told by it. Fails with what is wrong with the
/// database.
pub async fn reset_second_factor(
    database: &str,
    email: &Email,
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<Option<FactorReset>, ControlError> {
    let url: DatabaseUrl = database.parse()?;
    let store = Store::connect(&url).await?;
    let mut write = store.write().await?;
    let Some(user) = write.users().by_email(email).await? else {
        return Ok(None);
    };
    let reset = write.second_factors().remove(user.id).await?;
    let mut sessions_ended = 0;
    if reset {
        sessions_ended = write.sessions().end_all(user.id, clock.now()).await?;
        write.audit(AuditEvent {
            target: user.id.to_string(),
            reason: "offline".to_owned(),
            changes: vec![Change::from("sessions", sessions_ended.to_string())],
            ..AuditEvent::of_system(clock.now(), Action::SecondFactorReset)
        });
        note_news(&mut write, (user.id, News::Reset), (clock, rng)).await?;
    }
    write.commit().await?;
    store.close().await;
    Ok(Some(FactorReset {
        user: user.id,
        reset,
        sessions_ended,
    }))
}
