//! Leaf parts for tests: what production takes from the machine, held still or made to fail.

pub mod chaos;
pub mod claims;
mod clock;
pub mod kube;
mod rng;

pub use clock::ManualClock;
pub use rng::SeededRng;
