//! The crate's interface from outside, and the API server that it is tried against.

#[cfg(test)]
mod client;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod lead;
#[cfg(test)]
mod pass;
#[cfg(test)]
mod server;
