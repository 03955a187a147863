//! By what a group is found: read from what a provider wrote.

use aeolus_scim::{Error, Reason, Resource, fold};

/// What an index keeps may have so many bytes: PostgreSQL's have room for no more.
const MOST_BYTES: usize = 1_000;

/// By what a group is found.
pub(super) struct Keys {
    pub(super) display_name: String,
    pub(super) name_key: String,
    pub(super) external_id: Option<String>,
}

impl Keys {
    /// Of a resource; an error where one is longer than is kept.
    pub(super) fn of(resource: &Resource) -> Result<Self, Error> {
        let display_name = resource.display_name().unwrap_or_default();
        let external_id = resource.external_id();
        fits("displayName", display_name)?;
        let name_key = fold(display_name);
        fits("displayName", &name_key)?;
        external_id.map_or(Ok(()), |id| fits("externalId", id))?;
        Ok(Self {
            display_name: display_name.to_owned(),
            name_key,
            external_id: external_id.map(str::to_owned),
        })
    }
}

fn fits(name: &str, text: &str) -> Result<(), Error> {
    if text.len() > MOST_BYTES {
        let why = format!("\"{name}\" of a group may have {MOST_BYTES} bytes.");
        return Err(Error::new(Reason::InvalidValue, why));
    }
    if text.contains('\0') {
        let why = format!("\"{name}\" has a character that is none (U+0000).");
        return Err(Error::new(Reason::InvalidValue, why));
    }
    Ok(())
}
