//! The sockets that every Aeolus server listens on, and the TLS of listeners and clients: certificates
//! that are renewed in place.

mod client;
mod files;
mod handed_over;
mod listener;
mod pause;
mod renewed;
mod server;

pub use client::{ClientFiles, ClientTls};
pub use files::{PairFiles, TlsFilesError};
pub use handed_over::HandedOver;
pub use listener::{BindError, Bound, Connection, Listener};
pub use pause::Pause;
pub use renewed::Renewed;
pub use server::ServerTls;
pub use tokio_rustls::server::TlsStream;
