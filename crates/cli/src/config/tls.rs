//! Certificates, as they are configured: of listeners, of a gate towards control, and of a company's own authorities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aeolus_tls::{AuthorityFiles, Believed, ClientFiles, ClientsFiles, PairFiles, TlsError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::acme::Acme;
use super::{Effective, Environment};
use crate::report::{Failure, Report};

/// Authorities that are trusted, and a certificate of a public one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// PEM files with certificates of a company's own authorities, which are trusted beside the system's wherever
    /// control, a gate or a command connects to. Replaced files count within ten seconds for all but the database
    /// and the server of e-mails.
    pub(crate) private_ca_certs: Vec<PathBuf>,
    /// A certificate of a public authority that this server gets, and renews in place.
    pub(crate) acme: Acme,
}

/// A certificate of one listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct OwnTls {
    /// The certificate (PEM), followed by those between it and its authority; absent: see `tls` beside it.
    /// Renew it in place: connections that are open go on, the next ones have the new one.
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub(crate) key: Option<PathBuf>,
}

/// A certificate of control's listeners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ControlListeners {
    /// The certificate (PEM), followed by those between it and its authority; absent: plain HTTP. Renew it in place:
    /// connections that are open go on, the next ones have the new one.
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub(crate) key: Option<PathBuf>,
    /// Which listeners speak TLS. Unix sockets never do.
    pub(crate) listeners: Vec<ControlListener>,
    /// Whose certificates gates have to show (mutual TLS), beside what they prove by themselves.
    pub(crate) clients: Clients,
}

/// Whose certificates gates have to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Clients {
    /// Certificates (PEM) of the authorities that vouch for gates; absent: gates need no certificate. Replace them in
    /// place.
    pub(crate) authorities: Option<PathBuf>,
    /// Lists (PEM) of certificates that they have revoked; replace it in place. Authorities without a list in it
    /// have revoked none.
    pub(crate) revoked: Option<PathBuf>,
}

/// A listener of control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ControlListener {
    /// `control.listen`.
    Control,
    /// `control.metrics`.
    Metrics,
    /// `control.scim.listen`.
    Scim,
}

impl Default for ControlListeners {
    fn default() -> Self {
        use ControlListener::{Control, Metrics, Scim};
        Self {
            certificate: None,
            key: None,
            listeners: vec![Control, Metrics, Scim],
            clients: Clients::default(),
        }
    }
}

/// A certificate of a gate's listeners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct GateListeners {
    /// The certificate (PEM), followed by those between it and its authority; absent: no TLS. Renew it in place:
    /// connections that are open go on, the next ones have the new one.
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub(crate) key: Option<PathBuf>,
    /// Which listeners speak TLS. FastCGI and Unix sockets never do.
    pub(crate) listeners: Vec<GateListener>,
}

/// A listener of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GateListener {
    /// `gate.checks`.
    Checks,
    /// `gate.grpc`.
    Grpc,
    /// `gate.proxy`.
    Proxy,
    /// `gate.metrics`.
    Metrics,
    /// `gate.siblings.listen`.
    Siblings,
}

impl Default for GateListeners {
    fn default() -> Self {
        use GateListener::{Checks, Grpc, Metrics, Proxy, Siblings};
        Self {
            certificate: None,
            key: None,
            listeners: vec![Checks, Grpc, Proxy, Metrics, Siblings],
        }
    }
}

/// For a control plane that asks its clients for certificates, or has one of a private authority. It comes on top
/// of what a gate proves by its own key, which never ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ControlTls {
    /// Certificates (PEM) of those who alone may vouch for control; absent: the system's authorities and those of
    /// `tls.privateCaCerts`. Replace them in place.
    pub(crate) authorities: Option<PathBuf>,
    /// The gate's own certificate (PEM), followed by those between it and its authority. Renew it in place: the
    /// next connection has the new one.
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub(crate) key: Option<PathBuf>,
}

/// The configuration's name for private authorities.
const PRIVATE: &str = "tls.privateCaCerts";

