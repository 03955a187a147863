//! Harmless requests to a running proxy, and what a well-guarded one answers.
//!
//! None carries a credential and none changes anything, so a proxy that does what it should refuses
//! each of them or sends it to sign in. The bytes matter: clients for HTTP would repair most of them.

mod answer;
mod requests;

pub use answer::{Answer, Read, read};
pub use requests::PROBES;

use crate::finding::Guard;

/// The largest part of an answer that is read.
pub const MOST: usize = 16 * 1024;

/// A deployment behind a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What clients write into `Host`.
    pub host: String,
    /// The path below which the deployment is; empty or without a slash at its end.
    pub base: String,
}

/// One request, and the guard whose want its answer shows.
pub struct Probe {
    /// What it tries.
    pub tries: &'static str,
    /// What is not there if it is answered otherwise.
    pub guard: Guard,
    request: fn(&Target) -> String,
    holds: fn(&Answer) -> bool,
}

impl Probe {
    /// Its bytes.
    pub fn request(&self, target: &Target) -> Vec<u8> {
        (self.request)(target).into_bytes()
    }

    /// Whether this is what a proxy with the guard answers.
    pub fn holds(&self, answer: &Answer) -> bool {
        (self.holds)(answer)
    }
}
