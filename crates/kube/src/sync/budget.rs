//! How much may be deleted at once: an empty answer or a wrong selector must not empty a cluster.

/// The limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// At most 20, and no more than half of what there is where that is more than [`Self::FEW`].
    Careful,
    /// None.
    Force,
}

/// Deletions that were held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} of {owned} copies would be deleted at once")]
pub struct HeldBack {
    /// How many.
    pub wanted: usize,
    /// Of how many.
    pub owned: usize,
}

impl Budget {
    /// How many may always go.
    pub const FEW: usize = 3;
    const MOST: usize = 20;

    /// Whether so many of so many may be deleted.
    pub(super) const fn check(self, wanted: usize, owned: usize) -> Result<(), HeldBack> {
        let is_much = wanted > Self::MOST || (wanted > Self::FEW && wanted * 2 > owned);
        match self {
            Self::Careful if is_much => Err(HeldBack { wanted, owned }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_at_once_is_held_back() {
        for (wanted, owned, fine) in [
            (0, 0, true),
            (1, 1, true),
            (3, 3, true),
            (4, 7, false),
            (4, 8, true),
            (20, 40, true),
            (20, 39, false),
            (21, 1000, false),
        ] {
            assert_eq!(
                Budget::Careful.check(wanted, owned).is_ok(),
                fine,
                "{wanted} of {owned}"
            );
            assert!(Budget::Force.check(wanted, owned).is_ok());
        }
    }
}
