//! The store's behaviour, the same on every engine.

mod tree;
