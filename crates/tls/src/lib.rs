//! The sockets that every Aeolus server listens on, and the TLS of listeners and clients: certificates
//! that are renewed in place, and watched for their end.

mod alarm;
mod believed;
mod client;
mod clients;
mod connect;
mod dated;
mod figures;
mod files;
mod handed_over;
mod kept;
mod listener;
mod open_key;
mod pause;
mod renewed;
mod server;
mod told;
mod watched;

pub use alarm::Alarm;
pub use believed::{AuthorityFiles, Believed};
pub use client::{ClientFiles, ClientTls};
pub use clients::{ClientChain, Clients, ClientsFiles};
pub use connect::connect;
pub use figures::certificates;
pub use files::{PairFiles, TlsError, TlsFilesError};
pub use handed_over::HandedOver;
pub use kept::{Keeper, Kept, Member, Role};
pub use listener::{BindError, Bound, Connection, Listener};
pub use open_key::{OPEN_KEY, Others, open_to};
pub use pause::Pause;
pub use server::{Protocol, ServerTls};
pub use tokio_rustls::server::TlsStream;
pub use told::Told;
