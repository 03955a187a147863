//! What is configured of how a connection provisions.

use aeolus_api::scim::{ScimConnection, ScimProfile, ScimTeamTemplate};
use aeolus_model::{OrganizationId, Slug};
use aeolus_scim::Profile;
use aeolus_store::{Page, StoreError, Unit};

use super::team_templates::TeamTemplates;

/// How users and groups that a connection pushes are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScimSettings {
    /// The organization that they are in: the one that is named, else the only one there is. None where neither
    /// says one.
    pub(crate) organization: Option<OrganizationId>,
    /// Whether a user who exists already is taken over by who provisions the same address.
    pub(crate) match_existing: bool,
    /// Whether also one who administers the installation.
    pub(crate) match_administrators: bool,
    /// Which roles groups give, as it was written.
    pub(crate) team_templates: Vec<ScimTeamTemplate>,
}

impl ScimSettings {
    /// As they are at this moment.
    pub(super) async fn load<U: Unit>(
        unit: &mut U,
        said: &ScimConnection,
    ) -> Result<Self, StoreError> {
        let organization = if let Some(name) = &said.organization {
            match Slug::parse(name) {
                Ok(name) => unit.organizations().by_name(&name).await?,
                Err(_) => None,
            }
        } else {
            let all = unit.organizations().list(Page::first(2)).await?;
            let mut all = all.items.into_iter();
            all.next().filter(|_| all.next().is_none())
        };
        Ok(Self {
            organization: organization.map(|organization| organization.id),
            match_existing: said.match_existing,
            match_administrators: said.match_administrators,
            team_templates: said.team_templates.clone(),
        })
    }
}

/// What is wrong with the templates of a connection: of each the member below the connection, as `scim.teamTemplates[0].role`,
/// and why. Empty where nothing is.
pub fn template_errors(said: Option<&ScimConnection>) -> Vec<(String, String)> {
    let Some(said) = said else {
        return Vec::new();
    };
    let errors = TeamTemplates::read(&said.team_templates);
    let errors = errors.err().unwrap_or_default();
    let each = errors.iter().map(|error| {
        let at = format!("scim.teamTemplates[{}].{}", error.index, error.member);
        (at, error.message.clone())
    });
    each.collect()
}

/// Whose ways the client of a connection of some type has.
pub(crate) fn profile_of(said: &ScimConnection, kind: &str) -> ScimProfile {
    said.profile.unwrap_or(match kind {
        "okta" => ScimProfile::Okta,
        "microsoft" => ScimProfile::Microsoft,
        _ => ScimProfile::Strict,
    })
}

/// The same, as requests are read.
pub(super) fn profile(said: &ScimConnection, kind: &str) -> &'static Profile {
    match profile_of(said, kind) {
        ScimProfile::Strict => &Profile::STRICT,
        ScimProfile::Okta => &Profile::OKTA,
        ScimProfile::Microsoft => &Profile::MICROSOFT,
    }
}
