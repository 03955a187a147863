//! Applications that are reached by TLS, where they prove who they are otherwise than the others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aeolus_gate::upstream::{OwnProof, UpstreamTls as Proofs};
use aeolus_tls::{AuthorityFiles, Believed, Kept};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::believed;
use crate::report::{Failure, Report};

/// The configuration's name for it.
const NAME: &str = "gate.upstreamTls";

/// An application whose certificate isn't of an authority that is trusted anyway, or has another name than its
/// address. Its certificate is always verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UpstreamTls {
    /// Where it is, as its deployment has it: `https://HOST` or `https://HOST:PORT`.
    pub(crate) upstream: String,
    /// The name that it is asked by and that its certificate has to have; absent: HOST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server_name: Option<String>,
    /// Certificates (PEM) of those who alone may vouch for it; absent: the system's authorities and those of
    /// `tls.privateCaCerts`. Replace them in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// How applications prove who they are, and what of that is read again.
pub(crate) fn proofs(
    each: Vec<UpstreamTls>,
    (shared, base): (&Believed, &Path),
) -> Result<(Proofs, Vec<Arc<dyn Kept>>), Failure> {
    let mut kept: Vec<Arc<dyn Kept>> = Vec::new();
    let mut own: Vec<OwnProof> = Vec::new();
    for one in each {
        let at = authority(&one.upstream)?;
        if own.iter().any(|before| before.at == at) {
            let what = format!("{NAME} has {} twice", one.upstream);
            return Err(Report::new("CFG-0004", what)
                .help("leave one of them out")
                .usage());
        }
        let name = one.server_name.map(|name| {
            name.clone().try_into().map_err(|_| {
                Report::new(
                    "CFG-0004",
                    format!("{NAME}.serverName: {name:?} is no name of a server"),
                )
                .help("give a host name or an address, as the certificate has it")
                .usage()
            })
        });
        let trust = match one.ca_file {
            Some(file) => {
                let believed = believed(AuthorityFiles {
                    name: "gate.upstreamTls.caFile",
                    files: vec![base.join(file)],
                    beside_system: false,
                })?;
                kept.push(Arc::clone(&believed) as _);
                Arc::clone(believed.trust())
            }
            None => Arc::clone(shared.trust()),
        };
        let name = name.transpose()?;
        own.push(OwnProof { at, trust, name });
    }
    let proofs = Proofs::new(shared.trust(), own).map_err(|error| {
        Report::new("GATE-0014", format!("{NAME}: {error}"))
            .why("No application could be reached by TLS.")
            .failed()
    })?;
    Ok((proofs, kept))
}

/// What an upstream's address is known by.
fn authority(upstream: &str) -> Result<http::uri::Authority, Failure> {
    let rest = upstream.strip_prefix("https://").unwrap_or_default();
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let named = rest.parse::<http::uri::Authority>().ok();
    let named = named.filter(|named| !named.host().is_empty() && !rest.contains('@'));
    named.ok_or_else(|| {
        Report::new(
            "CFG-0004",
            format!("{NAME}.upstream: {upstream:?} is no https://HOST or https://HOST:PORT"),
        )
        .help("write it as the deployment's `upstream` does")
        .usage()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<usize, String> {
        let each: Vec<UpstreamTls> = serde_saphyr::from_str(yaml).map_err(|e| e.to_string())?;
        let shared = believed(AuthorityFiles::beside_system(
            "tls.privateCaCerts",
            Vec::new(),
        ));
        let shared = shared.map_err(|failure| failure.render())?;
        let made = proofs(each, (&shared, Path::new("/etc/aeolus")));
        made.map(|(_, kept)| kept.len())
            .map_err(|failure| failure.render())
    }

    #[test]
    fn what_an_application_proves_otherwise_is_read_or_named() {
        let named = "{upstream: 'https://10.0.0.7:8443', serverName: airflow.internal}";
        assert_eq!(read(&format!("[{named}]")), Ok(0));
        assert_eq!(read("[{upstream: 'https://a.internal/'}]"), Ok(0));
        let twice = format!("[{named}, {named}]");
        for (yaml, said) in [
            (twice.as_str(), "twice"),
            ("[{upstream: 'http://10.0.0.7'}]", "is no https://HOST"),
            ("[{upstream: 'https://'}]", "is no https://HOST"),
            ("[{upstream: 'https://a@b'}]", "is no https://HOST"),
            ("[{upstream: 'https://a/b'}]", "is no https://HOST"),
            (
                "[{upstream: 'https://a', serverName: 'a b'}]",
                "is no name of a server",
            ),
            (
                "[{upstream: 'https://a', caFile: none.pem}]",
                "gate.upstreamTls.caFile: /etc/aeolus/none.pem",
            ),
            ("[{upstream: 'https://a', verify: false}]", "verify"),
        ] {
            let why = read(yaml).unwrap_err();
            assert!(why.contains(said), "{yaml}: {why}");
        }
    }
}
