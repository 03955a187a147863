//! What the crate promises, through its public interface.

#[cfg(test)]
mod build;
#[cfg(test)]
mod carry;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod editions;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod model;
#[cfg(test)]
mod patches;
#[cfg(test)]
mod root;
#[cfg(test)]
mod snapshot;
