//! What the crate promises, through its public interface.

#[cfg(test)]
mod build;
#[cfg(test)]
mod patches;
#[cfg(test)]
mod root;
#[cfg(test)]
mod snapshot;
