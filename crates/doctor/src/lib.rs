//! What a reverse proxy in front of a gate has to do, and what of it a configuration or a running
//! proxy lacks. Pure: files and sockets are the caller's.
//!
//! A configuration is read as its own tree, never searched as text, so that a guard in a comment or
//! in another server does not count. What can't be understood is a finding or an error, never silence.

mod apache;
mod caddy;
mod detect;
mod envoy;
mod finding;
mod guards;
mod haproxy;
mod kind;
mod nginx;
pub mod parse;
pub mod probe;
mod traefik;
mod tree;
mod yaml;

pub use detect::detect;
pub use finding::{Examined, Finding, Guard, Severity};
pub use kind::Kind;
pub use tree::{Directive, Malformed};

/// Files that stand next to the examined one, by name.
pub trait Beside {
    /// The text of the file of this name; none if it is not there.
    fn file(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Beside for F {
    fn file(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Compares a configuration with the guards of its proxy.
pub fn examine(kind: Kind, text: &str, beside: &dyn Beside) -> Result<Examined, Malformed> {
    match kind {
        Kind::Nginx => nginx::examine(text, beside),
        Kind::Caddy => caddy::examine(text, beside),
        Kind::Traefik => traefik::examine(text, beside),
        Kind::Envoy => envoy::examine(text),
        Kind::Haproxy => haproxy::examine(text, beside),
        Kind::Apache => apache::examine(text, beside),
    }
}
