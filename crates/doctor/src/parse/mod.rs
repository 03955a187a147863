//! From a configuration's text to its tree. None of these panics, whatever the text.

mod apache;
mod caddy;
mod haproxy;
mod nginx;
mod words;

pub use apache::apache;
pub use caddy::caddy;
pub use haproxy::haproxy;
pub use nginx::nginx;
