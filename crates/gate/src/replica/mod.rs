//! A gate's copy of what control published: loaded from disk at once, kept fresh by a long poll,
//! replaced as a whole, used without ever waiting for the network.

mod age;
mod alarms;
mod backoff;
mod clock;
mod cold;
mod control;
mod data;
mod disk;
mod enrol;
pub mod fs;
mod install;
mod learnt;
mod news;
mod outbox;
mod persist;
mod rebuild;
mod remember;
mod renewal;
mod run;
mod secret_file;
mod share;
mod state;
mod stream;

pub use alarms::Alarms;
pub use clock::{BootClock, GateClock, SystemBootClock};
pub use control::{ApiControl, Control, ControlError};
pub use data::{Data, DataError, Settings};
pub use enrol::{EnrolError, enrol};
pub use install::{InstallError, Installation, install};
pub use outbox::{Denial, Outbox};
pub use renewal::{Renewal, SessionRenewals};
pub use run::{Counters, Reports, Tasks, run};
pub use secret_file::{SecretFile, SecretRead};
pub use share::{Handover, HandoverError};
pub(crate) use state::lock;
pub use state::{Applied, Held, Loaded, Parts, RefreshError, Replica, Revise};