impl Tls {
    /// Those that a command trusts: of the environment alone, because it has no configuration.
    pub(crate) fn of_environment(environment: &Environment) -> AuthorityFiles {
        let named = environment.get("TLS__PRIVATE_CA_CERTS").unwrap_or_default();
        let files = named.split(',').map(str::trim);
        let files = files.filter(|file| !file.is_empty()).map(PathBuf::from);
        AuthorityFiles::beside_system(PRIVATE, files.collect())
    }
}

impl Effective {
    /// A company's own authorities.
    pub(crate) fn private_authorities(&self) -> AuthorityFiles {
        let files = self.config.tls.private_ca_certs.iter();
        let files = files.map(|file| self.base.join(file));
        AuthorityFiles::beside_system(PRIVATE, files.collect())
    }
}

/// Reads authorities, or says which key is wrong.
pub(crate) fn believed(files: AuthorityFiles) -> Result<Arc<Believed>, Failure> {
    Believed::open(files).map_err(|error| unbelieved(&error))
}

/// Why authorities can't be used.
pub(crate) fn unbelieved(error: &TlsError) -> Failure {
    Report::new("CFG-0015", error.to_string())
        .why("Whoever proves by these authorities who they are would not be believed.")
        .help("name PEM files with certificates of authorities, each readable for this user")
        .usage()
}

impl ControlListeners {
    /// The files of each listener, from the folder of the configuration on.
    pub(crate) fn files(
        self,
        scim: OwnTls,
        base: &Path,
    ) -> Result<aeolus_control::ListenerTls, Failure> {
        let shared = pair("control.tls", (self.certificate, self.key), base)?;
        let of = |listener| {
            let shared = shared.as_ref();
            shared
                .filter(|_| self.listeners.contains(&listener))
                .cloned()
        };
        let own = pair("control.scim.tls", (scim.certificate, scim.key), base)?;
        let control = match (of(ControlListener::Control), self.clients.files(base)?) {
            (Some(pair), clients) => Some(aeolus_control::ApiTls { pair, clients }),
            (None, None) => None,
            (None, Some(_)) => {
                let what = "control.tls.clients is set, but control's listener speaks no TLS";
                return Err(Report::new("CFG-0004", what)
                    .why("Nobody could show a certificate there.")
                    .help("give control.tls.certificate and key, and leave `control` in control.tls.listeners")
                    .usage());
            }
        };
        Ok(aeolus_control::ListenerTls {
            control,
            metrics: of(ControlListener::Metrics),
            scim: own.or_else(|| of(ControlListener::Scim)),
        })
    }
}

impl Clients {
    fn files(self, base: &Path) -> Result<Option<ClientsFiles>, Failure> {
        match (self.authorities, self.revoked) {
            (Some(authorities), revoked) => Ok(Some(ClientsFiles {
                name: "control.tls.clients",
                authorities: base.join(authorities),
                revoked: revoked.map(|file| base.join(file)),
            })),
            (None, Some(_)) => {
                let what = "control.tls.clients.revoked is set, but no authorities are";
                Err(Report::new("CFG-0004", what)
                    .why("It says which of their certificates count no more.")
                    .help("name control.tls.clients.authorities, or leave `revoked` out")
                    .usage())
            }
            (None, None) => Ok(None),
        }
    }
}

impl GateListeners {
    /// The same.
    pub(crate) fn files(
        self,
        proxy: OwnTls,
        base: &Path,
    ) -> Result<aeolus_gate::ListenerTls, Failure> {
        let shared = pair("gate.tls", (self.certificate, self.key), base)?;
        let of = |listener| {
            let shared = shared.as_ref();
            shared
                .filter(|_| self.listeners.contains(&listener))
                .cloned()
        };
        let own = pair("gate.proxyTls", (proxy.certificate, proxy.key), base)?;
        Ok(aeolus_gate::ListenerTls {
            checks: of(GateListener::Checks),
            grpc: of(GateListener::Grpc),
            proxy: own.or_else(|| of(GateListener::Proxy)),
            metrics: of(GateListener::Metrics),
            siblings: of(GateListener::Siblings),
        })
    }
}

