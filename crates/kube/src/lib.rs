//! Secrets of Kubernetes: copied from one namespace to those that need them, and kept equal.
//!
//! The Kubernetes library is linked here alone, behind [`Client`], whose interface has types of ours only.

mod client;
mod error;
mod names;
mod object;
pub mod pass;
pub mod sync;

pub use client::{
    Access, Allowed, Applied, Change, Client, Dry, Held, Lease, Namespace, Progress, Rollout,
    Scope, Seen, Verb, WaitingPod, Watched, Workload, WorkloadError, WorkloadKind,
};
pub use error::{KubeError, Told};
pub use names::{Name, NameError};
pub use object::{Data, Meta, Place, SecretObject, TLS};
