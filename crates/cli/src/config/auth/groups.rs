//! Teams of providers' groups, in the original's words (rows D2, D3).

use std::collections::BTreeMap;

use aeolus_api::{Period, schema};
use aeolus_model::Role;
use aeolus_oidc::{Connection, Kind, TeamSettings, graph};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OpenIdConnect, Provider};
use crate::config::{Note, NoteKind};

/// Minutes between two times that a provider is asked, unless told otherwise.
const USUAL: u64 = 60;

/// Whether groups of providers become Teams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct IdpGroupsImport {
    /// Whether they do.
    pub(crate) enabled: bool,
}

/// Whether providers are asked for groups between sign-ins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct IdpGroupsRefresh {
    /// Whether they are.
    pub(crate) enabled: bool,
}

/// Which groups have a role in the whole installation, by their ids: object ids at microsoft, `org:NUMBER` and
/// `team:NUMBER` at github, else what the claim says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SystemGroups {
    /// Whether groups give such roles.
    pub(crate) enabled: bool,
    /// Groups with `SYSTEM_ADMIN`.
    pub(crate) system_admin: Vec<String>,
    /// Groups with `SYSTEM_EDITOR`.
    pub(crate) system_editor: Vec<String>,
    /// Groups with `SYSTEM_VIEWER`.
    pub(crate) system_viewer: Vec<String>,
}

/// Teams of one provider's groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ProviderTeams {
    /// The name of the organization that they are in; absent: that of `provision`, else the only one there is.
    pub(crate) organization: Option<String>,
    /// Whether a token without the claim is one of somebody in no group; absent: at cognito alone. Elsewhere an
    /// absent claim changes nothing.
    pub(crate) absent_means_none: Option<bool>,
    /// How long the provider's word that somebody is in a group counts, 1d to 366d; absent: 30d. Whoever it hasn't
    /// said so of since is in the Team no more.
    #[schemars(with = "Option<schema::Period>")]
    pub(crate) confirm_within: Option<Period>,
}

impl OpenIdConnect {
    /// As a connection is told; none: its groups become no Teams.
    pub(super) fn teams(&self, provider: &Provider) -> Option<TeamSettings> {
        if !self.idp_groups_import.enabled {
            return None;
        }
        let minutes = self.idp_group_reconciler_interval.unwrap_or(USUAL);
        let system = &self.manage_system_permissions_via_idp_groups;
        let lists = [
            (Role::SystemAdmin, &system.system_admin),
            (Role::SystemEditor, &system.system_editor),
            (Role::SystemViewer, &system.system_viewer),
        ];
        let lists = lists
            .into_iter()
            .filter(|(_, groups)| system.enabled && !groups.is_empty());
        let lists: BTreeMap<String, Vec<String>> = lists
            .map(|(role, groups)| (role.name().to_owned(), groups.clone()))
            .collect();
        Some(TeamSettings {
            organization: provider.teams.organization.clone(),
            filter: self.team_filter_regex.clone(),
            absent_means_none: provider.teams.absent_means_none,
            refresh_minutes: self.idp_groups_refresh.enabled.then_some(minutes),
            confirm_within: provider.teams.confirm_within.map(Period::as_secs),
            system_roles: lists,
        })
    }

    /// What is to be said of groups where none become Teams.
    pub(crate) fn groups_note(&self) -> Option<Note> {
        let told = [
            ("idpGroupsRefresh", self.idp_groups_refresh.enabled),
            (
                "manageSystemPermissionsViaIdpGroups",
                self.manage_system_permissions_via_idp_groups.enabled,
            ),
        ];
        let (key, _) = told.into_iter().find(|(_, on)| *on)?;
        let key = format!("auth.openidConnect.{key}");
        let what =
            "it needs idpGroupsImport: without Teams of groups there is nothing that it is about";
        (!self.idp_groups_import.enabled).then(|| Note::new(NoteKind::Warning, &key, what))
    }
}

/// What an operator should know of a connection whose groups become Teams.
pub(super) fn notes(connection: &Connection, key: &str) -> Vec<Note> {
    let Some(rules) = connection.teams() else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    let key = format!("{key}.teams");
    let mut note = |kind, text: String| notes.push(Note::new(kind, &key, text));
    let kind = connection.kind();
    if kind == Kind::Google {
        let what = "google says nobody's groups: no Teams come of it";
        note(NoteKind::Warning, what.to_owned());
        return notes;
    }
    let place = rules.organization().map_or_else(
        || "the organization, if there is but one".to_owned(),
        |name| format!("organization {name}"),
    );
    let from = match kind {
        Kind::Github => "organizations and teams".to_owned(),
        _ => format!("groups of the claim {}", connection.claims().groups),
    };
    note(
        NoteKind::Understood,
        format!("{from} become Teams in {place}"),
    );
    if kind == Kind::Microsoft && connection.client_secret().is_none() {
        note(NoteKind::Warning, "without a clientSecret Graph can't be asked: Teams are named by the groups' ids until somebody renames them, and of people in more than 200 groups nobody knows which".to_owned());
    }
    if rules.of_several_tenants() {
        note(NoteKind::Warning, "each tenant's administrators call their groups what they like, and documents and commands name Teams by their names: look whose group a Team stands for before it is given a role".to_owned());
    }
    if kind == Kind::Github && !connection.names_organizations() {
        note(NoteKind::Warning, "anybody may make an organization on GitHub, with teams of any name, and documents and commands name Teams by their names: list yours in allowedOrganizations".to_owned());
    }
    let asked = graph(connection).is_some() && connection.client_secret().is_some();
    if rules.refresh().is_some() && !asked {
        note(
            NoteKind::Warning,
            format!(
                "idpGroupsRefresh: {kind} can't be asked for groups here, so they are as of each person's last sign-in"
            ),
        );
    }
    if !rules.unusable().is_empty() {
        let why = if rules.of_several_tenants() {
            "write TENANT/OBJECT-ID, because another tenant's administrators can let a claim say any id"
        } else {
            "anybody may give another group the same name"
        };
        note(
            NoteKind::Warning,
            format!(
                "manageSystemPermissionsViaIdpGroups: {} are no ids of groups at {kind} and give nobody a role there: {why}",
                rules.unusable().join(", ")
            ),
        );
    }
    notes
}
