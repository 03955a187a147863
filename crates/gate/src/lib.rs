//! The data plane's server.
//!
//! Every request is decided here, from memory. Nothing on a request's path waits for the network
//! or touches a disk; what control has to say arrives beside it and is swapped in as a whole.

pub mod body;
pub mod exchange;
pub mod replica;
pub mod upstream;
