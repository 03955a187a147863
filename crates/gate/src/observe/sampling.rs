//! Which of many are looked at more closely.

use std::num::NonZeroU64;

/// One in so many; none at all where there is no number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share(Option<NonZeroU64>);

impl Share {
    /// A share from 0 (none) to 1 (all); anything else is taken for the nearer of the two.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float beyond the range saturates, which is what is wanted"
    )]
    pub fn of(share: f64) -> Self {
        if share > 0.0 {
            Self(NonZeroU64::new((1.0 / share.min(1.0)).round() as u64))
        } else {
            Self(None)
        }
    }

    /// Whether one is picked, given how many there were before it: the first always is.
    pub(crate) fn picks(self, before: u64) -> bool {
        self.0.is_some_and(|every| before % every == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_picks_as_many_as_it_says() {
        let picked = |share| (0..10_000).filter(|n| Share::of(share).picks(*n)).count();
        assert_eq!(picked(0.001), 10);
        assert_eq!(picked(0.5), 5_000);
        assert_eq!(picked(1.0), 10_000);
        assert_eq!(picked(7.0), 10_000);
        assert_eq!(picked(0.0), 0);
        assert_eq!(picked(-1.0), 0);
        assert_eq!(picked(f64::NAN), 0);
        assert_eq!(picked(f64::MIN_POSITIVE), 1);
    }
}
