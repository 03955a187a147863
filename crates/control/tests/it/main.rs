//! Control through its router: SQLite, a clock that stands still, randomness by name.

mod apply;
mod coverage;
mod fixture;
mod planes;
mod provider;
mod publish;
mod served;
mod signin;
mod tenancy;
mod tokens;
