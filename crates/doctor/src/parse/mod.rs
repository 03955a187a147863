//! From a configuration's text to its tree. None of these panics, whatever the text.

mod nginx;

pub use nginx::nginx;
