//! Sessions renewed behind the checks' back.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use aeolus_api::plane::{Event, RenewRequest};
use aeolus_model::{DeploymentId, OrganizationId, SessionId, Time};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::control::{Control, ControlError};
use super::learnt::Learnt;
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
    /// It ended, everywhere or in the organization.
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
    order: std::collections::VecDeque<Question>,
    members: HashSet<(SessionId, OrganizationId)>,
}

/// A session that is to be renewed in an organization: each has its own lengths.
#[derive(Clone, Debug)]
struct Question {
    session: SessionId,
    deployment: DeploymentId,
    organization: OrganizationId,
    /// What control is told first of a session that began at this plane. Another replica may have begun
    /// it, and may never get to tell.
    begun: Option<Event>,
}

impl SessionRenewals {
    /// What is known of a session in an organization.
    pub fn get(&self, session: SessionId, organization: OrganizationId) -> Option<Renewal> {
        self.learnt.get(session, organization)
    }

    /// Asks for a renewal at a deployment of an organization, once per session and organization at a time. A
    /// full queue drops the question: the next check asks again. Of a session that began at this plane
    /// control is told first, by `begun`.
    pub fn request(
        &self,
        session: SessionId,
        (deployment, organization): (DeploymentId, OrganizationId),
        begun: Option<Event>,
    ) {
        let mut queue = lock(&self.queue);
        if queue.order.len() < QUEUE && queue.members.insert((session, organization)) {
            queue.order.push_back(Question {
                session,
                deployment,
                organization,
                begun,
            });
            drop(queue);
            self.asked.notify_one();
        }
    }

    /// Ends a session at this gate at once.
    pub fn end(&self, session: SessionId, now: Time) {
        self.learnt.end(session, now.plus(LONGEST), now);
    }

    /// Answers the next question; `Err` if control couldn't, and the question waits on.
    pub(crate) async fn work<C: Control>(
        &self,
        control: &C,
        now: Time,
    ) -> Result<(), ControlError> {
        let question = loop {
            let asked = self.asked.notified();
            let first = lock(&self.queue).order.front().cloned();
            match first {
                Some(question) => break question,
                None => asked.await,
            }
        };
        let Question {
            session,
            deployment,
            organization,
            begun,
        } = question;
        let at = (session, organization);
        let known = match begun {
            Some(begun) => tell(control, session, &begun).await?,
            None => true,
        };
        let request = RenewRequest { deployment };
        let answer = timeout(LIMIT, control.renew(session, &request))
            .await
            .unwrap_or_else(|_| Err(ControlError::Unavailable("no answer in time".into())));
        match answer {
            Ok(answer) => {
                let end = Time::from_secs(answer.access_end.min(answer.absolute_end));
                self.learnt.put(at, Renewal::Renewed(end), end, now);
            }
            // It may go on in others, each of which is asked about by itself.
            Err(ControlError::OverInOrganization) => {
                let until = now.plus(LONGEST);
                self.learnt.put(at, Renewal::Ended, until, now);
            }
            // Control could not be told of it, so that it doesn't know it means nothing.
            Err(ControlError::Refused { status: 404, .. }) if !known => {}
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
        queue.members.remove(&at);
        Ok(())
    }
}

/// Tells control of a session that began here; whether control took it in. However many replicas tell,
/// the key is the same, so it is heard once.
async fn tell<C: Control>(
    control: &C,
    session: SessionId,
    begun: &Event,
) -> Result<bool, ControlError> {
    let Ok(line) = serde_json::to_vec(begun) else {
        return Ok(false);
    };
    let key = format!("begun-{session}");
    match timeout(LIMIT, control.events(&key, line)).await {
        Ok(Ok(answer)) => Ok(answer.skipped == 0),
        Ok(Err(ControlError::Refused { status, text })) => {
            tracing::warn!(
                status,
                text,
                "control was not told of a session that began here"
            );
            Ok(false)
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(ControlError::Unavailable("no answer in time".into())),
    }
}
