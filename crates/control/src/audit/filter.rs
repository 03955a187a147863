//! What is asked of the audit log.

use aeolus_model::{Actor, AuditEvent, Email, Outcome, Time};
use aeolus_store::{AuditCursor, Direction, Read, Unit as _};

use crate::error::ApiError;
use crate::extract::Query;

/// Which lines are wanted.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// An actor's id, or `system` or `anonymous`.
    actor: Option<String>,
    /// An action, or with a final `*` all that begin so.
    action: Option<String>,
    target: Option<String>,
    outcome: Option<Outcome>,
    pub(super) since: Option<Time>,
    pub(super) until: Option<Time>,
}

impl Filter {
    /// `?actor=&action=&target=&outcome=&since=&until=`. A person may be named by their address.
    pub(super) async fn of(query: &Query, view: &mut Read) -> Result<Self, ApiError> {
        let text = |name| query.0.get(name).map(str::to_owned);
        let actor = match text("actor") {
            Some(actor) if actor.contains('@') => Some(id_of(&actor, view).await?),
            other => other,
        };
        let outcome = match query.0.get("outcome") {
            None => None,
            Some("success") => Some(Outcome::Success),
            Some("denied") => Some(Outcome::Denied),
            Some("failure") => Some(Outcome::Failure),
            Some(_) => {
                let message = "use success, denied or failure";
                return Err(ApiError::field("outcome", message));
            }
        };
        let (since, until) = period(query)?;
        Ok(Self {
            actor,
            action: text("action"),
            target: text("target"),
            outcome,
            since,
            until,
        })
    }

    pub(super) fn fits(&self, event: &AuditEvent) -> bool {
        let action = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => event.action.name().starts_with(start),
            None => event.action.name() == wanted,
        };
        self.actor
            .as_ref()
            .is_none_or(|id| *id == name(&event.actor))
            && self.action.as_ref().is_none_or(action)
            && self.target.as_ref().is_none_or(|t| *t == event.target)
            && self.outcome.is_none_or(|outcome| outcome == event.outcome)
            && self.since.is_none_or(|since| event.at >= since)
            && self.until.is_none_or(|until| event.at <= until)
    }
}

/// `?since=&until=`, in seconds. A second that is named belongs to both.
pub(super) fn period(query: &Query) -> Result<(Option<Time>, Option<Time>), ApiError> {
    let moment = |name: &str| match query.0.get(name) {
        None => Ok(None),
        Some(text) => {
            let secs = text.parse::<i64>().ok();
            let secs = secs.filter(|secs| (0..=253_402_300_799).contains(secs));
            let wrong = || ApiError::field(name, "use seconds since 1970");
            secs.map(Some).ok_or_else(wrong)
        }
    };
    let since = moment("since")?.map(Time::from_secs);
    let last_of = |secs: i64| Time::from_millis(secs * 1000 + 999);
    Ok((since, moment("until")?.map(last_of)))
}

/// `?order=newest`.
pub(super) fn direction(query: &Query) -> Result<Direction, ApiError> {
    match query.0.get("order") {
        None | Some("oldest") => Ok(Direction::OldestFirst),
        Some("newest") => Ok(Direction::NewestFirst),
        Some(_) => Err(ApiError::field("order", "use oldest or newest")),
    }
}

/// The id of somebody. An address that nobody has is no line's actor: whether anybody has it shows nowhere (A1).
async fn id_of(address: &str, view: &mut Read) -> Result<String, ApiError> {
    let none = || ApiError::field("actor", "this is no address; use an id");
    let email = Email::parse(address).map_err(|_| none())?;
    let user = view.users().by_email(&email).await?;
    Ok(user.map_or(email.to_string(), |user| user.id.to_string()))
}

/// An actor's id, or what they are.
pub(super) fn name(actor: &Actor) -> String {
    match actor {
        Actor::User(id) => id.to_string(),
        Actor::Token(id) => id.to_string(),
        Actor::Plane(id) => id.to_string(),
        Actor::Scim(client) => client.clone(),
        Actor::System => "system".to_owned(),
        Actor::Anonymous => "anonymous".to_owned(),
    }
}

/// The place before a line.
pub(super) const fn before(at: AuditCursor) -> AuditCursor {
    match at.ordinal.checked_sub(1) {
        Some(ordinal) => AuditCursor {
            position: at.position,
            ordinal,
        },
        None => AuditCursor {
            position: at.position.saturating_sub(1),
            ordinal: u32::MAX,
        },
    }
}
