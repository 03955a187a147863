//! What the server is told. Reading it from files and the environment is the command line's job.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::Listen;
use aeolus_api::egress::Way;
use aeolus_api::quota::Quota;
use aeolus_api::trust::Authorities;
use aeolus_model::{BuiltIns, Cidr, Email, Secret};
use aeolus_tls::{ClientsFiles, HandedOver, Kept, PairFiles};

use crate::email::EmailConfig;
use crate::registry::RegistryConfig;

pub use crate::connections::configured::SignInConfig;
pub use crate::people::SignUp;
pub use crate::signin::parent::ParentCookie;

/// Everything that a control plane's server is told.
pub struct ControlConfig {
    /// Where to listen.
    pub listen: Listen,
    /// Where to show metrics; nowhere if absent.
    pub metrics: Option<Listen>,
    /// The public URL, without a trailing slash: the issuer of every token. Absent: derived from
    /// the bound loopback address, which only suits a development fleet.
    pub public_url: Option<String>,
    /// `sqlite:PATH` or `postgres://…`.
    pub database: String,
    /// Opens the envelopes in which the database keeps private keys.
    pub master_key: Secret<[u8; 32]>,
    /// The folder with the root document; see [`crate::root`].
    pub root_dir: Option<PathBuf>,
    /// The first administrator, made if the database has no people yet.
    pub first_admin: Option<FirstAdmin>,
    /// How people sign in: by password, and through which providers.
    pub sign_in: SignInConfig,
    /// Who gets an account by coming.
    pub sign_up: SignUp,
    /// How long sessions last.
    pub session: SessionLife,
    /// Whether machines without a browser may ask to be signed in (RFC 8628).
    pub device_flow: bool,
    /// How many reverse proxies stand in front: so many last entries of `X-Forwarded-For` are
    /// believed. With 0 the header is ignored.
    pub trusted_hops: usize,
    /// How many passwords may be hashed at once; absent: one per core.
    pub hash_permits: Option<usize>,
    /// A cookie for all hosts below one domain, for proxies that come from the original.
    pub parent_cookie: Option<ParentCookie>,
    /// What proxies know that ask at `/v1/authorization`: a secret, or two while it is being replaced.
    /// Without one nobody can ask.
    pub proxy_secrets: Vec<Secret<String>>,
    /// The container registry whose clients get tokens here; absent: there is none.
    pub registry: Option<RegistryConfig>,
    /// How planes are told of changes.
    pub publishing: Publishing,
    /// How long a signing key signs before the next one takes over by itself; absent: until somebody
    /// rotates it. Snapshot keys are always rotated by hand.
    pub rotate_keys: Option<Duration>,
    /// Which version this is, and what it means that it is newer than the one before.
    pub upgrades: Upgrades,
    /// What the built-in roles allow in this installation (row F12).
    pub built_ins: BuiltIns,
    /// How long the audit log is kept, and where it is copied to.
    pub audit: AuditConfig,
    /// The way out to identity providers and to where the audit log is sent.
    pub egress: Way,
    /// From where, and at which listener, is provisioned.
    pub scim: ScimConfig,
    /// How e-mails are sent; absent: none are.
    pub email: Option<EmailConfig>,
    /// What an organization may use that has no quota of its own.
    pub quota: Quota,
    /// TLS of the listeners.
    pub tls: ListenerTls,
    /// Authorities that vouch for the database and the server of e-mails, beside those that are known anyway.
    pub authorities: Authorities,
    /// What else is read again when its files are others, such as whom `egress` believes.
    pub kept: Vec<Arc<dyn Kept>>,
    /// Sockets that a service manager opened: `control`, `metrics`, `scim`.
    pub handed_over: HandedOver,
}

/// The certificates of listeners; those without one speak plainly, and Unix sockets do at any rate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerTls {
    /// Of the API and the pages.
    pub control: Option<ApiTls>,
    /// Of metrics.
    pub metrics: Option<PairFiles>,
    /// Of provisioning.
    pub scim: Option<PairFiles>,
}

