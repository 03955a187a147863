//! Sessions renewed behind the checks' back.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use aeolus_api::plane::RenewRequest;
use aeolus_model::{DeploymentId, SessionId, Time};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::control::{Control, ControlError};
use super::state::lock;

const QUEUE: usize = 4096;
const KNOWN: usize = 200_000;
/// Longer than any session: a sealed cookie of an ended session can't outlive it.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);
const LIMIT: Duration = Duration::from_secs(5);

/// What this gate learnt of a session after its cookie was sealed. It wins over the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Control renewed it.
    Renewed {
        /// Good until then without another renewal.
        access_end: Time,
        /// Good until then at most.
        absolute_end: Time,
    },
    /// It ended, here or at control.
    Ended,
}

/// The answers, and the queue of questions. Checks only look things up; they never wait.
#[derive(Debug, Default)]
pub struct SessionRenewals {
    known: Mutex<HashMap<SessionId, (Renewal, Time)>>,
    queue: Mutex<Queue>,
    asked: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    order: std::collections::VecDeque<(SessionId, DeploymentId)>,
    members: HashSet<SessionId>,
}

impl SessionRenewals {
    /// What is known of a session.
    pub fn get(&self, session: SessionId) -> Option<Renewal> {
        lock(&self.known).get(&session).map(|(renewal, _)| *renewal)
    }

    /// Asks for a renewal, once per session at a time. A full queue drops the question: the next
    /// check asks again.
    pub fn request(&self, session: SessionId, deployment: DeploymentId) {
        let mut queue = lock(&self.queue);
        if queue.order.len() < QUEUE && queue.members.insert(session) {
            queue.order.push_back((session, deployment));
            drop(queue);
            self.asked.notify_one();
        }
    }

    /// Ends a session at this gate at once.
    pub fn end(&self, session: SessionId, now: Time) {
        self.learn(session, Renewal::Ended, now.plus(LONGEST), now);
    }

    fn learn(&self, session: SessionId, renewal: Renewal, until: Time, now: Time) {
        let mut known = lock(&self.known);
        if known.len() >= KNOWN {
            known.retain(|_, (_, until)| *until > now);
        }
        // An end is never forgotten for a renewal that was under way, nor for want of room.
        let ended = known
            .get(&session)
            .is_some_and(|(r, _)| *r == Renewal::Ended);
        if !ended && (known.len() < KNOWN || renewal == Renewal::Ended) {
            known.insert(session, (renewal, until));
        }
    }

    /// Answers the next question; `Err` if control couldn't, and the question waits on.
    pub(crate) async fn work<C: Control>(
        &self,
        control: &C,
        now: Time,
    ) -> Result<(), ControlError> {
        let (session, deployment) = loop {
            let asked = self.asked.notified();
            let first = lock(&self.queue).order.front().copied();
            match first {
                Some(question) => break question,
                None => asked.await,
            }
        };
        let request = RenewRequest { deployment };
        let answer = timeout(LIMIT, control.renew(session, &request))
            .await
            .unwrap_or_else(|_| Err(ControlError::Unavailable("no answer in time".into())));
        match answer {
            Ok(answer) => {
                let absolute_end = Time::from_secs(answer.absolute_end);
                let access_end = Time::from_secs(answer.access_end).min(absolute_end);
                let renewal = Renewal::Renewed {
                    access_end,
                    absolute_end,
                };
                self.learn(session, renewal, access_end, now);
            }
            Err(ControlError::Refused {
                status: 404 | 410, ..
            }) => self.end(session, now),
            // Another refusal says nothing of the session: it lives on to its own end.
            Err(ControlError::Refused { status, text }) => {
                tracing::warn!(status, text, "a session was not renewed");
            }
            Err(error) => return Err(error),
        }
        let mut queue = lock(&self.queue);
        queue.order.pop_front();
        queue.members.remove(&session);
        Ok(())
    }
}
