//! How long a session lasts in an organization: the shorter of the installation's word and its own.

use std::time::Duration;

use aeolus_api::policy::Policy;
use aeolus_model::{Session, Time};

use crate::app::App;

/// Bounds of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    access: Duration,
    absolute: Option<Duration>,
}

impl Life {
    /// At control itself.
    pub(crate) fn here(app: &App) -> Self {
        Self {
            access: app.session.access,
            absolute: None,
        }
    }

    /// In an organization.
    pub(crate) fn under(app: &App, policy: &Policy) -> Self {
        let here = Self::here(app);
        match policy.session_life {
            None => here,
            Some(life) => Self {
                access: here.access.min(life.unused()),
                absolute: Some(life.absolute()),
            },
        }
    }

    /// When a session ends, whatever happens.
    pub(crate) fn absolute_end(self, session: &Session) -> Time {
        let end = session.absolute_end;
        self.absolute
            .map_or(end, |life| end.min(session.auth_time.plus(life)))
    }

    /// When a session has to be renewed that is used now.
    pub(crate) fn access_end(self, session: &Session, now: Time) -> Time {
        now.plus(self.access).min(self.absolute_end(session))
    }
}
