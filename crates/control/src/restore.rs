//! After a restore of the database from a backup: found out by a gate that knows more, ended by an
//! operator.
//!
//! Until then nothing is published, because it would be a past that gates must refuse, and what was
//! published is called fresh no more. Recovering raises the epoch, so that everything published
//! afterwards is beyond everything before, and names the time that is lost: gates refuse what was
//! issued in it. Revocations of that time come back from the gates, under control's own signature.

use std::collections::BTreeSet;

use aeolus_model::{Action, Actor, AuditEvent, Clock, OrganizationId, Outcome, PlaneId, Time};
use aeolus_snapshot::section::{Lost, Revocations};
use aeolus_snapshot::{Digest, Evidence, Manifest, Position, Root, SnapshotError};
use aeolus_store::{DatabaseUrl, Mark, Publication, StatusEnd, Store, StoreError, Unit, Write};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::bootstrap::ControlError;

const FOUND: &str = "restore-found";
const LOST: &str = "lost-times";

/// What a gate proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    at: Time,
    /// Nothing that happened since is sure to be remembered.
    lost_from: Time,
    text: String,
}

impl Found {
    /// For an operator.
    pub(crate) fn alarm(&self) -> String {
        format!(
            "{}: the database was restored or replaced; nothing is published until `aeolus control recover`",
            self.text
        )
    }
}

/// The proof that waits for an operator, if there is one.
pub(crate) async fn found(unit: &mut impl Unit) -> Result<Option<Found>, StoreError> {
    let text = unit.settings().get(FOUND).await?;
    text.map(|text| read(&text)).transpose()
}

/// The times that are lost, for every organization's revocations.
pub(crate) async fn lost(unit: &mut impl Unit) -> Result<Vec<Lost>, StoreError> {
    let text = unit.settings().get(LOST).await?;
    // Ordered, and each once: a section with one twice can't be published.
    let times: BTreeSet<(i64, i64)> =
        text.map_or_else(|| Ok(BTreeSet::new()), |text| read(&text))?;
    let times = times.into_iter().map(|(from, until)| Lost { from, until });
    Ok(times.collect())
}

async fn put_lost(write: &mut Write, times: impl Iterator<Item = &Lost>) -> Result<(), StoreError> {
    let times: BTreeSet<(i64, i64)> = times.map(|lost| (lost.from, lost.until)).collect();
    write.settings().put(LOST, &json(&times)?).await
}

/// Stops publishing, for all replicas of control and over restarts.
async fn stop(
    app: &App,
    write: &mut Write,
    plane: PlaneId,
    text: String,
) -> Result<(), StoreError> {
    if found(write).await?.is_some() {
        return Ok(());
    }
    let found = Found {
        at: app.clock.now(),
        lost_from: app.newest_at_start,
        text,
    };
    tracing::error!(%plane, alarm = found.alarm(), "publishing is stopped");
    write.settings().put(FOUND, &json(&found)?).await?;
    write.audit(event(
        found.at,
        Actor::Plane(plane),
        Action::RestoreFound,
        found.text,
    ));
    Ok(())
}

/// Takes back revocations that this control signed and has forgotten, and stops if it signed them in
/// the epoch that it believes to be in.
pub(crate) async fn remind(
    app: &App,
    write: &mut Write,
    plane: PlaneId,
    evidence: &Evidence,
) -> Result<(), StoreError> {
    let Some(root) = root(write).await? else {
        return Ok(());
    };
    let (position, revocations) = match evidence.open(&root, plane) {
        Ok(opened) => opened,
        Err(error) => {
            not_signed(plane, &error);
            return Ok(());
        }
    };
    let restored = take_back(app, write, evidence.organization, &revocations).await?;
    if restored {
        let target = evidence.organization.to_string();
        let line = event(
            app.clock.now(),
            Actor::Plane(plane),
            Action::RevocationsRestored,
            target,
        );
        write.audit(AuditEvent {
            organization: Some(evidence.organization),
            ..line
        });
    }
    judge(app, write, plane, (position, &evidence.manifest), restored).await
}

/// Stops if a manifest is one that this control signed in the epoch that it believes to be in, and is
/// newer than what it knows to have published.
pub(crate) async fn shown(
    app: &App,
    write: &mut Write,
    plane: PlaneId,
    manifest: &str,
) -> Result<(), StoreError> {
    let Some(root) = root(write).await? else {
        return Ok(());
    };
    match Manifest::open(&root, plane, manifest) {
        Ok((opened, _)) => judge(app, write, plane, (opened.position, manifest), false).await,
        Err(error) => {
            not_signed(plane, &error);
            Ok(())
        }
    }
}

async fn root(unit: &mut impl Unit) -> Result<Option<Root>, StoreError> {
    let root = unit.roots().newest().await?;
    Ok(root.and_then(|root| Root::parse(&root.document).ok()))
}

fn not_signed(plane: PlaneId, error: &SnapshotError) {
    tracing::warn!(%plane, %error, "a gate's reminder is not what control signed");
}

/// A manifest of this epoch that control signed and does not know proves a restore. `restored`: so
/// does what it says.
async fn judge(
    app: &App,
    write: &mut Write,
    plane: PlaneId,
    (position, manifest): (Position, &str),
    restored: bool,
) -> Result<(), StoreError> {
    let published = write.publications().get(plane).await?;
    let unknown = restored || is_ahead(position, manifest, published.as_ref());
    if unknown && position.epoch == write.settings().feed().await?.epoch {
        let text = format!("a gate has what control signed at {position} and does not know");
        stop(app, write, plane, text).await?;
    }
    Ok(())
}

