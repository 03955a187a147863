//! The plane secret: generations of it, what is derived from them, and what is sealed with them.

mod aead;
mod cookie;
mod generations;
mod keyring;
mod sibling;

pub(crate) use aead::{Aead, NONCE, TAG};
pub use cookie::{Purpose, SealError, Sealer};
pub(crate) use keyring::derive;
pub use keyring::{Generation, GenerationError, GenerationState, Keyring, OPENS_FOR};
pub use sibling::{SiblingMessage, SiblingSealer};
