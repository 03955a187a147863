//! The contract between planes: what control signs and a gate believes.

pub mod section;
