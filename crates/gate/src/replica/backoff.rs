//! How long to leave control alone after a failure.

use std::time::Duration;

use aeolus_model::Rng;

const FIRST: Duration = Duration::from_millis(200);
/// Half of what a fleet may take to be right again after an outage.
const LAST: Duration = Duration::from_secs(15);
const LONGEST_WISH: Duration = Duration::from_secs(60);

/// Exponential backoff with full jitter: many gates that lost control together don't come back
/// together.
#[derive(Debug, Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    /// The pause after another failure. Control's own wish counts up to a minute.
    pub(crate) fn next(&mut self, rng: &dyn Rng, wish: Option<Duration>) -> Duration {
        self.0 = self.0.saturating_add(1);
        let ceiling = FIRST.saturating_mul(1 << self.0.min(16)).min(LAST);
        let mut bytes = [0; 4];
        rng.fill(&mut bytes);
        let part = f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX);
        let pause = FIRST + (ceiling.saturating_sub(FIRST)).mul_f64(part);
        wish.map_or(pause, |wish| wish.min(LONGEST_WISH).max(pause))
    }

    pub(crate) fn reset(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aeolus_testkit::SeededRng;

    #[test]
    fn f12_pauses_are_spread_and_a_wish_counts_up_to_a_minute() {
        let rng = SeededRng::new("backoff");
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..1000).map(|_| backoff.next(&rng, None)).collect();
        assert!(pauses[0] <= Duration::from_millis(400));
        assert!(pauses.iter().all(|p| (FIRST..=LAST).contains(p)));
        let late = &pauses[10..];
        assert!(late.iter().any(|p| *p < Duration::from_secs(3)));
        assert!(late.iter().any(|p| *p > Duration::from_secs(13)));
        let wish = backoff.next(&rng, Some(Duration::from_secs(3600)));
        assert_eq!(wish, LONGEST_WISH);
    }
}
