//! The crate's API from outside. Tests named `t…` and `o…` answer rows of the attack corpus.

#[cfg(test)]
mod claims;
#[cfg(test)]
mod header;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod property;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod seal;
#[cfg(test)]
mod signature;
#[cfg(test)]
mod status_list;
#[cfg(test)]
mod support;
#[cfg(test)]
mod wycheproof;