impl ControlTls {
    /// The same, with a company's own authorities where none is named.
    pub(crate) fn files(
        self,
        private: AuthorityFiles,
        base: &Path,
    ) -> Result<ClientFiles, Failure> {
        let authorities = match self.authorities {
            Some(file) => AuthorityFiles {
                name: "gate.controlTls.authorities",
                files: vec![base.join(file)],
                beside_system: false,
            },
            None => private,
        };
        Ok(ClientFiles {
            authorities,
            own: pair("gate.controlTls", (self.certificate, self.key), base)?,
        })
    }
}

fn pair(
    name: &'static str,
    files: (Option<PathBuf>, Option<PathBuf>),
    base: &Path,
) -> Result<Option<PairFiles>, Failure> {
    match files {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(PairFiles {
            name,
            certificate: base.join(certificate),
            key: base.join(key),
        })),
        _ => Err(Report::new("CFG-0004", format!("{name} is half there"))
            .why("A certificate is of no use without its key, nor a key without its certificate.")
            .help(format!("give both {name}.certificate and {name}.key"))
            .usage()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(yaml: &str, proxy: &str) -> aeolus_gate::ListenerTls {
        let listeners: GateListeners = serde_saphyr::from_str(yaml).unwrap();
        let proxy: OwnTls = serde_saphyr::from_str(proxy).unwrap();
        listeners.files(proxy, Path::new("/etc/aeolus")).unwrap()
    }

    #[test]
    fn one_certificate_serves_every_listener_but_those_that_have_their_own_or_are_left_out() {
        let all = gate("{certificate: a.pem, key: a.key}", "{}");
        let shared = all.checks.clone().unwrap();
        assert_eq!(shared.certificate, Path::new("/etc/aeolus/a.pem"));
        for one in [all.grpc, all.proxy, all.metrics, all.siblings] {
            assert_eq!(one.as_ref(), Some(&shared));
        }
        let some = gate(
            "{certificate: a.pem, key: a.key, listeners: [checks]}",
            "{certificate: b.pem, key: b.key}",
        );
        assert_eq!(some.checks, Some(shared));
        assert_eq!(some.proxy.unwrap().name, "gate.proxyTls");
        assert_eq!((some.grpc, some.metrics, some.siblings), (None, None, None));
        assert_eq!(gate("{}", "{}"), aeolus_gate::ListenerTls::default());
    }

    #[test]
    fn half_a_pair_is_said_by_its_key() {
        let listeners: ControlListeners = serde_saphyr::from_str("{certificate: a.pem}").unwrap();
        let failure = listeners
            .files(OwnTls::default(), Path::new(""))
            .unwrap_err();
        assert!(failure.render().contains("control.tls is half there"));
    }

    #[test]
    fn clients_are_asked_for_certificates_where_there_is_tls() {
        let read = |yaml: &str| {
            let listeners: ControlListeners = serde_saphyr::from_str(yaml).unwrap();
            let files = listeners.files(OwnTls::default(), Path::new("/etc"));
            files.map_err(|failure| failure.render())
        };
        let clients = "clients: {authorities: c.pem, revoked: r.pem}";
        let files = read(&format!("{{certificate: a, key: b, {clients}}}"));
        let asked = files.unwrap().control.unwrap().clients.unwrap();
        assert_eq!(asked.authorities, Path::new("/etc/c.pem"));
        assert_eq!(asked.revoked.as_deref(), Some(Path::new("/etc/r.pem")));
        let metrics = format!("{{certificate: a, key: b, listeners: [metrics], {clients}}}");
        for (yaml, said) in [
            (metrics.as_str(), "speaks no TLS"),
            ("{clients: {revoked: r.pem}}", "no authorities are"),
        ] {
            assert!(read(yaml).unwrap_err().contains(said), "{yaml}");
        }
    }

    #[test]
    fn k12_an_authority_that_can_not_be_read_is_said_by_its_key() {
        let environment = Environment::of(&[("TLS__PRIVATE_CA_CERTS", "/nowhere/a.pem, /b.pem")]);
        let files = Tls::of_environment(&environment);
        assert_eq!(files.files.len(), 2);
        let said = believed(files).unwrap_err().render();
        assert!(said.contains("CFG-0015"), "{said}");
        assert!(
            said.contains("tls.privateCaCerts: /nowhere/a.pem"),
            "{said}"
        );
    }
}
