//! What providers say of themselves, kept for a while: a document and keys for each, asked for by whoever
//! needs them first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::egress::{Egress, Reach, reach_of};
use aeolus_keys::{ForeignKey, JwkSet};
use aeolus_model::{ConnectionId, Time};
use aeolus_oidc::{Connection, Discovery};
use bytes::Bytes;
use tokio::sync::{Mutex as Turn, Semaphore, SemaphorePermit};

use super::trouble::Trouble;
use crate::signin::turn::{self, Sources};

/// So long something counts without being asked for again.
const FRESH: Duration = Duration::from_secs(600);
/// So long it counts while the provider is away.
const STALE: Duration = Duration::from_secs(86_400);
/// Who asked in vain doesn't ask again before this, if there is something to go on with.
const REST: Duration = Duration::from_secs(30);
/// And if there is nothing.
const SHORT_REST: Duration = Duration::from_secs(5);
/// A key that nobody knows makes one new fetch in so long, whoever asks.
const UNKNOWN_KEY: Duration = Duration::from_secs(30);
/// Sign-ins that wait for one provider at once: one that hangs keeps its own only. As many again wait for what
/// comes of their answers, so that whoever sends answers keeps nobody from beginning.
const PLACES: usize = 64;
/// Of those who wait with answers, so many come from one source.
const OF_ONE_SOURCE: usize = 16;
/// More than anybody configures; what is beyond is forgotten and asked for again.
const MAX: usize = 512;

/// The providers that were asked, by connection and document.
#[derive(Default)]
pub(super) struct Providers(Mutex<HashMap<(ConnectionId, String), Arc<Provider>>>);

/// One of them.
pub(super) struct Provider {
    document: Turn<Kept<Bytes>>,
    keys: Turn<KeptKeys>,
    starts: Semaphore,
    answers: Semaphore,
    sources: Sources,
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// To be sent there, to sign in or out.
    Start,
    /// What comes of its answer, from a source.
    Answer(&'a str),
}

/// A place, until it is dropped.
pub(super) struct Held<'a> {
    _place: SemaphorePermit<'a>,
    _source: Option<turn::Place>,
}

/// How much a document's age matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// To begin something.
    Fresh,
    /// To go on with what was begun: what is there will do.
    Any,
}

#[derive(Default)]
struct KeptKeys {
    /// Where they are from.
    url: String,
    set: Kept<JwkSet>,
}

/// Something fetched, and what came of the last attempt.
struct Kept<T> {
    held: Option<(T, Time)>,
    failed: Option<(Trouble, Time)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            held: None,
            failed: None,
        }
    }
}

impl Providers {
    /// That of a connection.
    pub(super) fn of(&self, id: ConnectionId, connection: &Connection) -> Arc<Provider> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MAX {
            held.clear();
        }
        let key = (id, connection.discovery().document());
        Arc::clone(held.entry(key).or_insert_with(|| {
            Arc::new(Provider {
                document: Turn::default(),
                keys: Turn::default(),
                starts: Semaphore::new(PLACES),
                answers: Semaphore::new(PLACES),
                sources: Sources::of_each(OF_ONE_SOURCE),
            })
        }))
    }
}

