//! A key as the API shows it.

use aeolus_api::key::{Key, KeyNeeds, KeyPurpose, KeyState, KeyStep, NextStep};
use aeolus_keys::{Kind, PublicKey};
use aeolus_model::Time;
use aeolus_snapshot::Root;
use aeolus_store::{KeyStage, SigningKey, StoreError, Unit};

use super::life::{SKEW, announced_next, kept_until, notice};
use super::needs::needs;
use crate::app::App;
use crate::error::ApiError;
use crate::planes::behind;

/// What an operator has to do before a snapshot key can sign.
const UNNAMED: &str = "a root document that names it: sign the next one, put it into keys.rootDir, \
                       and start a replica of control again";

pub(super) const fn purpose(kind: Kind) -> Option<KeyPurpose> {
    Some(match kind {
        Kind::Access => KeyPurpose::Access,
        Kind::Api => KeyPurpose::Api,
        Kind::Direct => KeyPurpose::Direct,
        Kind::Id => KeyPurpose::Id,
        Kind::StatusList => KeyPurpose::Status,
        Kind::Manifest => KeyPurpose::Snapshot,
        Kind::Legacy => KeyPurpose::Legacy,
        Kind::SecurityEvent => KeyPurpose::Events,
        _ => return None,
    })
}

pub(super) const fn kind(purpose: KeyPurpose) -> Kind {
    match purpose {
        KeyPurpose::Access => Kind::Access,
        KeyPurpose::Api => Kind::Api,
        KeyPurpose::Direct => Kind::Direct,
        KeyPurpose::Id => Kind::Id,
        KeyPurpose::Status => Kind::StatusList,
        KeyPurpose::Snapshot => Kind::Manifest,
        KeyPurpose::Legacy => Kind::Legacy,
        KeyPurpose::Events => Kind::SecurityEvent,
    }
}

/// Some of all keys, with who needs them and what comes next.
pub(super) async fn views(
    app: &App,
    unit: &mut impl Unit,
    all: &[SigningKey],
    wanted: impl Fn(&SigningKey) -> bool,
) -> Result<Vec<Key>, ApiError> {
    let mut views = Vec::new();
    for key in all.iter().filter(|key| wanted(key)) {
        if let Some(purpose) = Kind::parse(&key.kind).and_then(purpose) {
            views.push(view(app, unit, (purpose, key), all).await?);
        }
    }
    views.sort_by_key(|key| key.purpose);
    Ok(views)
}

async fn view(
    app: &App,
    unit: &mut impl Unit,
    (purpose, key): (KeyPurpose, &SigningKey),
    all: &[SigningKey],
) -> Result<Key, ApiError> {
    let needed = needs(app, unit, key).await?;
    let plain = plain(purpose, key)?;
    let next = match key.stage {
        KeyStage::Announced { from, certain } => {
            Some(activation(app, unit, key, (from, certain)).await?)
        }
        KeyStage::Active { .. } => rotation(app, unit, key, all).await?,
        KeyStage::Retired { .. } => {
            let kept = kept_until(key.stage).unwrap_or(Time::EPOCH);
            let until = needed.until.map(|until| Time::from_secs(until).plus(SKEW));
            Some(step(KeyStep::Remove, kept.max(until.unwrap_or(kept))))
        }
    };
    Ok(Key {
        next,
        needed,
        ..plain
    })
}

/// The keys themselves, without a word of who needs them: that takes counting, which an emergency does not
/// wait for.
pub(super) fn plainly(
    all: &[SigningKey],
    wanted: impl Fn(&SigningKey) -> bool,
) -> Result<Vec<Key>, ApiError> {
    let wanted = all.iter().filter(|key| wanted(key));
    let known = wanted.filter_map(|key| Some((Kind::parse(&key.kind).and_then(purpose)?, key)));
    known.map(|(purpose, key)| plain(purpose, key)).collect()
}

fn plain(purpose: KeyPurpose, key: &SigningKey) -> Result<Key, ApiError> {
    let (state, since) = match key.stage {
        KeyStage::Announced { .. } => (KeyState::Announced, key.created_at),
        KeyStage::Active { since } => (KeyState::Active, since),
        KeyStage::Retired { since, .. } => (KeyState::Retired, since),
    };
    Ok(Key {
        purpose,
        kid: key.kid.clone(),
        state,
        since: since.secs(),
        next: None,
        needed: KeyNeeds::default(),
        jwk: serde_json::from_str(&key.public_jwk).map_err(ApiError::internal)?,
    })
}

const fn step(step: KeyStep, at: Time) -> NextStep {
    NextStep {
        step,
        at: at.secs(),
        at_the_latest: None,
        waits_for: Vec::new(),
        needs: None,
    }
}

async fn activation(
    app: &App,
    unit: &mut impl Unit,
    key: &SigningKey,
    (from, certain): (Time, Time),
) -> Result<NextStep, ApiError> {
    let unnamed = !may_sign(unit, key).await?;
    let early = from < certain;
    Ok(NextStep {
        at_the_latest: early.then_some(certain.secs()),
        waits_for: if early {
            not_known_by(app, key).await?
        } else {
            Vec::new()
        },
        needs: unnamed.then(|| UNNAMED.to_owned()),
        ..step(KeyStep::Activate, from)
    })
}

async fn rotation(
    app: &App,
    unit: &mut impl Unit,
    key: &SigningKey,
    all: &[SigningKey],
) -> Result<Option<NextStep>, ApiError> {
    let Some(every) = app.rotate_keys else {
        return Ok(None);
    };
    let announced = |other: &SigningKey| {
        other.kind == key.kind && matches!(other.stage, KeyStage::Announced { .. })
    };
    if key.kind == Kind::Manifest.name() || all.iter().any(announced) {
        return Ok(None);
    }
    let at = announced_next(key, (every, notice(unit).await?));
    Ok(at.map(|at| step(KeyStep::Rotate, at.max(app.clock.now()))))
}

/// The planes that have not said that they know an announced key.
pub(super) async fn not_known_by(app: &App, key: &SigningKey) -> Result<Vec<String>, StoreError> {
    let position = app.keys.announced_at(key.id).unwrap_or(u64::MAX);
    behind(app, position).await
}

/// Whether a key may sign as far as root documents go: gates believe a snapshot key only if the newest
/// names it.
pub(super) async fn may_sign(unit: &mut impl Unit, key: &SigningKey) -> Result<bool, ApiError> {
    if key.kind != Kind::Manifest.name() {
        return Ok(true);
    }
    let root = unit.roots().newest().await?;
    let root = root.and_then(|root| Root::parse(&root.document).ok());
    let public = PublicKey::from_jwk_json(&key.public_jwk).map_err(ApiError::internal)?;
    Ok(root.is_some_and(|root| root.trusts(&public.kid())))
}

/// As [`may_sign`], as a refusal.
pub(super) async fn require_named(unit: &mut impl Unit, key: &SigningKey) -> Result<(), ApiError> {
    if may_sign(unit, key).await? {
        return Ok(());
    }
    Err(ApiError::Conflict(format!("The key needs {UNNAMED}.")))
}
