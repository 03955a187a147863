//! A place at each deployment for what its gate wants at hand.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Holds one value of the gate's choice, counters above all, so that the request path finds them
/// without looking anything up. Empty in every new world, filled once; a decision never reads it.
#[derive(Default)]
pub struct Seat(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Seat {
    /// What is kept here; `fill` makes it if nothing is. None if a value of another type is.
    pub fn get_or_fill<T: Any + Send + Sync>(&self, fill: impl FnOnce() -> Arc<T>) -> Option<&T> {
        self.0.get_or_init(|| fill()).downcast_ref()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat")
    }
}

/// What is kept about a deployment is no part of what it is.
impl PartialEq for Seat {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Seat {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_stays_and_another_type_is_not_there() {
        let seat = Seat::default();
        assert_eq!(seat.get_or_fill(|| Arc::new(1_u8)), Some(&1));
        assert_eq!(seat.get_or_fill(|| Arc::new(2_u8)), Some(&1));
        assert_eq!(seat.get_or_fill(|| Arc::new("x")), None);
    }
}
