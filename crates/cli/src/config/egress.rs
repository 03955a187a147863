//! The way out to identity providers (row A21).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aeolus_api::egress::{Proxies, Way};
use aeolus_tls::{AuthorityFiles, Believed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::{Tls, believed, unbelieved};
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
    /// The way out of a section's server, and whom it believes, to be looked after. Variables that a file of the
    /// original's sets count below the process's.
    pub(crate) fn way(
        &self,
        name: &'static str,
        egress: &Egress,
        environment: &Environment,
    ) -> Result<(Way, Arc<Believed>), Failure> {
        let environment = match &self.original {
            Some(original) => environment.over(&original.variables),
            None => environment.clone(),
        };
        let private = self.private_authorities();
        egress.way((name, private), (&self.base, &environment))
    }
}

/// The way out of a command: through the proxy that the environment names, with the system's authorities and those
/// that it names as well.
pub(crate) fn way_of(environment: &Environment) -> Result<Way, Failure> {
    let private = Tls::of_environment(environment);
    let way = Egress::default().way(("", private), (Path::new(""), environment));
    Ok(way?.0)
}

impl Egress {
    /// With the proxy that the environment names. A relative path begins at `base`; `name` is the key of `caFile`.
    fn way(
        &self,
        (name, private): (&'static str, AuthorityFiles),
        (base, environment): (&Path, &Environment),
    ) -> Result<(Way, Arc<Believed>), Failure> {
        let proxies = Proxies::from_variables(|name| environment.get(name));
        let proxies = proxies.map_err(|error| {
            Report::new("CFG-0015", error.to_string())
                .why("Identity providers would not be reached.")
                .usage()
        })?;
        let mut files = private;
        if let Some(path) = &self.ca_file {
            let path = base.join(path);
            let own = AuthorityFiles::beside_system(name, vec![path.clone()]);
            // Each is named by its own key at the start; later the file says enough.
            for each in [&own, &files] {
                each.read().map_err(|error| unbelieved(&error))?;
            }
            files = AuthorityFiles { name, ..files };
            files.files.push(path);
        }
        let believed = believed(files)?;
        let way = Way::through(proxies).trusting(Arc::clone(believed.trust()));
        Ok((way, believed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(egress: &Egress, variables: &[(&str, &str)]) -> String {
        let environment = Environment::of(variables);
        let private = AuthorityFiles::beside_system("tls.privateCaCerts", Vec::new());
        let told = ("gate.egress.caFile", private);
        let failure = egress.way(told, (Path::new("/nowhere"), &environment));
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
            said.contains("gate.egress.caFile: /nowhere/ca.pem: "),
            "{said}"
        );
    }
}
