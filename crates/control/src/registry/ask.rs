//! What a client of the registry wants, from a query or a form.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_api::registry::{Repository, Scope};
use aeolus_model::Secret;

use super::config::RegistryConfig;
use super::failure::RegistryFailure;

/// What is wanted of each repository. Everything else is never granted, and isn't kept.
pub(super) type Wanted = BTreeMap<Repository, BTreeSet<Action>>;

/// What is done with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    Pull,
    Push,
}

impl Action {
    /// As tokens say it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
        }
    }

    /// Deleting and `*` are nobody's: images are removed at the registry.
    fn parse(text: &str) -> Option<Self> {
        [Self::Pull, Self::Push]
            .into_iter()
            .find(|action| action.name() == text)
    }
}

/// A request for a token.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) wanted: Wanted,
    /// The members of a form that are read, each at most once.
    members: BTreeMap<&'static str, Secret<String>>,
}

/// Members that mean something here. A client may send others, such as `client_id`, `offline_token` and
/// `account`: nothing is believed of what they say.
const MEMBERS: [&str; 5] = [
    "service",
    "grant_type",
    "username",
    "password",
    "refresh_token",
];
/// Those that must not be in a URL.
const SECRETS: [&str; 2] = ["password", "refresh_token"];
/// No request of a client has more.
const MAX_PAIRS: usize = 128;
/// Nor more scopes, of which many are about one repository.
const MAX_SCOPES: usize = 256;

impl Asked {
    /// Reads `service=…&scope=…`; `scope` may be there more than once, and say more than one.
    pub(super) fn read(text: &[u8], config: &RegistryConfig) -> Result<Self, RegistryFailure> {
        let mut asked = Self::default();
        let mut scopes = 0;
        for (n, (name, value)) in url::form_urlencoded::parse(text).enumerate() {
            if n == MAX_PAIRS {
                return Err(RegistryFailure::Request("too many parameters"));
            }
            if name == "scope" {
                for scope in value.split(' ').filter(|scope| !scope.is_empty()) {
                    scopes += 1;
                    if scopes > MAX_SCOPES {
                        return Err(RegistryFailure::TooMuch);
                    }
                    asked.want(scope, config)?;
                }
            } else if let Some(member) = MEMBERS.into_iter().find(|member| *member == name) {
                let value = Secret::new(value.into_owned());
                if asked.members.insert(member, value).is_some() {
                    let what = "a parameter was sent more than once";
                    return Err(RegistryFailure::Request(what));
                }
            }
        }
        if asked.get("service") != Some(config.service.as_str()) {
            let what = "service must be the name of the registry that control makes tokens for";
            return Err(RegistryFailure::Request(what));
        }
        Ok(asked)
    }

    fn want(&mut self, scope: &str, config: &RegistryConfig) -> Result<(), RegistryFailure> {
        let scope: Scope = scope.parse().map_err(RegistryFailure::Scope)?;
        let Some(repository) = scope.repository() else {
            return Ok(());
        };
        let actions = scope.actions.iter().filter_map(|text| Action::parse(text));
        self.wanted.entry(repository).or_default().extend(actions);
        if self.wanted.len() > config.max_repositories {
            return Err(RegistryFailure::TooMuch);
        }
        Ok(())
    }

    /// Refuses secrets in a URL: they would be in every log on the way, and are no good any more.
    pub(super) fn refuse_secrets(&self) -> Result<(), RegistryFailure> {
        if SECRETS.iter().any(|name| self.members.contains_key(name)) {
            let what = "a credential doesn't belong in a URL, where others can read it: give it a new value, and send it by Basic or in a form";
            return Err(RegistryFailure::Request(what));
        }
        Ok(())
    }

    /// A member, if it says something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.members.get(name)?.expose().as_str();
        (!found.is_empty()).then_some(found)
    }
}
