//! The plane secret: generations of it, what is derived from them, and the sealed cookies they open.

mod aead;
mod cookie;
mod keyring;

pub(crate) use aead::{Aead, NONCE, TAG};
pub use cookie::{Purpose, SealError, Sealer};
pub(crate) use keyring::derive;
pub use keyring::{Generation, GenerationError, GenerationState, Keyring, OPENS_FOR};
