//! What was refused at the API, counted until it is written down: so that strangers can't fill the log,
//! and what callers with a good credential try is in it within seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_model::{Action, Actor, AuditEvent, Change, OrganizationId, Outcome, Time};
use aeolus_store::{Unit as _, Write};
use tokio_util::sync::CancellationToken;

use super::filter;
use crate::app::App;
use crate::authority::Authority;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};

/// How often what is known of is written.
const KNOWN_EVERY: Duration = Duration::from_secs(5);
/// After how many such rounds what strangers did is written too: once a minute.
const STRANGERS_EVERY: u32 = 12;
/// Lines of callers with a good credential, in a round: one of them can't take the others' places.
const KNOWN: Room = Room { all: 64, each: 16 };
/// Lines of strangers, who are all one, in a minute; one is for what is left.
const STRANGERS: Room = Room { all: 33, each: 32 };
/// The longest path that is written down.
const PATH: usize = 200;

/// What was refused, and is not written down yet.
#[derive(Default)]
pub(crate) struct Denials(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    known: Group,
    strangers: Group,
}

/// How many lines there are for refusals that can be told apart.
#[derive(Clone, Copy)]
struct Room {
    all: usize,
    /// Of one caller.
    each: usize,
}

/// Refusals that are alike, by what they have in common.
#[derive(Default)]
struct Group {
    seen: BTreeMap<Key, Denied>,
    /// How many more there were than there is room for.
    beyond: u64,
}

/// What refusals have in common that are one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    actor: String,
    source: String,
    /// The method, the route's pattern, whose log it goes into, and what it is about.
    what: String,
    code: &'static str,
}

/// Why, and about what, where a caller's refusals are too many to be told apart.
const TOO_MANY: (&str, &str) = ("too-many", "more than could be told apart");

struct Denied {
    actor: Actor,
    at: Time,
    /// The first of them.
    request: RequestInfo,
    target: String,
    /// The path's organization, as it was written.
    organization: Option<String>,
    code: &'static str,
    count: u64,
}

/// A refusal, as the edge sees it.
pub(crate) struct Refused<'a> {
    pub(crate) failure: &'a Failure,
    pub(crate) info: &'a RequestInfo,
    /// The route's pattern.
    pub(crate) route: &'a str,
    pub(crate) path: &'a str,
    /// What tells it apart from others at the route; nothing where one line is enough for all of a caller's.
    pub(crate) about: Option<&'a str>,
}

impl Refused<'_> {
    /// A 401 or 403 of the API. Proxies are told 401 at `/v1/authorization` whenever somebody isn't
    /// signed in yet: that is no refusal.
    fn counts(&self) -> bool {
        matches!(self.failure.status.as_u16(), 401 | 403)
            && self.route.starts_with("/v1/")
            && self.route != "/v1/authorization"
    }
}

impl Key {
    /// Of a caller's refusals that are too many to be told apart.
    fn rest(actor: String) -> Self {
        Self {
            actor,
            source: String::new(),
            what: String::new(),
            code: TOO_MANY.0,
        }
    }

    fn is_rest(&self) -> bool {
        self.code == TOO_MANY.0
    }
}

impl Denials {
    /// Counts a refusal, if it is one.
    pub(crate) fn note(&self, refused: &Refused<'_>, now: Time) {
        if !refused.counts() {
            return;
        }
        let known = refused.info.actor.get();
        let actor = known.cloned().unwrap_or(Actor::Anonymous);
        let (method, code) = (&refused.info.method, refused.failure.code);
        // A stranger chooses the path, but not the route.
        let shown = known.map_or(refused.route, |_| refused.path);
        let shown: String = shown.chars().take(PATH).collect();
        let organization = organization_in(refused.path);
        // A stranger's goes into nobody's log, so it needn't be told apart by that either.
        let whose = known.and(organization).unwrap_or_default();
        let about = refused.about.unwrap_or_default();
        let what = format!("{method} {} {whose} {about}", refused.route);
        let source = refused.info.source.clone();
        let key = Key {
            actor: filter::name(&actor),
            source,
            what,
            code,
        };
        let denied = Denied {
            actor,
            at: now,
            request: refused.info.clone(),
            target: format!("{method} {shown}"),
            organization: organization.map(str::to_owned),
            code,
            count: 1,
        };
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() {
            waiting.known.add(key, denied, KNOWN);
        } else {
            waiting.strangers.add(key, denied, STRANGERS);
        }
    }

    fn take(&self, strangers: bool) -> Waiting {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Waiting {
            known: std::mem::take(&mut waiting.known),
            strangers: if strangers {
                std::mem::take(&mut waiting.strangers)
            } else {
                Group::default()
            },
        }
    }

    /// Puts back what could not be written.
    fn keep(&self, unwritten: Waiting) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.known.merge(unwritten.known, KNOWN);
        waiting.strangers.merge(unwritten.strangers, STRANGERS);
    }
}

