//! Leaf parts for tests: what production takes from the machine, held still.

mod clock;
mod rng;

pub use clock::ManualClock;
pub use rng::SeededRng;
