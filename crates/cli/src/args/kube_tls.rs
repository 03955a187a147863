//! Arguments of the `kube` commands for TLS: `apply-tls`, `renew`, `check` and `restart-ingress`.

use std::path::PathBuf;
use std::str::FromStr;

use aeolus_api::Period;
use aeolus_kube::{Name, Workload};
use aeolus_pki::Life;
use clap::{Args, ValueEnum};

use super::{KubeAccess, Passphrase, PkiAgainst};

/// `NAMESPACE/NAME`, or `NAME` in a namespace that is known otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretName {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

/// Text that names no Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no Secret: write NAMESPACE/NAME, in lower-case letters, digits, '-' and '.'")]
pub(crate) struct SecretNameError(String);

impl FromStr for SecretName {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, SecretNameError> {
        let wrong = || SecretNameError(text.chars().take(80).collect());
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        for part in namespace.into_iter().chain([name]) {
            Name::parse(part).map_err(|_| wrong())?;
        }
        Ok(Self {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        })
    }
}

/// A label or annotation: `KEY=VALUE`, or `KEY-` for one that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) key: String,
    /// None: it goes.
    pub(crate) value: Option<String>,
}

/// Text that is no label or annotation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither KEY=VALUE nor KEY-, where a key is NAME or DOMAIN/NAME")]
pub(crate) struct MarkError(String);

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Self, MarkError> {
        let wrong = || MarkError(text.chars().take(80).collect());
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text.strip_suffix('-').ok_or_else(wrong)?, None),
        };
        is_key(key)
            .then(|| Self {
                key: key.to_owned(),
                value,
            })
            .ok_or_else(wrong)
    }
}

/// A qualified name, as Kubernetes takes it for labels and annotations.
fn is_key(text: &str) -> bool {
    let (domain, name) = match text.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, text),
    };
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    domain.is_none_or(|domain| Name::parse(domain).is_ok())
        && name.len() <= 63
        && name.bytes().all(inner)
        && ends(name.bytes().next())
        && ends(name.bytes().last())
}

/// Which Secret, and how it is written.
#[derive(Debug, Args)]
pub(crate) struct KubeSecret {
    /// The Secret.
    #[arg(value_name = "NAMESPACE/NAME")]
    pub(crate) secret: SecretName,
    /// Its namespace, where the name doesn't say it; absent: the context's.
    #[arg(long, short, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Take what another program has written over from it. Without it, that is a conflict that names the program.
    #[arg(long)]
    pub(crate) force_conflicts: bool,
    #[command(flatten)]
    pub(crate) access: KubeAccess,
}

/// What a dry run asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KubeDryRun {
    /// Nobody: the manifest is printed.
    Client,
    /// The API server, which checks it and stores nothing: what would change is printed.
    Server,
}

