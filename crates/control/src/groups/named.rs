//! What a Team is called that stands for a group.

use std::fmt::Write as _;

use aeolus_keys::digest::sha256;
use aeolus_model::{ConnectionId, OrganizationId, Slug};
use aeolus_store::{StoreError, Unit};

/// Longest part that comes from the group's name, so that a hash of 32 digits fits behind it.
const MAX: usize = 30;

/// A name that nobody in the organization has. Where the group's own can't be written without loss, or is taken,
/// a hash of what the group is follows: two that look alike are never called alike.
pub(crate) async fn free(
    unit: &mut impl Unit,
    organization: OrganizationId,
    (connection, group): (ConnectionId, &str),
    text: &str,
) -> Result<Slug, StoreError> {
    let (plain, exact) = slug(text);
    if let Ok(name) = Slug::parse(&plain)
        && exact
        && unit.teams().by_name(organization, &name).await?.is_none()
    {
        return Ok(name);
    }
    let hash = hash(connection, group);
    let short: String = plain.chars().take(MAX).collect();
    let short = short.trim_end_matches('-');
    for digits in [8, 16] {
        let text = format!("{short}-{}", hash.get(..digits).unwrap_or_default());
        let name = Slug::parse(text.trim_start_matches('-'))
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        if unit.teams().by_name(organization, &name).await?.is_none() {
            return Ok(name);
        }
    }
    let whole = format!("{short}-{}", hash.get(..32).unwrap_or_default());
    Slug::parse(whole.trim_start_matches('-'))
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// The nearest there is, and whether nothing but case and the kind of separators was lost.
fn slug(text: &str) -> (String, bool) {
    let mut slug = String::new();
    let mut exact = true;
    for c in text.chars() {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            'A'..='Z' => slug.push(c.to_ascii_lowercase()),
            _ => {
                exact &= matches!(c, ' ' | '-' | '_' | '.' | '/' | ':');
                if !slug.is_empty() && !slug.ends_with('-') {
                    slug.push('-');
                }
            }
        }
    }
    let end = slug.trim_end_matches('-').len();
    slug.truncate(end);
    let fits = (1..=63).contains(&slug.len());
    (slug, exact && fits)
}

fn hash(connection: ConnectionId, group: &str) -> String {
    let bytes = [connection.as_bytes().as_slice(), group.as_bytes()].concat();
    let digest = sha256(&bytes);
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_as_near_as_can_be_and_says_if_something_was_lost() {
        for (text, expected, exact) in [
            ("data", "data", true),
            ("Data Engineers", "data-engineers", true),
            ("acme/data_eng", "acme-data-eng", true),
            (" --x-- ", "x", true),
            ("Domain Users (EU)", "domain-users-eu", false),
            // A Cyrillic letter that looks like an a.
            ("\u{430}dmins", "dmins", false),
            ("データ", "", false),
            ("---", "", false),
        ] {
            assert_eq!(slug(text), (expected.to_owned(), exact), "{text}");
        }
        assert!(!slug(&"x".repeat(64)).1 && slug(&"x".repeat(63)).1);
    }

    #[test]
    fn a_hash_is_of_the_connection_and_the_id() {
        let (one, other) = (
            ConnectionId::from_bytes([1; 16]),
            ConnectionId::from_bytes([2; 16]),
        );
        assert_eq!(hash(one, "a"), hash(one, "a"));
        assert_ne!(hash(one, "a"), hash(other, "a"));
        assert_ne!(hash(one, "a"), hash(one, "b"));
    }
}
