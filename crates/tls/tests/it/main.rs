//! Certificates at listeners and clients, over real sockets.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod renewal;
