//! Arguments of `pki`.

use std::path::PathBuf;

use aeolus_pki::{KeyKind, Life, ListAddress, Reason};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};

use super::PkiAcme;

/// Certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum PkiCommand {
    /// Make an authority: a root, and if asked an intermediate below it that issues.
    Init(PkiInit),
    /// Issue a certificate and its key.
    Issue(PkiIssue),
    /// Issue a certificate for the key of a request (PKCS#10). Nothing else of the request counts.
    Sign(PkiSign),
    /// Have a public authority issue a certificate for names that it can reach (ACME, RFC 8555), or renew it when that
    /// is due.
    ///
    /// Run it by a timer, daily: what isn't due is left alone, and what fails leaves the pair that is there.
    Acme(Box<PkiAcme>),
    /// Renew what an authority issued, with new keys: at 2/3 of a life, at 1/2 of one of 10 days or less.
    ///
    /// Run it by a timer, daily or more often; what isn't due is left alone.
    Renew(PkiRenew),
    /// Revoke a certificate and write the list of revoked ones.
    Revoke(PkiRevoke),
    /// Write the list of revoked certificates again: it is good for some days only.
    Crl(PkiCrl),
    /// Change an authority's root without an outage, step by step; without a flag, say where that stands.
    RotateCa(PkiRotateCa),
    /// Write a certificate with its key as others want it: one PEM file, PKCS#12, a Kubernetes manifest.
    Export(PkiExport),
    /// Show what certificates, keys, requests and lists say.
    Inspect(PkiInspect),
    /// Say what is wrong with certificates in files, in Secrets of Kubernetes or at servers, and what to do.
    ///
    /// Exit status: 0 nothing, 1 an error, 2 something can't be read, 3 only warnings.
    Check(PkiCheck),
}

/// The authority.
#[derive(Clone, Debug, Args)]
pub(crate) struct PkiFolder {
    /// The authority's folder. One with a ca.crt and ca.key of openssl's will do.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// What opens and protects keys.
#[derive(Clone, Debug, Args)]
pub(crate) struct Passphrase {
    /// A file whose first line is the passphrase of encrypted keys. Absent: the environment's
    /// `AEOLUS_PKI_PASSPHRASE`, if there is one.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// `pki init`.
#[derive(Debug, Args)]
pub(crate) struct PkiInit {
    #[command(flatten)]
    pub(crate) folder: PkiFolder,
    /// The root's name.
    #[arg(long, value_name = "N", default_value = "Aeolus CA")]
    pub(crate) cn: String,
    /// The kind of key.
    #[arg(long, value_name = "K", default_value = "rsa4096", value_parser = keys())]
    pub(crate) key: KeyKind,
    /// How long the root lives.
    #[arg(long, value_name = "N", default_value_t = Life::ROOT)]
    pub(crate) days: Life,
    /// Make an intermediate, which issues from then on: the root's key can be kept elsewhere.
    #[arg(long)]
    pub(crate) intermediate: bool,
    /// How long the intermediate lives.
    #[arg(
        long,
        value_name = "N",
        default_value_t = Life::INTERMEDIATE,
        requires = "intermediate"
    )]
    pub(crate) intermediate_days: Life,
    /// Domains and blocks of addresses that the intermediate may issue for, such as example.com and 10.0.0.0/8;
    /// absent: any.
    #[arg(long, value_name = "DOMAIN|CIDR", num_args = 1.., requires = "intermediate")]
    pub(crate) permit: Vec<String>,
    /// Domains and blocks of addresses that the intermediate may not issue for; they win over permitted ones.
    #[arg(long, value_name = "DOMAIN|CIDR", num_args = 1.., requires = "intermediate")]
    pub(crate) exclude: Vec<String>,
    /// Where the folder with lists of revoked certificates (DIR/crl) will be published, such as
    /// `http://pki.example.com/crl`: every certificate says where its issuer's list is.
    #[arg(long, value_name = "URL")]
    pub(crate) crl_url: Option<ListAddress>,
    /// Encrypt the authority's keys with the passphrase.
    #[arg(long)]
    pub(crate) encrypt: bool,
    /// Replace the authority that is there. The one before is kept beside it.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a certificate is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PkiProfile {
    /// A server's.
    Server,
    /// A client's.
    Client,
    /// Both.
    Both,
}

