//! Sessions renewed behind the checks' back.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use aeolus_api::plane::RenewRequest;
use aeolus_model::{DeploymentId, SessionId, Time};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::control::{Control, ControlError};
use super::learnt::Learnt;
use super::outbox::Outbox;
use super::state::lock;

const QUEUE: usize = 4096;
/// Longer than any session: a sealed cookie of an ended session can't outlive it.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);
const LIMIT: Duration = Duration::from_secs(5);

/// What this gate learnt of a session after its cookie was sealed. It wins over the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Control renewed it: it is good until then without another renewal.
    Renewed(Time),
    /// It ended, here or at control.
    Ended,
}

/// The answers, and the queue of questions. Checks only look answers up, without a lock.
#[derive(Debug, Default)]
pub struct SessionRenewals {
    learnt: Learnt,
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
        self.learnt.get(session)
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
        let until = now.plus(LONGEST);
        self.learnt.put(session, Renewal::Ended, until, now);
    }

    /// Answers the next question; `Err` if control couldn't, and the question waits on.
    pub(crate) async fn work<C: Control>(
        &self,
        control: &C,
        outbox: &Outbox,
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
        let told = outbox.is_told();
        let answer = timeout(LIMIT, control.renew(session, &request))
            .await
            .unwrap_or_else(|_| Err(ControlError::Unavailable("no answer in time".into())));
        match answer {
            Ok(answer) => {
                let end = Time::from_secs(answer.access_end.min(answer.absolute_end));
                self.learnt.put(session, Renewal::Renewed(end), end, now);
            }
            // It may have begun here, and control has not been told: the next check asks again.
            Err(ControlError::Refused { status: 404, .. }) if !told => {}
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