fn is_ahead(position: Position, manifest: &str, published: Option<&Publication>) -> bool {
    published.is_none_or(|published| {
        let newest = Position {
            epoch: published.epoch,
            seq: published.seq,
        };
        let digest = |text: &str| Digest::of(text.as_bytes());
        position > newest || (position == newest && digest(manifest) != digest(&published.manifest))
    })
}

/// Adds what is missing; says whether a revocation was that can only be missing by a restore.
async fn take_back(
    app: &App,
    write: &mut Write,
    organization: OrganizationId,
    earlier: &Revocations,
) -> Result<bool, StoreError> {
    let now = app.clock.now();
    let Some(own) = write.revocations().of(organization).await? else {
        return Ok(false);
    };
    let indexes = missing(&own.status, &earlier.status);
    let size = (earlier.status.len() as u64).saturating_mul(8);
    let mut revocations = write.revocations();
    revocations
        .revoke_forgotten(organization, (size, &indexes), now)
        .await?;
    for end in &earlier.ends {
        let end = StatusEnd {
            index: end.index,
            not_after: Time::from_secs(end.not_after),
        };
        revocations.end_forgotten(organization, end).await?;
    }
    let not_before = Time::from_secs(earlier.not_before);
    let marked = not_before > own.not_before;
    revocations
        .mark_organization(organization, not_before)
        .await?;
    for mark in earlier.marks.iter().filter_map(mark) {
        revocations.mark(organization, mark).await?;
    }
    take_back_lost(write, &earlier.lost).await?;
    for ended in &earlier.sessions {
        if let Ok(session) = aeolus_model::SessionId::from_slice(&ended.id) {
            crate::signin::session::end(app, write, session).await?;
        }
    }
    Ok(!indexes.is_empty() || marked)
}

/// Times that were lost by an earlier restore, of which the backup knew nothing.
async fn take_back_lost(write: &mut Write, earlier: &[Lost]) -> Result<(), StoreError> {
    let held = lost(write).await?;
    if earlier.iter().all(|lost| held.contains(lost)) {
        return Ok(());
    }
    put_lost(write, held.iter().chain(earlier)).await?;
    write.step();
    Ok(())
}

/// The bits that were said to be set and are not held.
fn missing(held: &[u8], said: &[u8]) -> Vec<u32> {
    let held = held.iter().copied().chain(std::iter::repeat(0));
    let bytes = (0_u32..).zip(held.zip(said));
    let bits = bytes.flat_map(|(byte, (held, said))| {
        let gone = said & !held;
        let gone = (0..8).filter(move |bit| gone >> bit & 1 == 1);
        gone.map(move |bit| byte.saturating_mul(8) + bit)
    });
    bits.collect()
}

fn mark(from: &aeolus_snapshot::section::Mark) -> Option<Mark> {
    use aeolus_model::{Subject, TokenId, UserId};
    use aeolus_snapshot::section::SubjectKind;
    let subject = match from.subject_kind() {
        SubjectKind::User => Subject::User(UserId::from_slice(&from.subject).ok()?),
        SubjectKind::Token => Subject::Token(TokenId::from_slice(&from.subject).ok()?),
        SubjectKind::Unspecified | SubjectKind::Team => return None,
    };
    Some(Mark {
        subject,
        not_before: Time::from_secs(from.not_before),
    })
}

/// What recovering did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Control's new epoch.
    pub epoch: u64,
    /// What was issued from then on...
    pub lost_from: Time,
    /// ...until then is refused.
    pub lost_until: Time,
    /// Whether a gate had found the restore out.
    pub found: bool,
}

/// Lets publishing go on after a restore, in a new epoch. `lost_from`: when the backup was made; by
/// default the newest time that the database spoke of at control's first start after the restore,
/// or now, if control has not been started since.
pub async fn recover(
    database: &str,
    clock: &dyn Clock,
    lost_from: Option<Time>,
) -> Result<Recovered, ControlError> {
    let url: DatabaseUrl = database.parse()?;
    let store = Store::connect(&url).await?;
    let mut write = store.write().await?;
    let found = found(&mut write).await?;
    let now = clock.now();
    let newest = write.settings().newest_time().await?.unwrap_or(now);
    let by_default = found.as_ref().map_or(newest, |found| found.lost_from);
    let lost_from = lost_from.unwrap_or(by_default).min(now);
    let mut times = lost(&mut write).await?;
    times.push(Lost {
        from: lost_from.secs(),
        until: now.secs(),
    });
    put_lost(&mut write, times.iter()).await?;
    write.settings().delete(FOUND).await?;
    let epoch = write.settings().next_epoch().await?;
    let target = format!("epoch {epoch}");
    write.audit(event(now, Actor::System, Action::Recover, target));
    write.commit().await?;
    store.close().await;
    Ok(Recovered {
        epoch,
        lost_from,
        lost_until: now,
        found: found.is_some(),
    })
}

fn event(at: Time, actor: Actor, action: Action, target: String) -> AuditEvent {
    AuditEvent {
        at,
        actor,
        action,
        organization: None,
        target,
        outcome: Outcome::Success,
        reason: String::new(),
        source: String::new(),
        request_id: String::new(),
        changes: Vec::new(),
    }
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn only_bits_that_are_not_held_are_missing() {
        let said = [0b1000_0001, 0b0100_0000];
        assert!(missing(&said, &said).is_empty());
        assert_eq!(missing(&[], &said), [0, 7, 14]);
        assert_eq!(missing(&[0b0000_0001], &said), [7, 14]);
        assert!(missing(&[0xff, 0xff, 0xff], &said).is_empty());
        assert_eq!(missing(&[0b0111_1110, 0], &said), [0, 7, 14]);
    }
}
