//! Where providers provision, and from where.

use aeolus_api::{Listen, schema};
use aeolus_control::ScimConfig;
use aeolus_model::Cidr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::OwnTls;
use crate::report::{Failure, Report};

/// Provisioning by identity providers (SCIM), which come from the internet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Scim {
    /// A listener that answers `/v1/scim/v2/…`, `/oauth2/token` for provisioning clients and `/livez`, and nothing
    /// else; absent: there is none.
    #[schemars(with = "Option<schema::Listen>")]
    pub(crate) listen: Option<Listen>,
    /// Networks that providers come from, at whichever listener; absent: anywhere.
    #[schemars(with = "Vec<schema::Cidr>")]
    pub(crate) allowed_networks: Vec<String>,
    /// Whether the main listener answers them no more.
    pub(crate) only: bool,
    /// How many requests of one connection are answered in a minute, at each replica: 60 to 1,000,000. Beyond, clients are told
    /// to wait (429). An operation of a bulk request counts as one.
    pub(crate) requests_per_minute: u32,
    /// A certificate of that listener's own.
    pub(crate) tls: OwnTls,
}

impl Default for Scim {
    fn default() -> Self {
        let ScimConfig {
            listen,
            only,
            requests_per_minute,
            ..
        } = ScimConfig::default();
        Self {
            listen,
            allowed_networks: Vec::new(),
            only,
            requests_per_minute,
            tls: OwnTls::default(),
        }
    }
}

impl Scim {
    /// As control takes it.
    pub(crate) fn read(&self) -> Result<ScimConfig, Failure> {
        if self.only && self.listen.is_none() {
            return Err(Report::new(
                "CFG-0004",
                "control.scim.only is true, but control.scim.listen is absent",
            )
            .why("Nobody could provision.")
            .help("say where to listen, or leave `only` out")
            .usage());
        }
        if !(60..=1_000_000).contains(&self.requests_per_minute) {
            let what = format!(
                "control.scim.requestsPerMinute is {}, and has to be from 60 to 1,000,000",
                self.requests_per_minute
            );
            return Err(Report::new("CFG-0004", what).usage());
        }
        let blocks = self.allowed_networks.iter().map(|text| {
            text.parse::<Cidr>().map_err(|error| {
                Report::new("CFG-0004", format!("control.scim.allowedNetworks: {error}")).usage()
            })
        });
        Ok(ScimConfig {
            listen: self.listen.clone(),
            allowed_networks: blocks.collect::<Result<_, _>>()?,
            only: self.only,
            requests_per_minute: self.requests_per_minute,
        })
    }
}
