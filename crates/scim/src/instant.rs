//! Moments as RFC 3339 writes them, to be compared.

/// Seconds since 1970 in UTC, and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(i64, u32);

impl Instant {
    /// Reads `2026-11-30T12:00:00.5+01:00`. Without a zone it is UTC, as some clients mean it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let year = number(bytes, 0..4)?;
        let month = number(bytes, 5..7)?;
        let day = number(bytes, 8..10)?;
        let hour = number(bytes, 11..13)?;
        let minute = number(bytes, 14..16)?;
        let second = number(bytes, 17..19)?;
        let separators = [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")];
        let separated = separators.iter().all(|(at, any)| {
            bytes
                .get(*at)
                .is_some_and(|byte| any.as_bytes().contains(byte))
        });
        let in_range = (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60;
        if !separated || !in_range {
            return None;
        }
        let (nanos, zone) = fraction(text.get(19..)?)?;
        let seconds =
            days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(Self(seconds - offset(zone)?, nanos))
    }
}

fn number(bytes: &[u8], range: std::ops::Range<usize>) -> Option<i64> {
    bytes.get(range)?.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

/// The digits behind the point as nanoseconds, and what follows.
fn fraction(rest: &str) -> Option<(u32, &str)> {
    let Some(rest) = rest.strip_prefix('.') else {
        return Some((0, rest));
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (digits, zone) = rest.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let nanos = (0..9).fold(0, |sum, place| {
        let digit = digits.as_bytes().get(place).map_or(0, |byte| byte - b'0');
        sum * 10 + u32::from(digit)
    });
    Some((nanos, zone))
}

/// A zone's seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    let hours = number(zone.as_bytes(), 1..3).filter(|hours| *hours < 24)?;
    let minutes = number(zone.as_bytes(), 4..6).filter(|minutes| *minutes < 60)?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let to_year = before * 365 + before / 4 - before / 100 + before / 400;
    let to_month: i64 = (1..month).map(|month| days_in(year, month)).sum();
    to_year - 719_162 + to_month + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_compared_across_zones_and_fractions() {
        let at = |text| Instant::parse(text).unwrap();
        assert_eq!(at("1970-01-01T00:00:00Z"), Instant(0, 0));
        assert_eq!(at("2026-11-30T12:00:00Z"), Instant(1_796_040_000, 0));
        assert_eq!(at("2000-03-01T00:00:00Z"), Instant(951_868_800, 0));
        assert_eq!(at("2026-11-30T13:00:00+01:00"), at("2026-11-30T12:00:00Z"));
        assert_eq!(at("2026-11-30T12:00:00"), at("2026-11-30T12:00:00.000z"));
        assert!(at("2026-11-30T12:00:00.25Z") > at("2026-11-30T12:00:00.2Z"));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "2026",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00é",
            "2026-01-01x00:00:00Z",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
