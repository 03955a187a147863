//! Days and times of day as people read them, in UTC.

/// A moment, given in seconds since 1970: `2026-12-24 18:00 UTC`.
pub fn moment(secs: i64) -> String {
    let (day, second) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = date(day);
    let (hour, minute) = (second / 3600, second % 3600 / 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// A moment as RFC 3339 writes it: `2026-12-24T18:00:00Z`.
pub fn rfc3339(secs: i64) -> String {
    let (day, second) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = date(day);
    let (hour, minute, second) = (second / 3600, second % 3600 / 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day since 1970-01-01. Years are counted from March, so that the leap day comes
/// last.
pub const fn date(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        assert_eq!(moment(0), "1970-01-01 00:00 UTC");
        assert_eq!(moment(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(moment(1_800_000_000), "2027-01-15 08:00 UTC");
        assert_eq!(moment(4_107_542_399), "2100-02-28 23:59 UTC");
        assert_eq!(moment(4_107_542_400), "2100-03-01 00:00 UTC");
    }
}
