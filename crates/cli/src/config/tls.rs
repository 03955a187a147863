//! TLS of a gate.

use std::path::{Path, PathBuf};

use aeolus_tls::{ClientFiles, PairFiles};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Failure, Report};

/// For a control plane behind a proxy that asks its clients for certificates, or has one of a private
/// authority. It comes on top of what a gate proves by its own key, which never ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ControlTls {
    /// Certificates (PEM) of those who may vouch for control; absent: the system's authorities.
    pub(crate) authorities: Option<PathBuf>,
    /// The gate's own certificate (PEM), followed by those between it and its authority. Renew it in place: the
    /// next connection has the new one.
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub(crate) key: Option<PathBuf>,
}

/// The certificate of the built-in proxy, where no load balancer ends TLS before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ProxyTls {
    /// The certificate (PEM), followed by those between it and its authority; absent: plain HTTP. Renew it
    /// in place: connections that are open go on, the next ones have the new one.
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub(crate) key: Option<PathBuf>,
}

impl ControlTls {
    /// The files, from the folder of the configuration on.
    pub(crate) fn files(self, base: &Path) -> Result<ClientFiles, Failure> {
        Ok(ClientFiles {
            authorities: self.authorities.map(|file| base.join(file)),
            own: pair("gate.controlTls", (self.certificate, self.key), base)?,
        })
    }
}

impl ProxyTls {
    /// The same.
    pub(crate) fn files(self, base: &Path) -> Result<Option<PairFiles>, Failure> {
        pair("gate.proxyTls", (self.certificate, self.key), base)
    }
}

fn pair(
    name: &str,
    files: (Option<PathBuf>, Option<PathBuf>),
    base: &Path,
) -> Result<Option<PairFiles>, Failure> {
    match files {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(PairFiles {
            certificate: base.join(certificate),
            key: base.join(key),
        })),
        _ => Err(Report::new("CFG-0004", format!("{name} is half there"))
            .why("A certificate is of no use without its key, nor a key without its certificate.")
            .help(format!("give both {name}.certificate and {name}.key"))
            .usage()),
    }
}
