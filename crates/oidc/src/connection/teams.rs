//! How groups become Teams (note 029).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_model::{Role, Slug};
use regex::{Regex, RegexBuilder};

use super::SettingsError;
use super::parse::{MAX_TEXT, Parse, is_guid};
use crate::entra::parts_of;
use crate::{AbsentGroups, DiscoveryUrl, Kind};

/// Longest filter in bytes, and the most that it may take compiled.
const MAX_FILTER: usize = 1_024;
const MAX_COMPILED: usize = 256 * 1_024;
/// Most groups of one system role.
const MAX_SYSTEM: usize = 256;
/// Between two times that a provider is asked: at most a week.
const MINUTES: std::ops::RangeInclusive<u64> = 1..=10_080;
/// Seconds that the provider's word of somebody's group may count: a day to a year.
const CONFIRM: std::ops::RangeInclusive<u64> = 86_400..=366 * 86_400;

/// What leaves groups out.
#[derive(Clone, Debug)]
struct Filter {
    regex: Regex,
    /// All but what it matches.
    but: bool,
}

/// How groups become Teams.
#[derive(Clone, Debug)]
pub struct TeamRules {
    organization: Option<Slug>,
    filter: Option<Filter>,
    absent_means_none: bool,
    refresh: Option<Duration>,
    confirm_within: Duration,
    system: BTreeMap<String, Role>,
    unusable: Vec<String>,
    /// Whether people of several tenants come.
    several: bool,
}

impl TeamRules {
    /// A group's id as tokens name it today. One that was kept before object ids were told apart is of the tenant that
    /// was kept with it.
    pub fn id_of<'g>(&self, group: &'g str, tenant: &str) -> Cow<'g, str> {
        if self.several && is_guid(group) && is_guid(tenant) {
            Cow::Owned(format!("{tenant}/{group}"))
        } else {
            Cow::Borrowed(group)
        }
    }

    /// Whether people of several tenants come, so that groups are told apart by theirs.
    pub const fn of_several_tenants(&self) -> bool {
        self.several
    }

    /// The organization that they are in, if one is named.
    pub const fn organization(&self) -> Option<&Slug> {
        self.organization.as_ref()
    }

    /// Whether a group becomes a Team. One with a system role does whatever the filter says.
    pub fn take(&self, id: &str, name: Option<&str>) -> bool {
        let out = |filter: &Filter| filter.leaves_out(id, name);
        self.system.contains_key(id) || !self.filter.as_ref().is_some_and(out)
    }

    /// Whether a token without the claim is one of somebody in no group.
    pub const fn absent_means_none(&self) -> bool {
        self.absent_means_none
    }

    /// How often the provider is asked; none: it never is.
    pub const fn refresh(&self) -> Option<Duration> {
        self.refresh
    }

    /// How long the provider's word that somebody is in a group counts.
    pub const fn confirm_within(&self) -> Duration {
        self.confirm_within
    }

    /// The role that a group's Team has in the whole installation.
    pub fn system_role(&self, id: &str) -> Option<Role> {
        self.system.get(id).copied()
    }

    /// What is named as a group with a system role and is no id of this provider: a name, which anybody there
    /// could give another group.
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }
}

impl Filter {
    fn leaves_out(&self, id: &str, name: Option<&str>) -> bool {
        let matches = self.regex.is_match(id) || name.is_some_and(|name| self.regex.is_match(name));
        matches != self.but
    }
}

/// What of a pattern of the original's says "all but": `^(?!WHAT).*$`. A linear engine has no look-ahead, and this
/// is what it is written for where a filter leaves out.
fn all_but(text: &str) -> Option<String> {
    let rest = text.strip_prefix("^(?!")?;
    let (mut depth, mut class, mut escaped) = (0_usize, false, false);
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class && depth > 0 => depth -= 1,
            ')' if !class => {
                let (what, end) = (rest.get(..at)?, rest.get(at + 1..)?);
                let all = matches!(end, "" | ".*" | ".*$" | ".+" | ".+$");
                return all.then(|| format!("^(?:{what})"));
            }
            _ => {}
        }
    }
    None
}

