//! From when until when a token is good that is made for whoever was let in, and for how long it is the
//! same one: at gates, and at control where there is no gate.

use std::time::Duration;

use aeolus_keys::claims::Airflow2;
use aeolus_model::Time;

use crate::credential::Credential;
use crate::decision::Identity;

/// How long an Airflow token is good.
const LIFE: Duration = Duration::from_mins(5);

/// Tokens minted within one such stretch of time are the same token: it is replaced long before
/// it ends, and never minted twice however many ask at once.
const SLOT: Duration = Duration::from_mins(2);

/// Airflow allows 10 s of difference between clocks, which is not enough on its own.
const BACKDATE: Duration = Duration::from_secs(30);

/// The times of a token, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The number of the stretch of time that it is minted in.
    pub slot: i64,
    /// The end of its credential, where that comes before its own would. With the slot it says whether
    /// a token that is there already will do.
    pub capped: Option<i64>,
    /// `iat` and `nbf`.
    pub begins: i64,
    /// `exp`: no token outlives its credential. One that is made within the credential's leeway lives
    /// to the leeway's end.
    pub ends: i64,
}

impl Term {
    /// The number of the stretch of time that a moment is in.
    pub const fn slot_of(now: Time) -> i64 {
        now.secs().div_euclid(SLOT.as_secs().cast_signed())
    }

    /// The same, begun by the clock of those who will judge it too. Gate time is control's, which may be
    /// ahead of the machine that an Airflow runs on.
    #[must_use]
    pub fn begun_by(self, wall: Time) -> Self {
        let begins = self.begins.min(wall.minus(BACKDATE).secs());
        Self { begins, ..self }
    }
}

impl Identity {
    /// The term of a token minted now; none if the credential is at its end.
    pub fn term(&self, now: Time) -> Option<Term> {
        let (end, last) = (now.plus(LIFE), self.last(now));
        (last > now).then(|| Term {
            slot: Term::slot_of(now),
            capped: (last < end).then_some(last.secs()),
            begins: now.minus(BACKDATE).secs(),
            ends: end.min(last).secs(),
        })
    }

    /// The end of the credential: its own, or, past that, the one that its leeway gives it.
    fn last(&self, now: Time) -> Time {
        match &self.credential {
            Credential::Token(token) if Time::from_secs(token.expires) > now => {
                Time::from_secs(token.expires)
            }
            Credential::Token(_) | Credential::Session(_) => self.expires,
        }
    }

    /// What an Airflow 2 is told (row I9): by whom, for which host, and under which id of its own.
    pub fn airflow2(&self, (iss, aud): (&str, &str), term: Term, jti: String) -> Airflow2 {
        let role = self.role.map(|role| role.fab_name().to_owned());
        Airflow2 {
            iss: iss.to_owned(),
            aud: aud.to_owned(),
            sub: self.subject.id_text(),
            email: self.person.email.to_string(),
            full_name: self.person.name.to_string(),
            roles: role.into_iter().collect(),
            iat: term.begins,
            nbf: term.begins,
            exp: term.ends,
            jti,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aeolus_model::{Subject, UserId};

    use super::*;
    use crate::world::Person;

    fn until(expires: i64) -> Identity {
        Identity {
            subject: Subject::User(UserId::from_bytes([1; 16])),
            person: Arc::new(Person::default()),
            role: None,
            credential: crate::fixture::some_credential(),
            expires: Time::from_secs(expires),
            session: None,
        }
    }

    #[test]
    fn a_token_never_outlives_its_credential_and_is_the_same_for_a_while() {
        let now = Time::from_secs(1_200);
        let long = until(100_000).term(now).unwrap();
        assert_eq!((long.begins, long.ends, long.capped), (1_170, 1_500, None));
        let short = until(1_300).term(now).unwrap();
        assert_eq!((short.ends, short.capped), (1_300, Some(1_300)));
        assert_eq!(until(1_200).term(now), None);
        let ahead = long.begun_by(Time::from_secs(1_110));
        assert_eq!((ahead.begins, ahead.ends), (1_080, 1_500));
        assert_eq!(long.begun_by(Time::from_secs(1_290)), long);
        let slots = [1_200, 1_319, 1_320].map(|secs| Term::slot_of(Time::from_secs(secs)));
        assert_eq!(slots, [10, 10, 11]);
    }
}
