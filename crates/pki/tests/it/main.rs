//! The crate's interface from outside.

#[cfg(test)]
mod asked;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod check;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod input;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod kube;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod state;
#[cfg(test)]
mod support;