/// `kube apply-tls`.
#[derive(Debug, Args)]
pub(crate) struct KubeApplyTls {
    #[command(flatten)]
    pub(crate) target: KubeSecret,
    /// The certificate, followed by what leads to a root: PEM, DER or PKCS#12.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,
    /// Its private key. It is stored unencrypted, as ingress controllers need it.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The authorities that clients trust; absent: whether the chain leads to one isn't proved.
    /// May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,
    /// Names that clients use, which the certificate has to be for. May be repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) host: Vec<String>,
    /// Its users take RSA keys only, as the registry and the API of the original do.
    #[arg(long)]
    pub(crate) rsa_only: bool,
    /// An annotation that the Secret gets, such as aeolus/sync=* for the syncer; KEY- takes one away. Those of an earlier run stay.
    /// May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) annotate: Vec<Mark>,
    /// A label that it gets; KEY- takes one away. May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) label: Vec<Mark>,
    /// Delete a Secret that can't be changed (of another type, or immutable) and make it again, with its labels and
    /// annotations. For a moment there is none.
    #[arg(long)]
    pub(crate) recreate: bool,
    /// Change nothing, and print the manifest, or what the server would change.
    #[arg(long, value_name = "WHO", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(crate) dry_run: Option<KubeDryRun>,
    /// Print the manifest, private key and all, to a terminal as well.
    #[arg(long, requires = "dry_run")]
    pub(crate) show_key: bool,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// `kube restart-ingress`.
#[derive(Debug, Args)]
pub(crate) struct KubeRestartIngress {
    /// What is restarted: deployment/NAME, daemonset/NAME or statefulset/NAME. Absent: what is called nginx, …-nginx or
    /// …ingress-nginx-controller.
    #[arg(value_name = "KIND/NAME")]
    pub(crate) workloads: Vec<Workload>,
    /// What has these labels instead, such as app.kubernetes.io/name=ingress-nginx.
    #[arg(long, short = 'l', value_name = "LABELS", conflicts_with = "workloads")]
    pub(crate) selector: Option<String>,
    /// The namespace; absent: the context's.
    #[arg(long, short, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// How long all of it may take.
    #[arg(long, value_name = "PERIOD", default_value = "10m")]
    pub(crate) timeout: Period,
    /// Don't wait until the new pods serve.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Say what would be restarted, and restart nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) access: KubeAccess,
}

/// `kube check`.
#[derive(Debug, Args)]
pub(crate) struct KubeCheck {
    /// A namespace; absent: the context's. May be repeated.
    #[arg(
        long,
        short,
        value_name = "NAMESPACE",
        value_delimiter = ',',
        conflicts_with = "all_namespaces"
    )]
    pub(crate) namespace: Vec<String>,
    /// Every namespace.
    #[arg(long, short = 'A')]
    pub(crate) all_namespaces: bool,
    /// Secrets with these labels alone.
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub(crate) selector: Option<String>,
    /// Secrets of every type, not only kubernetes.io/tls: authorities in cert.pem and ca.crt, and certificates in other
    /// entries.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) against: PkiAgainst,
    #[command(flatten)]
    pub(crate) access: KubeAccess,
}

/// `kube renew`.
#[derive(Debug, Args)]
pub(crate) struct KubeRenew {
    #[command(flatten)]
    pub(crate) target: KubeSecret,
    /// The folder of the authority that issues (aeolus pki init).
    #[arg(long, value_name = "DIR")]
    pub(crate) ca: PathBuf,
    /// How long the new certificate lives.
    #[arg(long, value_name = "N", default_value_t = Life::LEAF)]
    pub(crate) days: Life,
    /// The names that it is for instead of those that the present one is for.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    pub(crate) san: Vec<String>,
    /// Also where another authority has issued the present one: clients have to trust this one.
    #[arg(long)]
    pub(crate) change_authority: bool,
    /// Only if the present one ends within so many days: for a job that runs daily.
    #[arg(long, value_name = "DAYS")]
    pub(crate) if_within: Option<u32>,
    /// Wait until this server shows what the Secret has, in a session of its own and under this name. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) wait_for: Vec<String>,
    /// How long that may take.
    #[arg(long, value_name = "PERIOD", default_value = "3m")]
    pub(crate) timeout: Period,
    /// Say what would be done, issue nothing and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_with_or_without_its_namespace() {
        let of = |text: &str| text.parse::<SecretName>();
        let named = of("astronomer/platform-tls").unwrap();
        assert_eq!(named.namespace.as_deref(), Some("astronomer"));
        assert_eq!(of("tls").unwrap().namespace, None);
        for none in ["", "/", "a/", "/a", "a/b/c", "A/b", "a/b_c", "../x"] {
            assert!(of(none).is_err(), "{none}");
        }
    }

    #[test]
    fn a_mark_is_set_or_goes() {
        let of = |text: &str| text.parse::<Mark>();
        let set = of("aeolus/sync=a=b,c=d").unwrap();
        assert_eq!(
            (set.key.as_str(), set.value.as_deref()),
            ("aeolus/sync", Some("a=b,c=d"))
        );
        assert_eq!(of("a=").unwrap().value.as_deref(), Some(""));
        assert_eq!(
            of("a.b/c-").unwrap(),
            Mark {
                key: "a.b/c".to_owned(),
                value: None
            }
        );
        for none in [
            "", "=", "-", "a", "=b", "a/b/c=d", "-a=b", "A_/b=c", "a b=c",
        ] {
            assert!(of(none).is_err(), "{none}");
        }
    }
}
