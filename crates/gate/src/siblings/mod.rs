//! Replicas of one plane help each other: one that starts without a snapshot while control is away
//! gets it from another, and decides like that one from then on.
//!
//! A question and its answer are sealed with the plane secret, so it takes no TLS between replicas, and
//! they may have it all the same: who has not got the secret can ask nothing, read nothing and answer nothing. What is in force
//! already is never replaced this way.

mod answer;
mod ask;
mod peer;

pub use answer::Siblings;
pub(crate) use ask::begin;
pub use peer::{Peer, PeerError};

use std::sync::Arc;

use aeolus_api::Listen;
use aeolus_api::trust::Trust;

/// Where siblings meet.
#[derive(Clone, Debug, Default)]
pub struct SiblingConfig {
    /// Where this replica answers, if it does.
    pub listen: Option<Listen>,
    /// Where the others are.
    pub peers: Vec<Peer>,
    /// Whom those are believed by that speak TLS; none: the system's authorities.
    pub trust: Option<Arc<Trust>>,
}

/// The one path that siblings ask at.
const PATH: &str = "/v1/replica";

/// A question's content: so many random bytes, and no more of them sealed.
const QUESTION: usize = 32;

/// Most bytes of a sealed question.
const SEALED_QUESTION: usize = 128;

/// Most bytes of an answer: far more than the snapshot of a plane with 100,000 people takes.
const ANSWER: usize = 512 * 1024 * 1024;
