//! The way out to identity providers (row A21).

use std::path::{Path, PathBuf};

use aeolus_api::egress::{Proxies, Way};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effective, Environment};
use crate::report::{Failure, Report};

/// The way out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Egress {
    /// A PEM file with the certificates of authorities that are trusted beside the system's: of a company's own
    /// identity provider, or of a proxy that looks into TLS.
    pub(crate) ca_file: Option<PathBuf>,
}

impl Effective {
    /// The way out of a section's server. Variables that a file of the original's sets count below the process's.
    pub(crate) fn way(
        &self,
        section: &str,
        egress: &Egress,
        environment: &Environment,
    ) -> Result<Way, Failure> {
        let environment = match &self.original {
            Some(original) => environment.over(&original.variables),
            None => environment.clone(),
        };
        egress.way(section, (&self.base, &environment))
    }
}

/// The way out of a command: through the proxy that the environment names, with the system's authorities.
pub(crate) fn way_of(environment: &Environment) -> Result<Way, Failure> {
    Egress::default().way("", (Path::new(""), environment))
}

impl Egress {
    /// With the proxy that the environment names. A relative path begins at `base`.
    fn way(
        &self,
        section: &str,
        (base, environment): (&Path, &Environment),
    ) -> Result<Way, Failure> {
        let proxies = Proxies::from_variables(|name| environment.get(name));
        let proxies = proxies.map_err(|error| {
            Report::new("CFG-0015", error.to_string())
                .why("Identity providers would not be reached.")
                .usage()
        })?;
        let way = Way::through(proxies);
        let Some(path) = &self.ca_file else {
            return Ok(way);
        };
        let path = base.join(path);
        let wrong = |what: String| {
            let what = format!("{section}.egress.caFile: {} {what}", path.display());
            Report::new("CFG-0015", what)
                .why("Whoever proves by these authorities who they are would not be believed.")
                .usage()
        };
        let pem = std::fs::read(&path).map_err(|error| wrong(format!("can't be read: {error}")))?;
        way.trusting(&pem).map_err(|error| wrong(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(egress: &Egress, variables: &[(&str, &str)]) -> String {
        let environment = Environment::of(variables);
        let failure = egress.way("gate", (Path::new("/nowhere"), &environment));
        let report = &failure.unwrap_err().reports[0];
        format!("{} {}", report.code(), report.what())
    }

    #[test]
    fn a21_what_can_not_be_a_way_out_is_said_without_a_password() {
        let proxy = [("HTTPS_PROXY", "socks5://us:p4ss@proxy:1080")];
        let said = refused(&Egress::default(), &proxy);
        assert!(
            said.starts_with("CFG-0015 HTTPS_PROXY is no proxy"),
            "{said}"
        );
        assert!(!said.contains("p4ss"), "{said}");
        let ca_file = Some("ca.pem".into());
        let said = refused(&Egress { ca_file }, &[]);
        assert!(
            said.contains("gate.egress.caFile: /nowhere/ca.pem can't be read"),
            "{said}"
        );
    }
}
