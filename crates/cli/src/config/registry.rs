//! The container registry whose clients control makes tokens for.

use aeolus_api::registry::Repository;
use aeolus_api::{Period, schema};
use aeolus_control::{RegistryConfig, Repositories, Template};
use aeolus_model::Host;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Failure, Report};

/// A container registry that sends its clients here for tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Registry {
    /// What the registry calls itself: `auth.token.service` of its configuration.
    pub(crate) service: String,
    /// By which name the registry believes control: `auth.token.issuer` of its configuration. Not control's public
    /// URL: who believes control's other tokens must not believe these.
    pub(crate) issuer: String,
    /// Which repository is a deployment's: fixed components, and `{id}`, or `{organization}`, `{workspace}` and
    /// `{deployment}` in its place. By names, a deployment that gets the name of one before it gets that one's images too.
    pub(crate) repository: String,
    /// In the place of `repository`, as in the original: the host on which deployments answer below `/RELEASE/airflow`,
    /// which is then the name of their repository. Only who has `system.apply` may give deployments paths there.
    #[schemars(with = "Option<schema::Host>")]
    pub(crate) repositories_on: Option<Host>,
    /// Repositories that everybody with a good credential may pull from, and `system.registryBaseImages.push` lets push to.
    #[schemars(with = "Vec<String>")]
    pub(crate) base_images: Vec<Repository>,
    /// How many repositories one token may be about: 1 to 100.
    pub(crate) max_repositories: u16,
    /// How long a token is good, 1m to 1h: for so long a revoked credential's tokens still are.
    #[schemars(with = "schema::Period")]
    pub(crate) life: Period,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            service: "docker-registry".to_owned(),
            issuer: "houston".to_owned(),
            repository: Template::default().to_string(),
            repositories_on: None,
            base_images: Vec::new(),
            max_repositories: 50,
            life: Period::from_secs(300),
        }
    }
}

impl Registry {
    /// As control takes it.
    pub(crate) fn read(&self) -> Result<RegistryConfig, Failure> {
        let repositories = if let Some(host) = &self.repositories_on {
            Repositories::PathsOn(host.clone())
        } else {
            let template = self.repository.parse::<Template>();
            let template = template.map_err(|error| {
                let what = format!("compat.registry.repository: {error}");
                Report::new("CFG-0004", what)
                    .why("A repository has to be one deployment's, or one tenant would push what another runs.")
                    .help("name each part of a deployment's path, as the reference of the configuration has it")
                    .usage()
            })?;
            Repositories::Named(template)
        };
        let config = RegistryConfig {
            service: self.service.clone(),
            issuer: self.issuer.clone(),
            repositories,
            base_images: self.base_images.clone(),
            max_repositories: self.max_repositories.into(),
            life: self.life.duration(),
        };
        Ok(config)
    }
}