impl Parse<'_> {
    pub(super) fn teams(&mut self, discovery: Option<&DiscoveryUrl>) -> Option<TeamRules> {
        let written = self.settings.teams.as_ref()?;
        let several = self.profile.kind == Kind::Microsoft
            && discovery.is_some_and(DiscoveryUrl::is_of_every_tenant);
        let organization = written.organization.as_deref();
        let organization = organization.or_else(|| {
            let rule = self.settings.provision.as_ref();
            rule.map(|rule| rule.organization.as_str())
        });
        let organization = match organization.map(Slug::parse).transpose() {
            Ok(organization) => organization,
            Err(error) => {
                let what = format!("organization: {error}");
                self.error(SettingsError::Text("teams", what));
                None
            }
        };
        let filter = written.filter.as_deref().filter(|text| !text.is_empty());
        let filter = filter.and_then(|text| self.filter(text));
        if written
            .refresh_minutes
            .is_some_and(|given| !MINUTES.contains(&given))
        {
            let what =
                "refreshMinutes (idpGroupReconcilerInterval) is 1 to 10080 minutes".to_owned();
            self.error(SettingsError::Text("teams", what));
        }
        if written
            .confirm_within
            .is_some_and(|given| !CONFIRM.contains(&given))
        {
            let what = "confirmWithin is 1 to 366 days".to_owned();
            self.error(SettingsError::Text("teams", what));
        }
        let usual = self.profile.absent_groups == AbsentGroups::None
            && self
                .settings
                .claims_mapping
                .groups
                .as_deref()
                .is_none_or(|claim| claim == self.profile.groups);
        let (system, unusable) = self.system_roles(several);
        Some(TeamRules {
            organization,
            filter,
            absent_means_none: written.absent_means_none.unwrap_or(usual),
            refresh: written
                .refresh_minutes
                .map(|minutes| Duration::from_secs(minutes * 60)),
            confirm_within: written.confirm_within(),
            system,
            unusable,
            several,
        })
    }

    fn filter(&mut self, text: &str) -> Option<Filter> {
        let but = all_but(text);
        let compiled = (text.len() <= MAX_FILTER).then(|| {
            RegexBuilder::new(but.as_deref().unwrap_or(text))
                .size_limit(MAX_COMPILED)
                .dfa_size_limit(MAX_COMPILED)
                .build()
        });
        match compiled {
            Some(Ok(regex)) => Some(Filter {
                regex,
                but: but.is_some(),
            }),
            Some(Err(error)) => {
                // The engine draws the place on lines of its own.
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim();
                let what = format!("filter (teamFilterRegex) is no regular expression here: {why}");
                self.error(SettingsError::Text("teams", what));
                None
            }
            None => {
                let what = format!("filter (teamFilterRegex) has {MAX_FILTER} bytes at most");
                self.error(SettingsError::Text("teams", what));
                None
            }
        }
    }

    /// By group; of two roles for one group the higher counts.
    fn system_roles(&mut self, several: bool) -> (BTreeMap<String, Role>, Vec<String>) {
        let (mut system, mut unusable) = (BTreeMap::new(), Vec::new());
        // The one whose people come, where it is but one of many.
        let only = match self.settings.allowed_tenants.as_slice() {
            [only] => Some(only.to_ascii_lowercase()),
            _ => None,
        };
        let written = self
            .settings
            .teams
            .as_ref()
            .map(|written| &written.system_roles);
        for role in [Role::SystemViewer, Role::SystemEditor, Role::SystemAdmin] {
            let groups = written.and_then(|written| written.get(role.name()));
            let groups = groups.map_or(&[][..], Vec::as_slice);
            let fits = |text: &String| (1..=MAX_TEXT).contains(&text.len());
            if groups.len() > MAX_SYSTEM || !groups.iter().all(fits) {
                let what =
                    format!("lists up to {MAX_SYSTEM} groups for {role}, of 1 to 255 bytes each");
                self.error(SettingsError::Text("teams", what));
            }
            for group in groups {
                let id = match self.profile.kind {
                    Kind::Microsoft => entra_id(group, several, only.as_deref()),
                    kind => id_of(kind, group),
                };
                match id {
                    Some(id) => drop(system.insert(id, role)),
                    None => unusable.push(group.clone()),
                }
            }
        }
        (system, unusable)
    }
}

/// The id of a group at Entra. Where several tenants' people come it says whose group it is: an administrator of
/// another one can let a claim say any object id (D4).
fn entra_id(text: &str, several: bool, only: Option<&str>) -> Option<String> {
    let id = text.to_ascii_lowercase();
    match (parts_of(&id), several) {
        (Some(_), true) => Some(id),
        (None, true) => only
            .filter(|_| is_guid(&id))
            .map(|tenant| format!("{tenant}/{id}")),
        (_, false) => is_guid(&id).then_some(id),
    }
}

/// A group's id, as the provider writes it.
fn id_of(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Github => {
            let (_, number) = text
                .split_once(':')
                .filter(|(what, _)| matches!(*what, "org" | "team"))?;
            (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
                .then(|| text.to_owned())
        }
        _ => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
