//! TLS between a gate and control.

use std::path::{Path, PathBuf};

use aeolus_api::client::{OwnCertificate, TlsFiles};
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

impl ControlTls {
    /// The files, from the folder of the configuration on.
    pub(crate) fn files(self, base: &Path) -> Result<TlsFiles, Failure> {
        let own = match (self.certificate, self.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(OwnCertificate {
                certificate: base.join(certificate),
                key: base.join(key),
            }),
            _ => {
                return Err(Report::new("CFG-0004", "gate.controlTls is half there")
                    .why("A certificate is of no use without its key, nor a key without its certificate.")
                    .help("give both gate.controlTls.certificate and gate.controlTls.key")
                    .usage());
            }
        };
        Ok(TlsFiles {
            authorities: self.authorities.map(|file| base.join(file)),
            own,
        })
    }
}