impl Group {
    fn add(&mut self, key: Key, denied: Denied, room: Room) {
        if let Some(seen) = self.seen.get_mut(&key) {
            seen.count = seen.count.saturating_add(denied.count);
        } else if key.is_rest() || self.of(&key.actor) >= room.each {
            self.add_rest(key.actor, denied);
        } else if self.seen.len() < room.all {
            self.seen.insert(key, denied);
        } else {
            self.beyond = self.beyond.saturating_add(denied.count);
        }
    }

    /// Lines of one caller that can be told apart.
    fn of(&self, actor: &str) -> usize {
        let own = |key: &&Key| key.actor == actor && !key.is_rest();
        self.seen.keys().filter(own).count()
    }

    /// What is too much to be told apart stays the caller's.
    fn add_rest(&mut self, actor: String, denied: Denied) {
        let (code, target) = TOO_MANY;
        let key = Key::rest(actor);
        let count = denied.count;
        let rest = self.seen.entry(key).or_insert_with(|| Denied {
            request: RequestInfo::default(),
            target: target.to_owned(),
            organization: None,
            code,
            count: 0,
            ..denied
        });
        rest.count = rest.count.saturating_add(count);
    }

    fn merge(&mut self, other: Self, room: Room) {
        self.beyond = self.beyond.saturating_add(other.beyond);
        for (key, denied) in other.seen {
            self.add(key, denied, room);
        }
    }

    fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.beyond == 0
    }
}

/// `{o}` of `/v1/organizations/{o}/…`.
fn organization_in(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/v1/organizations/")?;
    rest.split('/').next().filter(|text| !text.is_empty())
}

/// Writes refusals down until shutdown, and what is left then.
pub(super) async fn run(app: App, shutdown: CancellationToken) {
    let mut round: u32 = 0;
    loop {
        let stopping = tokio::select! {
            () = shutdown.cancelled() => true,
            () = tokio::time::sleep(KNOWN_EVERY) => false,
        };
        round = round.wrapping_add(1);
        let strangers = stopping || round.is_multiple_of(STRANGERS_EVERY);
        if let Err(error) = write_down(&app, strangers).await {
            tracing::warn!(%error, "refusals can't be written to the audit log; trying again");
        }
        if stopping {
            return;
        }
    }
}

async fn write_down(app: &App, strangers: bool) -> Result<(), ApiError> {
    let waiting = app.denials.take(strangers);
    if waiting.known.is_empty() && waiting.strangers.is_empty() {
        return Ok(());
    }
    let written = write(app, &waiting).await;
    if written.is_err() {
        app.denials.keep(waiting);
    }
    written
}

async fn write(app: &App, waiting: &Waiting) -> Result<(), ApiError> {
    let mut write = app.store.write().await?;
    for group in [&waiting.known, &waiting.strangers] {
        for denied in group.seen.values() {
            let organization = organization_of(app, &mut write, denied).await?;
            write.audit(event(app, denied, organization));
        }
        if group.beyond > 0 {
            let nobody = RequestInfo::default();
            write.audit(AuditEvent {
                outcome: Outcome::Denied,
                reason: TOO_MANY.0.to_owned(),
                target: TOO_MANY.1.to_owned(),
                changes: vec![Change::to("count", group.beyond.to_string())],
                ..nobody.event(app, Actor::Anonymous, Action::ApiDeny)
            });
        }
    }
    app.commit(write).await?;
    Ok(())
}

fn event(app: &App, denied: &Denied, organization: Option<OrganizationId>) -> AuditEvent {
    let count = Change::to("count", denied.count.to_string());
    let actor = denied.actor.clone();
    AuditEvent {
        at: denied.at,
        organization,
        outcome: Outcome::Denied,
        reason: denied.code.to_owned(),
        target: denied.target.clone(),
        changes: Vec::from_iter((denied.count > 1).then_some(count)),
        ..denied.request.event(app, actor, Action::ApiDeny)
    }
}

/// Into whose log it goes: the path's organization, if the caller may know of it. Strangers write into
/// nobody's.
async fn organization_of(
    app: &App,
    write: &mut Write,
    denied: &Denied,
) -> Result<Option<OrganizationId>, ApiError> {
    let Some(text) = &denied.organization else {
        return Ok(None);
    };
    if denied.actor == Actor::Anonymous {
        return Ok(None);
    }
    let found = match (text.parse(), text.parse()) {
        (Ok(id), _) => write.organizations().get(id).await?,
        (_, Ok(name)) => write.organizations().by_name(&name).await?,
        _ => None,
    };
    let authority = Authority::load(app, write, &denied.actor).await?;
    let found = found.map(|organization| organization.id);
    Ok(found.filter(|id| authority.knows(*id)))
}

#[cfg(test)]
mod tests;
