//! Whose certificate a gate shows: what it says of planes.

use aeolus_model::{PlaneId, Slug};
use aeolus_pki::{Certificate, San};
use aeolus_store::Plane;

/// `urn:aeolus:plane:ID` or `urn:aeolus:plane:NAME`.
const PREFIX: &str = "urn:aeolus:plane:";

/// The planes that a certificate names among its alternative names. The common name says nothing: identity is
/// read from URIs alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PlaneNames(Vec<PlaneName>);

#[derive(Debug, PartialEq, Eq)]
enum PlaneName {
    Id(PlaneId),
    Name(Slug),
    /// What no plane is called.
    Nobody,
}

impl PlaneNames {
    /// Those of a certificate in DER; none if it can't be read.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let uris = certificate.names.iter().filter_map(|name| match name {
            San::Uri(uri) => Some(uri.as_str()),
            San::Dns(_) | San::Ip(_) => None,
        });
        // Too long to be one of ours, or with letters that no URI has.
        let others = certificate.other_names.iter().map(String::as_str);
        Some(Self(
            uris.chain(others).filter_map(PlaneName::read).collect(),
        ))
    }

    /// Whether a plane may show it: if it names any, then that one.
    pub(super) fn allow(&self, plane: &Plane) -> bool {
        let mut names = self.0.iter();
        self.0.is_empty()
            || names.any(|name| match name {
                PlaneName::Id(id) => *id == plane.id,
                PlaneName::Name(name) => *name == plane.name,
                PlaneName::Nobody => false,
            })
    }
}

impl PlaneName {
    /// None of a URI that is about something else. `urn` and what follows are the same in capitals (RFC 8141 §3.1).
    fn read(uri: &str) -> Option<Self> {
        let (prefix, rest) = uri.split_at_checked(PREFIX.len())?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return None;
        }
        // A plane that is called as another's id is would have that one's certificate.
        if let Ok(id) = rest.parse() {
            return Some(Self::Id(id));
        }
        Some(Slug::parse(rest).map_or(Self::Nobody, Self::Name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_a_plane_by_id_or_name_or_is_about_something_else() {
        let id = "0190c5b2-0000-7000-8000-000000000001";
        let read = |rest: &str| PlaneName::read(&format!("urn:aeolus:plane:{rest}"));
        assert_eq!(read(id), Some(PlaneName::Id(id.parse().unwrap())));
        let name = Slug::parse("eu-1").unwrap();
        assert_eq!(read("eu-1"), Some(PlaneName::Name(name)));
        for nobody in ["", "EU 1", "eu-1/x", "eu-1:x", "*", "\u{fc}"] {
            assert_eq!(read(nobody), Some(PlaneName::Nobody), "{nobody}");
        }
        assert_eq!(PlaneName::read("URN:Aeolus:plane:eu-1"), read("eu-1"));
        for other in [
            "spiffe://example.com/plane/eu-1",
            "urn:plane:eu-1",
            "urn:aeolus:deployment:eu-1",
            "urn:aeolus:plane",
            "\u{fc}rn:aeolus:plane:eu-1",
        ] {
            assert_eq!(PlaneName::read(other), None, "{other}");
        }
    }
}