impl Provider {
    /// A place among those who wait for it.
    pub(super) fn place(&self, place: Place<'_>) -> Result<Held<'_>, Trouble> {
        let (places, source) = match place {
            Place::Start => (&self.starts, None),
            Place::Answer(source) => {
                let source = self.sources.enter(source.to_owned());
                (&self.answers, Some(source.ok_or(Trouble::Busy)?))
            }
        };
        Ok(Held {
            _place: places.try_acquire().map_err(|_| Trouble::Busy)?,
            _source: source,
        })
    }

    /// Its document. One that can't be used leaves the last good one.
    pub(super) async fn discovery(
        &self,
        egress: &Egress,
        connection: &Connection,
        (need, now): (Need, Time),
    ) -> Result<Discovery, Trouble> {
        if let Some(github) = Discovery::of_github(connection) {
            return Ok(github);
        }
        let mut kept = self.document.lock().await;
        if kept.is_due(need, now) {
            let url = connection.discovery().document();
            let body = egress.get(&url, Reach::Configured).await;
            let body = body.map_err(Trouble::unreachable("discovery"));
            let usable = body.and_then(|body| {
                Discovery::parse(connection, &body)?;
                Ok(body)
            });
            kept.take(usable, now);
        }
        let body = kept.value(now)?;
        Ok(Discovery::parse(connection, body)?)
    }

    /// Its keys, for the algorithms that it announces. `unknown`: a token names one that isn't among them.
    pub(super) async fn keys(
        &self,
        egress: &Egress,
        (connection, discovery): (&Connection, &Discovery),
        (unknown, now): (bool, Time),
    ) -> Result<Vec<ForeignKey>, Trouble> {
        let Some(url) = discovery.jwks_uri() else {
            return Ok(Vec::new());
        };
        let mut kept = self.keys.lock().await;
        if kept.url != url {
            *kept = KeptKeys {
                url: url.to_owned(),
                set: Kept::default(),
            };
        }
        if kept.set.is_due(Need::Fresh, now) || (unknown && kept.set.is_old(UNKNOWN_KEY, now)) {
            let reach = reach_of(url, &connection.discovery().document());
            let body = egress.get(url, reach).await;
            let body = body.map_err(Trouble::unreachable("keys"));
            let usable = body.and_then(|body| {
                let set = JwkSet::parse(&body)?;
                set.foreign_keys_for(discovery.algorithms())?;
                Ok(set)
            });
            kept.set.take(usable, now);
        }
        let set = kept.set.value(now)?;
        Ok(set.foreign_keys_for(discovery.algorithms())?)
    }
}

impl<T> Kept<T> {
    fn is_due(&self, need: Need, now: Time) -> bool {
        let rest = if self.held.is_some() {
            REST
        } else {
            SHORT_REST
        };
        if self
            .failed
            .as_ref()
            .is_some_and(|(_, at)| now < at.plus(rest))
        {
            return false;
        }
        match (&self.held, need) {
            (None, _) => true,
            (Some((_, at)), Need::Fresh) => now >= at.plus(FRESH),
            (Some((_, at)), Need::Any) => now >= at.plus(STALE),
        }
    }

    /// Whether nobody has asked for so long.
    fn is_old(&self, age: Duration, now: Time) -> bool {
        let fetched = self.held.as_ref().map(|(_, at)| *at);
        let failed = self.failed.as_ref().map(|(_, at)| *at);
        let last = fetched.max(failed);
        last.is_none_or(|at| now >= at.plus(age))
    }

    fn take(&mut self, fetched: Result<T, Trouble>, now: Time) {
        match fetched {
            Ok(value) => {
                self.held = Some((value, now));
                self.failed = None;
            }
            Err(trouble) => self.failed = Some((trouble, now)),
        }
    }

    /// What there is, unless it is too old by now.
    fn value(&self, now: Time) -> Result<&T, Trouble> {
        let held = self.held.as_ref().filter(|(_, at)| now < at.plus(STALE));
        match (held, &self.failed) {
            (Some((value, _)), _) => Ok(value),
            (None, Some((trouble, _))) => Err(trouble.clone()),
            (None, None) => Err(Trouble::Busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Time {
        Time::from_secs(secs)
    }

    #[test]
    fn what_is_fetched_counts_for_a_while_and_for_longer_while_nobody_answers() {
        let mut kept = Kept::default();
        assert!(kept.is_due(Need::Any, at(0)) && kept.value(at(0)).is_err());
        kept.take(Err(Trouble::Busy), at(0));
        assert!(!kept.is_due(Need::Fresh, at(4)) && kept.is_due(Need::Fresh, at(5)));
        kept.take(Ok("one"), at(10));
        assert!(!kept.is_due(Need::Fresh, at(609)) && kept.is_due(Need::Fresh, at(610)));
        assert!(!kept.is_due(Need::Any, at(610)), "what was begun goes on");
        kept.take(Err(Trouble::Busy), at(700));
        assert!(!kept.is_due(Need::Fresh, at(729)) && kept.is_due(Need::Fresh, at(730)));
        assert_eq!(kept.value(at(86_409)).ok(), Some(&"one"));
        assert!(kept.value(at(86_410)).is_err());
    }

    #[test]
    fn an_unknown_key_asks_once_in_half_a_minute() {
        let mut kept = Kept::default();
        kept.take(Ok(()), at(100));
        assert!(!kept.is_old(UNKNOWN_KEY, at(129)) && kept.is_old(UNKNOWN_KEY, at(130)));
        kept.take(Err(Trouble::Busy), at(130));
        assert!(!kept.is_old(UNKNOWN_KEY, at(159)) && kept.is_old(UNKNOWN_KEY, at(160)));
    }
}
