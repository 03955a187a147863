//! The configuration of the servers: one YAML file, below the environment, below flags.

mod environment;
mod layers;
mod secret;
mod types;

pub(crate) use environment::{Environment, leaves};
pub(crate) use layers::{Flag, Sources};
pub(crate) use secret::{SecretSource, read_reference};
pub(crate) use types::{Compat, Config, Gate, LogFormat};