/// `pki issue`.
#[derive(Debug, Args)]
pub(crate) struct PkiIssue {
    #[command(flatten)]
    pub(crate) folder: PkiFolder,
    /// The names: hosts, wildcards, addresses, URIs.
    #[arg(long, value_name = "NAME", num_args = 1.., required = true, value_delimiter = ',')]
    pub(crate) san: Vec<String>,
    /// Where to: STEM.crt (with what has to be sent with it) and STEM.key.
    #[arg(long, value_name = "STEM")]
    pub(crate) out: PathBuf,
    /// How long it lives.
    #[arg(long, value_name = "N", default_value_t = Life::LEAF)]
    pub(crate) days: Life,
    /// The kind of key. Some consumers take RSA only.
    #[arg(long, value_name = "K", default_value = "p256", value_parser = keys())]
    pub(crate) key: KeyKind,
    /// What it is used as.
    #[arg(long, value_enum, default_value = "server")]
    pub(crate) profile: PkiProfile,
    /// Encrypt the key with the passphrase.
    #[arg(long)]
    pub(crate) encrypt: bool,
    /// Replace what is there. The pair before is kept beside it.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `pki sign`.
#[derive(Debug, Args)]
pub(crate) struct PkiSign {
    #[command(flatten)]
    pub(crate) folder: PkiFolder,
    /// The request's file.
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,
    /// The names that it is given.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', required_unless_present = "names_from_request")]
    pub(crate) san: Vec<String>,
    /// Give it the names that it asks for. Look at them first: aeolus pki inspect FILE.
    #[arg(long)]
    pub(crate) names_from_request: bool,
    /// Where to: STEM.crt.
    #[arg(long, value_name = "STEM")]
    pub(crate) out: PathBuf,
    /// How long it lives.
    #[arg(long, value_name = "N", default_value_t = Life::LEAF)]
    pub(crate) days: Life,
    /// What it is used as.
    #[arg(long, value_enum, default_value = "server")]
    pub(crate) profile: PkiProfile,
    /// Replace what is there. The file before is kept beside it.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `pki renew`.
#[derive(Debug, Args)]
pub(crate) struct PkiRenew {
    #[command(flatten)]
    pub(crate) folder: PkiFolder,
    /// Which, as they were issued with `--out`; absent: everything that the authority issued into files.
    #[arg(value_name = "STEM")]
    pub(crate) stems: Vec<PathBuf>,
    /// Also what isn't due, but for the intermediate.
    #[arg(long)]
    pub(crate) now: bool,
    /// The intermediate as well, whether it is due or not. The one before signs on what it revokes.
    #[arg(long)]
    pub(crate) intermediate: bool,
    /// Run a program once something has been renewed, such as "systemctl reload nginx". Its words are split at
    /// blanks, without a shell; the paths that changed are in `AEOLUS_PKI_CHANGED`, one a line. If it fails, the exit
    /// status is 4, and the next run runs it again.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) run: Option<String>,
}

/// `pki revoke`.
#[derive(Debug, Args)]
pub(crate) struct PkiRevoke {
    #[command(flatten)]
    pub(crate) folder: PkiFolder,
    /// The certificate: its file, or its serial number in hexadecimal.
    #[arg(value_name = "FILE|SERIAL")]
    pub(crate) certificate: String,
    /// Why.
    #[arg(long, value_name = "REASON", default_value = "unspecified", value_parser = reasons())]
    pub(crate) reason: Reason,
    /// How long the list is good.
    #[arg(long, value_name = "N", default_value = "7")]
    pub(crate) crl_days: Life,
}

/// `pki crl`.
#[derive(Debug, Args)]
pub(crate) struct PkiCrl {
    #[command(flatten)]
    pub(crate) folder: PkiFolder,
    /// How long the list is good.
    #[arg(long, value_name = "N", default_value = "7")]
    pub(crate) crl_days: Life,
}

/// `pki rotate-ca`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, and which go together is said beside them"
)]
#[derive(Debug, Args)]
pub(crate) struct PkiRotateCa {
    #[command(flatten)]
    pub(crate) folder: PkiFolder,
    /// Take the next step.
    #[arg(long, conflicts_with = "rollback")]
    pub(crate) advance: bool,
    /// Take the last step back.
    #[arg(long)]
    pub(crate) rollback: bool,
    /// Every client has bundle.crt: needed where certificates of the next root begin.
    #[arg(long, requires = "advance")]
    pub(crate) clients_have_bundle: bool,
    /// The next root's kind of key; absent: that of the root.
    #[arg(long, value_name = "K", value_parser = keys(), requires = "advance")]
    pub(crate) key: Option<KeyKind>,
    /// Encrypt the next root's keys with the passphrase.
    #[arg(long, requires = "advance")]
    pub(crate) encrypt: bool,
    /// Go on although certificates that are alive will be refused.
    #[arg(long)]
    pub(crate) force: bool,
}

