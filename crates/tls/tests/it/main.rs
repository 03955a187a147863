//! Certificates at listeners and clients, over real sockets.

mod authority;
mod renewal;
