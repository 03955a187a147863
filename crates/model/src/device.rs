//! Device codes: signing in on a machine without a browser by one that has one (RFC 8628).

use std::time::Duration;

use crate::{SessionId, Time};

/// A machine's wish that somebody signs it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// Which client asks.
    pub client_id: String,
    /// What it is granted if somebody agrees, names separated by a space.
    pub scope: String,
    /// From which address it was asked; empty if that isn't known. It is shown to whoever decides.
    pub source: String,
    /// When it was asked.
    pub issued_at: Time,
    /// How far it is.
    pub stage: DeviceStage,
    /// When the machine last asked whether it is decided.
    pub polled_at: Option<Time>,
    /// How long it has to wait between two such questions.
    pub pace: Duration,
}

/// How far a device code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceStage {
    /// Nobody has decided.
    Pending,
    /// Somebody agreed, on whose session what it leads to hangs.
    Approved {
        /// The session.
        session: SessionId,
    },
    /// Somebody refused.
    Denied,
    /// It has led to tokens.
    Used,
}

/// Why a device code leads to nothing, or not yet (RFC 8628 §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Another client asks.
    #[error("the device code was given to another client")]
    Client,
    /// It has led to tokens before.
    #[error("the device code was used before")]
    Used,
    /// Its time is over.
    #[error("the device code has expired")]
    Expired,
    /// Somebody refused.
    #[error("somebody refused the device")]
    Denied,
    /// Nobody has decided, and the machine asks too often: from now on at this pace.
    #[error("the device asks too often")]
    TooFast(Duration),
    /// Nobody has decided.
    #[error("nobody has decided yet")]
    Pending,
}

impl DeviceCode {
    /// How long a code is good.
    pub const LIFE: Duration = Duration::from_secs(600);
    /// How long a machine waits between two questions.
    pub const PACE: Duration = Duration::from_secs(5);

    /// Whether somebody may still decide.
    pub fn is_open(&self, now: Time) -> bool {
        self.stage == DeviceStage::Pending && !self.has_expired(now)
    }

    /// What a client gets that presents the code now: the session that it may have tokens of.
    pub fn poll(&self, client: &str, now: Time) -> Result<SessionId, DeviceError> {
        if self.client_id != client {
            return Err(DeviceError::Client);
        }
        if self.stage == DeviceStage::Used {
            return Err(DeviceError::Used);
        }
        if self.has_expired(now) {
            return Err(DeviceError::Expired);
        }
        match self.stage {
            DeviceStage::Approved { session } => Ok(session),
            DeviceStage::Denied => Err(DeviceError::Denied),
            DeviceStage::Used => Err(DeviceError::Used),
            DeviceStage::Pending => Err(self.wait(now)),
        }
    }

    /// Each question that comes too early makes the pace slower, for good (§3.5).
    fn wait(&self, now: Time) -> DeviceError {
        let early = |at: &Time| now < at.plus(self.pace);
        match self.polled_at.as_ref().filter(|at| early(at)) {
            Some(_) => DeviceError::TooFast(self.pace.saturating_add(Self::PACE)),
            None => DeviceError::Pending,
        }
    }

    fn has_expired(&self, now: Time) -> bool {
        now >= self.issued_at.plus(Self::LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId::from_bytes([1; 16]);

    fn code(stage: DeviceStage) -> DeviceCode {
        DeviceCode {
            client_id: "cli".into(),
            scope: "openid".into(),
            source: String::new(),
            issued_at: Time::from_secs(1_000),
            stage,
            polled_at: None,
            pace: DeviceCode::PACE,
        }
    }

    #[test]
    fn o18_every_stage_has_its_answer_and_time_ends_all_but_used() {
        let approved = DeviceStage::Approved { session: SESSION };
        let (early, late) = (Time::from_secs(1_599), Time::from_secs(1_600));
        for (stage, before) in [
            (DeviceStage::Pending, Err(DeviceError::Pending)),
            (approved, Ok(SESSION)),
            (DeviceStage::Denied, Err(DeviceError::Denied)),
            (DeviceStage::Used, Err(DeviceError::Used)),
        ] {
            let code = code(stage);
            assert_eq!(code.poll("cli", early), before);
            assert_eq!(code.poll("gate", early), Err(DeviceError::Client));
            let after = match stage {
                DeviceStage::Used => Err(DeviceError::Used),
                _ => Err(DeviceError::Expired),
            };
            assert_eq!(code.poll("cli", late), after);
            assert_eq!(code.is_open(early), stage == DeviceStage::Pending);
            assert!(!code.is_open(late));
        }
    }

    #[test]
    fn o18_questions_that_come_too_early_slow_down_until_somebody_has_decided() {
        let asked = |pace, stage| DeviceCode {
            polled_at: Some(Time::from_secs(1_100)),
            pace: Duration::from_secs(pace),
            ..code(stage)
        };
        let at = |pace, secs| asked(pace, DeviceStage::Pending).poll("cli", Time::from_secs(secs));
        let slower = |secs| Err(DeviceError::TooFast(Duration::from_secs(secs)));
        assert_eq!(at(5, 1_104), slower(10));
        assert_eq!(at(5, 1_105), Err(DeviceError::Pending));
        assert_eq!(at(10, 1_109), slower(15));
        assert_eq!(at(10, 1_110), Err(DeviceError::Pending));
        let decided = asked(5, DeviceStage::Approved { session: SESSION });
        assert_eq!(decided.poll("cli", Time::from_secs(1_101)), Ok(SESSION));
    }
}
