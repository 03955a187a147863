//! The sockets that every Aeolus server listens on.

mod handed_over;
mod listener;

pub use handed_over::HandedOver;
pub use listener::{BindError, Bound, Connection, Listener};
