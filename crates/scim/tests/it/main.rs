//! What the engine makes of requests: each rule and form by its number.

#[cfg(test)]
mod bulk;
#[cfg(test)]
mod checklist;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod entra;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod okta;
#[cfg(test)]
mod pitfalls;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod support;
