//! Which registry, and how it knows tokens for it.

use std::time::Duration;

use aeolus_api::registry::Repository;

use super::names::Repositories;
use crate::minute::PerMinute;

/// A registry that control makes tokens for.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    /// What the registry calls itself: the tokens' `aud`.
    pub service: String,
    /// By which name it believes control: the tokens' `iss`.
    pub issuer: String,
    /// Which repository is which deployment's.
    pub repositories: Repositories,
    /// Repositories of base images: everybody pulls from them.
    pub base_images: Vec<Repository>,
    /// How many repositories one token may be about (row H8).
    pub max_repositories: usize,
    /// How long a token is good: the registry asks nobody in the meantime.
    pub life: Duration,
}

/// Why it can't be so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryConfigError {
    /// A text that is no name.
    #[error("{0} must be 1 to 255 printable ASCII characters without spaces")]
    Name(&'static str),
    /// An application that believes control's other tokens would believe the registry's too.
    #[error(
        "issuer must not be control's public URL: whoever believes control's tokens would believe the registry's as well"
    )]
    Issuer,
    /// A life that registries or revocations can't bear.
    #[error("life must be 1m to 1h: a revoked credential's tokens are good until they end")]
    Life,
    /// No repositories, or more than fit into a header.
    #[error("maxRepositories must be 1 to 100")]
    MaxRepositories,
}

impl RegistryConfig {
    /// Refuses what would be unsafe, or would not work.
    pub(crate) fn check(&self, control: &str) -> Result<(), RegistryConfigError> {
        for (name, text) in [("service", &self.service), ("issuer", &self.issuer)] {
            let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
            if !printable || !(1..=255).contains(&text.len()) {
                return Err(RegistryConfigError::Name(name));
            }
        }
        if self.issuer.trim_end_matches('/') == control {
            return Err(RegistryConfigError::Issuer);
        }
        if !(60..=3600).contains(&self.life.as_secs()) {
            return Err(RegistryConfigError::Life);
        }
        if !(1..=100).contains(&self.max_repositories) {
            return Err(RegistryConfigError::MaxRepositories);
        }
        Ok(())
    }
}

/// More sources than these aren't told apart in a minute.
const SOURCES: usize = 50_000;

/// A registry, and how often its clients ask.
pub(crate) struct Registry {
    pub(crate) config: RegistryConfig,
    /// Those without a good credential, by where they come from.
    pub(super) strangers: PerMinute,
    /// Those with one, by who they are.
    pub(super) known: PerMinute,
}

impl Registry {
    pub(crate) fn new(config: RegistryConfig) -> Self {
        Self {
            config,
            strangers: PerMinute::of(SOURCES),
            known: PerMinute::of(SOURCES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> RegistryConfig {
        RegistryConfig {
            service: "docker-registry".to_owned(),
            issuer: "houston".to_owned(),
            repositories: Repositories::default(),
            base_images: Vec::new(),
            max_repositories: 50,
            life: Duration::from_secs(300),
        }
    }

    #[test]
    fn what_would_be_believed_elsewhere_or_for_long_is_refused() {
        let control = "https://aeolus.example.com";
        let with = |change: fn(&mut RegistryConfig)| {
            let mut config = config();
            change(&mut config);
            config.check(control)
        };
        assert_eq!(with(|_| ()), Ok(()));
        let issuer = with(|c| c.issuer = "https://aeolus.example.com/".to_owned());
        assert_eq!(issuer, Err(RegistryConfigError::Issuer));
        let service = with(|c| c.service = "a b".to_owned());
        assert_eq!(service, Err(RegistryConfigError::Name("service")));
        let long = with(|c| c.life = Duration::from_secs(3601));
        assert_eq!(long, Err(RegistryConfigError::Life));
        let none = with(|c| c.max_repositories = 0);
        assert_eq!(none, Err(RegistryConfigError::MaxRepositories));
    }
}
