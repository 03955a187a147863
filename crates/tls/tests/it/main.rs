//! Certificates at listeners and clients, over real sockets.

mod authority;
mod clients;
mod renewal;
