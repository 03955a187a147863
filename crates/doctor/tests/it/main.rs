//! The shipped configurations have every guard, and the want of each is found.

#[cfg(test)]
mod apache;
#[cfg(test)]
mod caddy;
#[cfg(test)]
mod envoy;
#[cfg(test)]
mod haproxy;
#[cfg(test)]
mod nginx;
#[cfg(test)]
mod parsers;
#[cfg(test)]
mod probes;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod traefik;
