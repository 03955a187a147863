//! The settings that sign-ins on their way began with, so that a change of them breaks none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aeolus_model::{ConnectionId, Time};
use aeolus_oidc::Connection;

use super::attempts::LIFE;
use crate::connections::SignIn;

/// More changes within ten minutes than anybody makes.
const MAX: usize = 256;

/// Settings by connection and revision. Another replica may not have them: then those of now count.
#[derive(Default)]
pub(super) struct Began(Mutex<HashMap<(ConnectionId, u64), (Connection, Time)>>);

impl Began {
    /// Notes that a sign-in begins.
    pub(super) fn note(&self, sign_in: &SignIn, now: Time) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (sign_in.id, sign_in.revision);
        if held.len() >= MAX && !held.contains_key(&key) {
            held.retain(|_, (_, at)| now < at.plus(LIFE));
        }
        if held.len() < MAX || held.contains_key(&key) {
            held.insert(key, (sign_in.connection.clone(), now));
        }
    }

    /// By what the answer to a sign-in is judged.
    pub(super) fn finishing(&self, sign_in: &SignIn, revision: u64) -> Connection {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get(&(sign_in.id, revision)) {
            Some((began, _)) if revision != sign_in.revision => sign_in.connection.finishing(began),
            _ => sign_in.connection.clone(),
        }
    }
}