/// TLS of the listener of the API. Nobody can be asked for a certificate where it speaks none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTls {
    /// What it shows.
    pub pair: PairFiles,
    /// Whose certificates gates have to show as well; absent: they needn't.
    pub clients: Option<ClientsFiles>,
}

/// What happens when a newer version starts on a database than has run there before.
#[derive(Clone, Debug)]
pub struct Upgrades {
    /// This program's.
    pub version: semver::Version,
    /// Whether it gets new signing keys.
    pub keys: NewKeys,
}

/// Whether an upgrade gets new signing keys, all but the snapshot key, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewKeys {
    /// They stay.
    #[default]
    None,
    /// The next ones are announced, and take over as in any rotation. Nothing ends.
    Staged,
    /// They are replaced at once and every session ends, as the original's `regenerateCaEachUpgrade` has it
    /// (row H2).
    AtOnce,
}

impl Upgrades {
    /// To the version of this program. One that can't be read is newer than none.
    pub fn to_this(keys: NewKeys) -> Self {
        let version = semver::Version::parse(env!("CARGO_PKG_VERSION"));
        Self {
            version: version.unwrap_or(semver::Version::new(0, 0, 0)),
            keys,
        }
    }
}

/// How long the audit log is kept, and where it is copied to.
#[derive(Clone, Debug, Default)]
pub struct AuditConfig {
    /// Lines that are older are deleted; absent: none are.
    pub retention: Option<Duration>,
    /// A file.
    pub file: Option<AuditFile>,
    /// Whether to standard output too.
    pub stdout: bool,
    /// A server that is told.
    pub webhook: Option<AuditWebhook>,
}

/// A file that the audit log is appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFile {
    /// Where it is.
    pub path: PathBuf,
    /// With more bytes it is renamed to `PATH.1` and a new one begun.
    pub max_bytes: u64,
    /// How many renamed ones are kept.
    pub keep: u32,
}

/// A server that is sent the audit log.
#[derive(Clone, Debug)]
pub struct AuditWebhook {
    /// Its URL.
    pub url: String,
    /// What signs the requests to it.
    pub secret: Secret<String>,
}

/// From where, how often, and at which listener, providers provision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimConfig {
    /// A listener that answers them and nobody else; absent: there is none.
    pub listen: Option<Listen>,
    /// Networks that they come from, at whichever listener; empty: anywhere.
    pub allowed_networks: Vec<Cidr>,
    /// Whether they are answered at that listener only.
    pub only: bool,
    /// How many requests of one connection are answered in a minute, at each replica.
    pub requests_per_minute: u32,
}

impl Default for ScimConfig {
    /// At the main listener, from anywhere, 6,000 requests a minute.
    fn default() -> Self {
        Self {
            listen: None,
            allowed_networks: Vec::new(),
            only: false,
            requests_per_minute: 6_000,
        }
    }
}

/// How planes are told of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publishing {
    /// A plane whose whole snapshot is made in less time gets one for every change. Larger ones are told
    /// revocations at once, and the rest in whole snapshots with a rest between.
    pub at_once: Duration,
    /// That rest, at least and at most: four times as long as a snapshot took.
    pub rest: (Duration, Duration),
    /// For so long beyond what a snapshot takes, a replica of control that was started with other built-in
    /// roles before waits for another one to publish records. Then it stands in.
    pub silence: Duration,
}

impl Default for Publishing {
    /// 100 ms, 1 to 30 s, 5 s.
    fn default() -> Self {
        Self {
            at_once: Duration::from_millis(100),
            rest: (Duration::from_secs(1), Duration::from_secs(30)),
            silence: Duration::from_secs(5),
        }
    }
}

/// The first administrator.
#[derive(Clone, Debug)]
pub struct FirstAdmin {
    /// Their address.
    pub email: Email,
    /// Their password.
    pub password: Secret<String>,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLife {
    /// Until a gate has to renew: the life of an access token.
    pub access: Duration,
    /// From sign-in to the end, whatever happens.
    pub absolute: Duration,
}

impl Default for SessionLife {
    /// 8 hours, 30 days.
    fn default() -> Self {
        Self {
            access: Duration::from_secs(8 * 3600),
            absolute: Duration::from_secs(30 * 86_400),
        }
    }
}
