//! What the crate promises, through its public interface.

mod build;
mod patches;
mod root;
mod snapshot;
