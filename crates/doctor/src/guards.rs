//! What the guards of several proxies have in common.

/// The headers by which a gate says who somebody is.
pub(crate) const IDENTITY: [&str; 4] = [
    "authorization",
    "x-aeolus-user",
    "x-aeolus-email",
    "x-aeolus-deployment",
];

/// The longest time in milliseconds that a check may take before it is given up.
pub(crate) const PATIENCE: u64 = 10_000;

/// A time such as `250ms`, `1s` or `60`, in milliseconds; `bare` is what a number without unit counts.
pub(crate) fn milliseconds(text: &str, bare: u64) -> Option<u64> {
    let digits = text.find(|next: char| !next.is_ascii_digit() && next != '.');
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let factor = match unit {
        "" => bare,
        "us" => return number.parse::<u64>().ok().map(|micros| micros / 1000),
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    // Tenths are enough to tell a quarter of a second from ten.
    let tenths = part.chars().next().and_then(|tenth| tenth.to_digit(10));
    whole.checked_add(u64::from(tenths.unwrap_or(0)).checked_mul(factor)? / 10)
}

/// Whether a time is set and short enough to fail soon.
pub(crate) fn soon(text: &str, bare: u64) -> bool {
    milliseconds(text, bare).is_some_and(|time| time > 0 && time <= PATIENCE)
}

/// Whether a check's path is the dialect's and ends with one deployment's id, written out.
pub(crate) fn pinned(path: &str, dialect: &str) -> bool {
    let behind = path.split_once("/authz/").map_or("", |(_, behind)| behind);
    let path = behind.split('?').next().unwrap_or_default();
    let id = path
        .strip_prefix(dialect)
        .and_then(|rest| rest.strip_prefix('/'));
    id.is_some_and(is_id)
}

/// Whether this is an id, not a variable and nothing empty.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 36
        && text
            .chars()
            .all(|next| next.is_ascii_hexdigit() || next == '-')
}

/// Whether a regular expression finds the names of headers that must not be hop-by-hop.
pub(crate) fn finds_hops(pattern: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    pattern.contains("authorization") && pattern.contains("x-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        assert_eq!(milliseconds("250ms", 1000), Some(250));
        assert_eq!(milliseconds("1", 1000), Some(1000));
        assert_eq!(milliseconds("0.25s", 1), Some(200));
        assert_eq!(milliseconds("1h", 1), Some(3_600_000));
        assert_eq!(milliseconds("$time", 1), None);
        assert!(soon("1s", 1) && !soon("60s", 1) && !soon("", 1) && !soon("0", 1));
    }

    #[test]
    fn a_pin_is_an_id_that_no_client_can_write() {
        let id = "00000000-0000-7000-8000-000000000000";
        assert!(pinned(&format!("http://gate/authz/nginx/{id}"), "nginx"));
        assert!(pinned(&format!("/authz/caddy/{id}?"), "caddy"));
        assert!(!pinned(&format!("/authz/caddy/{id}"), "nginx"));
        assert!(!pinned("http://gate/authz/nginx/$host", "nginx"));
        assert!(!pinned("http://gate/authz/nginx/", "nginx"));
    }
}