/// How a pair is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PkiFormat {
    /// Certificates and key in one file.
    Pem,
    /// PKCS#12, encrypted with the passphrase.
    Pkcs12,
    /// A Kubernetes Secret of the type kubernetes.io/tls.
    Kubernetes,
}

/// `pki export`.
#[derive(Debug, Args)]
pub(crate) struct PkiExport {
    /// The pair, as it was issued with `--out`.
    pub(crate) stem: PathBuf,
    /// How it is written.
    #[arg(long, value_enum)]
    pub(crate) format: PkiFormat,
    /// Where to; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The name in the archive or of the Secret; absent: the stem's last part.
    #[arg(long, value_name = "N")]
    pub(crate) name: Option<String>,
    /// The Secret's namespace.
    #[arg(long, value_name = "N")]
    pub(crate) namespace: Option<String>,
    /// Replace the file that is there. The one before is kept beside it.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// `pki inspect`.
#[derive(Debug, Args)]
pub(crate) struct PkiInspect {
    /// Files: PEM, DER or PKCS#12.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// `pki check`.
#[derive(Debug, Args)]
pub(crate) struct PkiCheck {
    /// Files, folders, servers as host:port, or - for standard input. A key beside a certificate (NAME.key beside
    /// NAME.crt) is compared with it. Manifests of Kubernetes (YAML or JSON) are searched for Secrets.
    #[arg(required = true, value_name = "FILE|DIR|HOST:PORT|-")]
    pub(crate) places: Vec<String>,
    /// A key that has to belong to each certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) against: PkiAgainst,
}

/// What certificates are held against, wherever they are, and how that is told.
#[derive(Debug, Args)]
pub(crate) struct PkiAgainst {
    /// The authorities that clients trust. Absent: this machine's for servers; for files, chains aren't proved.
    /// May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,
    /// The names that clients use; for servers, their own is always one.
    /// May be repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) host: Vec<String>,
    /// A list of revoked certificates. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) crl: Vec<PathBuf>,
    /// Fetch the lists that certificates say where to find, over plain HTTP.
    #[arg(long)]
    pub(crate) fetch_crls: bool,
    /// Warn so many days before the end as well; absent: by parts of the life only.
    #[arg(long, value_name = "N")]
    pub(crate) warn_days: Option<u32>,
    /// Its users take RSA keys only, as the registry of the original does.
    #[arg(long)]
    pub(crate) rsa_only: bool,
    /// Print figures for Prometheus instead. With a file: write them there as a whole, for the textfile collector.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub(crate) metrics: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

pub(super) fn keys() -> impl TypedValueParser<Value = KeyKind> {
    let names = KeyKind::ALL.map(KeyKind::name);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<KeyKind>())
}

fn reasons() -> impl TypedValueParser<Value = Reason> {
    let names = Reason::ALL.map(Reason::name);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Reason>())
}
