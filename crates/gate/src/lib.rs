//! The data plane's server.
//!
//! Every request is decided here, from memory. Nothing on a decision's path waits for the network
//! or touches a disk; what control has to say arrives beside it and is swapped in as a whole. Only
//! where a rollout says `central`, control is asked as well about what the gate allows.

mod accept;
mod adapters;
mod again;
mod answer;
mod bind;
pub mod body;
mod caller;
pub mod check;
pub mod codec;
mod config;
pub mod drill;
pub mod exchange;
pub mod fastcgi;
pub mod forwarded;
mod gate;
pub mod grpc;
pub mod guard;
mod limits;
pub mod listeners;
pub mod memory;
pub mod observe;
mod patience;
pub mod ports;
mod provider;
pub mod proxy;
mod ready;
pub mod replica;
mod rollout;
mod running;
mod secret;
mod secured;
mod serve;
pub mod server;
pub mod session;
mod settings;
pub mod siblings;
mod trail;
pub mod upstream;
mod uses;

pub use config::{Bound, GateConfig, GateError, ListenerTls, Reload};
pub use gate::{Asking, Checking, Gate, Judged, Onward, Parts, Verdict};
pub use limits::{Caps, Limited, Load, Rates};
pub use patience::Patience;
pub use secret::{ClientKeys, InForce, Older, PlaneSecret};
pub use serve::serve;
pub use settings::{Live, Settings};
