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

/// Date and time of day in UTC (RFC 3339).
pub(crate) fn written(at: Time) -> String {
    let secs = at.secs();
    let (year, month, day) = aeolus_model::date(secs.div_euclid(86_400));
    let rest = secs.rem_euclid(86_400);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
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

    #[test]
    fn programs_read_moments_in_utc() {
        let at = Time::from_secs(1_800_000_000);
        assert_eq!(written(at), "2027-01-15T08:00:00Z");
    }
}
