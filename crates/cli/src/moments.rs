//! Moments as people say them.

use std::time::Duration;

use aeolus_model::Time;

/// A moment, by how far it is from now.
pub(crate) fn ahead(at: Time, now: Time) -> String {
    let text = spoken(at.since(now).max(now.since(at)));
    if at >= now {
        format!("in {text}")
    } else {
        format!("{text} ago")
    }
}

/// A length of time as people say it: its two largest units.
pub(crate) fn spoken(length: Duration) -> String {
    let mut rest = length.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(unit, _)| rest >= *unit);
    let shown = units.iter().skip(first.unwrap_or(3)).take(2);
    let mut parts = Vec::new();
    for (unit, name) in shown {
        if rest >= *unit || parts.is_empty() {
            parts.push(format!("{} {name}", rest / unit));
        }
        rest %= unit;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_said_in_their_two_largest_units() {
        let now = Time::from_secs(1_800_000_000);
        for (secs, shown) in [
            (7_200, "in 2 h"),
            (7_199, "in 1 h 59 min"),
            (59, "in 59 s"),
            (0, "in 0 s"),
            (31 * 86_400 + 5, "in 31 d"),
            (-90_000, "1 d 1 h ago"),
        ] {
            let at = Time::from_secs(now.secs() + secs);
            assert_eq!(ahead(at, now), shown);
        }
    }
}
