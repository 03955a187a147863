//! The crate's API from outside.

mod round_trip;
