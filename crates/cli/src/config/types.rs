//! What can be configured. The comments here are the reference page.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use aeolus_api::quota::{Quota, Share};
use aeolus_api::{Listen, Period, schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use super::audit::Audit;
use super::auth::Auth;
use super::compat::Compat;
use super::egress::Egress;
use super::email::Email;
use super::fraction::Fraction;
use super::keys::Keys;
use super::probe::Probe;
use super::rails::Rails;
use super::roles::Roles;
use super::scim::Scim;
use super::siblings::Siblings;
use super::tls::{ControlListeners, ControlTls, GateListeners, OwnTls, Tls};
use super::upstream_tls::UpstreamTls;

/// The configuration of an Aeolus server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The control plane's server.
    pub(crate) control: Control,
    /// The data plane's server.
    pub(crate) gate: Gate,
    /// How people sign in. More connections, under names of their own, are part of the fleet document.
    pub(crate) auth: Auth,
    /// Where control keeps its state.
    pub(crate) database: Database,
    /// Control's keys.
    pub(crate) keys: Keys,
    /// Authorities that are trusted, and a certificate of a public one.
    pub(crate) tls: Tls,
    /// Outgoing e-mail.
    pub(crate) email: Email,
    /// Bounds on what one server takes on.
    pub(crate) limits: Limits,
    /// Logs.
    pub(crate) observability: Observability,
    /// Settings for those who come from another product.
    pub(crate) compat: Compat,
}

/// The control plane's server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Control {
    /// Where it listens.
    #[schemars(with = "schema::Listen")]
    pub(crate) listen: Listen,
    /// Where it shows metrics; `null`: nowhere.
    #[schemars(with = "Option<schema::Listen>")]
    pub(crate) metrics: Option<Listen>,
    /// The URL under which browsers, gates and clients reach it, without a trailing slash: the
    /// issuer of every token. Absent: the address it listens on, which suits one machine only.
    #[schemars(with = "Option<schema::HttpUrl>")]
    pub(crate) public_url: Option<String>,
    /// How many reverse proxies stand in front: that many last entries of X-Forwarded-For are
    /// believed.
    pub(crate) trusted_hops: u16,
    /// Whether machines without a browser may ask to be signed in: `aeolus login --device`.
    pub(crate) device_flow: Switch,
    /// How long sessions last.
    pub(crate) session: SessionLife,
    /// The first administrator, made when the database has nobody yet.
    pub(crate) first_admin: Option<FirstAdmin>,
    /// What built-in roles allow here and didn't when they were shipped, or the other way round:
    /// `{ROLE: {permissions: {PERMISSION: true|false}}}`. All replicas of control need the same; a
    /// restart with another value tells every gate.
    pub(crate) roles: Roles,
    /// The audit log.
    pub(crate) audit: Audit,
    /// The way out to identity providers and to where the audit log is sent. The environment names a proxy, if there
    /// is one: `GLOBAL_AGENT_HTTPS_PROXY` or `HTTPS_PROXY`, and `NO_PROXY` what goes without it.
    pub(crate) egress: Egress,
    /// Provisioning by identity providers (SCIM).
    pub(crate) scim: Scim,
    /// TLS of its listeners.
    pub(crate) tls: ControlListeners,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            listen: local(8800),
            metrics: Some(local(8801)),
            public_url: None,
            trusted_hops: 0,
            device_flow: Switch::On,
            session: SessionLife::default(),
            first_admin: None,
            roles: Roles::default(),
            audit: Audit::default(),
            egress: Egress::default(),
            scim: Scim::default(),
            tls: ControlListeners::default(),
        }
    }
}

/// Whether there is something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    /// There is.
    #[default]
    On,
    /// There isn't.
    Off,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SessionLife {
    /// Until a gate has to renew a session in use: the life of an access token.
    #[schemars(with = "schema::Period")]
    pub(crate) access_life: Period,
    /// From sign-in to the end, whatever happens.
    #[schemars(with = "schema::Period")]
    pub(crate) absolute_life: Period,
}

impl Default for SessionLife {
    fn default() -> Self {
        Self {
            access_life: Period::from_secs(8 * 3600),
            absolute_life: Period::from_secs(30 * 86_400),
        }
    }
}

/// The first administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FirstAdmin {
    /// Their address.
    #[schemars(with = "schema::Email")]
    pub(crate) email: aeolus_model::Email,
    /// Their first password.
    pub(crate) password: SecretSource,
}

/// The data plane's server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Gate {
    /// Its folder: who it is, whom it trusts, its secrets and its copy of the snapshot.
    pub(crate) data: PathBuf,
    /// Where reverse proxies ask. Whoever can ask gets an Airflow token: loopback or Unix sockets, or
    /// any address together with `checksFrom` and `proxySecret`.
    #[schemars(with = "Vec<schema::Listen>")]
    pub(crate) checks: Vec<Listen>,
    /// Networks on which proxies and Airflows of this plane are, where they are not on this machine.
    #[schemars(with = "Vec<schema::Cidr>")]
    pub(crate) checks_from: Vec<String>,
    /// What such a proxy sends as `X-Aeolus-Proxy-Secret`: 32 characters or more.
    #[schemars(with = "OptionalSecret")]
    pub(crate) proxy_secret: Option<SecretSource>,
    /// The secret before this one, for as long as some proxies still send it.
    #[schemars(with = "OptionalSecret")]
    pub(crate) proxy_secret_before: Option<SecretSource>,
    /// Where Envoy asks over gRPC (usual: `127.0.0.1:8811`); absent: nowhere.
    #[schemars(with = "Option<schema::Listen>")]
    pub(crate) grpc: Option<Listen>,
    /// Where Apache asks over FastCGI (usual: `127.0.0.1:8812`); absent: nowhere.
    #[schemars(with = "Option<schema::Listen>")]
    pub(crate) fastcgi: Option<Listen>,
    /// Where the built-in proxy listens; `null`: nowhere.
    #[schemars(with = "Option<schema::Listen>")]
    pub(crate) proxy: Option<Listen>,
    /// A certificate of the built-in proxy's own, where no load balancer ends TLS before it.
    pub(crate) proxy_tls: OwnTls,
    /// Networks of load balancers in front of the built-in proxy. Of what comes from one, the client is
    /// the last address in X-Forwarded-For that is in none of these networks; else it is the balancer.
    #[schemars(with = "Vec<schema::Cidr>")]
    pub(crate) trusted_proxies: Vec<String>,
    /// Where it shows metrics; `null`: nowhere.
    #[schemars(with = "Option<schema::Listen>")]
    pub(crate) metrics: Option<Listen>,
    /// What this plane allows, whatever control says. A deployment that lies outside is not served.
    pub(crate) rails: Rails,
    /// The kill switch: a file with the word `plane` or `central`, which is then the path of everything on
    /// the plane, whatever rollouts say; absent: `kill-switch` in `data`. Looked at twice a second.
    pub(crate) kill_switch: Option<PathBuf>,
    /// The way out to identity providers, where the plane signs people in while control is away. The environment names
    /// a proxy, as for control.
    pub(crate) egress: Egress,
    /// TLS of its listeners.
    pub(crate) tls: GateListeners,
    /// How control is reached.
    pub(crate) control_tls: ControlTls,
    /// Applications that the built-in proxy reaches by `https`, and that prove who they are otherwise than by an
    /// authority that is trusted anyway and the name in their address.
    pub(crate) upstream_tls: Vec<UpstreamTls>,
    /// The plane's other replicas.
    pub(crate) siblings: Siblings,
    /// Harmless requests of its own, so that what is broken shows before people meet it; `null`: none.
    pub(crate) probe: Option<Probe>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            data: PathBuf::from("/var/lib/aeolus/gate"),
            checks: vec![local(8810)],
            checks_from: Vec::new(),
            proxy_secret: None,
            proxy_secret_before: None,
            grpc: None,
            fastcgi: None,
            proxy: Some(local(8808)),
            proxy_tls: OwnTls::default(),
            trusted_proxies: Vec::new(),
            metrics: Some(local(8819)),
            rails: Rails::default(),
            kill_switch: None,
            egress: Egress::default(),
            tls: GateListeners::default(),
            control_tls: ControlTls::default(),
            upstream_tls: Vec::new(),
            siblings: Siblings::default(),
            probe: None,
        }
    }
}

/// Where control keeps its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Database {
    /// `sqlite:PATH`, or `postgres://USER@HOST/DATABASE`; it may hold a password, so it can be a
    /// secret's place as well.
    pub(crate) url: SecretSource,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: SecretSource::Value("sqlite:/var/lib/aeolus/control/aeolus.db".to_owned()),
        }
    }
}

/// A secret that may be absent, for the schema.
pub(super) struct OptionalSecret;

impl JsonSchema for OptionalSecret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OptionalSecret".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = SecretSource::json_schema(generator);
        schema.insert("x-secret".to_owned(), "optional".into());
        schema
    }
}

/// Bounds on what one server takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// How long a client of a gate may take for a request's head or a TLS handshake, and a kept connection may be idle.
    #[schemars(with = "schema::Period")]
    pub(crate) head_timeout: Period,
    /// How long a client of a gate may send nothing of a body, or take nothing of an answer.
    #[schemars(with = "schema::Period")]
    pub(crate) stall_timeout: Period,
    /// How many credentials that nobody issued a gate looks at per minute from one address (IPv6: one
    /// /64), and as many at once. Beyond, what it doesn't know already gets 429; sessions and tokens it
    /// knows go on. `null`: any number.
    pub(crate) failed_per_minute: Option<NonZeroU32>,
    /// How many requests of one person or token a gate lets through per minute, and as many at once;
    /// beyond, 429. Each replica counts for itself. `null`: any number.
    pub(crate) requests_per_subject_per_minute: Option<NonZeroU32>,
    /// How many connections each listener of a gate holds at once; one more is refused at once.
    pub(crate) connections: NonZeroU32,
    /// How many of them may come from one address (IPv6: one /64). A proxy is one address, whoever is
    /// behind it.
    pub(crate) connections_per_source: NonZeroU32,
    /// How many requests of a gate may wait for an Airflow or for control at once; those of one
    /// deployment take a quarter at most. Strangers are turned away from half on, who signs in from three
    /// quarters on.
    pub(crate) requests: NonZeroU32,
    /// How long a gate that is told to stop goes on, while `/readyz` says 503 already: as long as load
    /// balancers take to notice. In Kubernetes 5 s is usual.
    #[schemars(with = "schema::Period")]
    pub(crate) drain_delay: Period,
    /// How many passwords are hashed at once; absent: one per core. Each takes 19 MiB.
    pub(crate) password_hashes: Option<u16>,
    /// What an organization may use of control in a minute, if `aeolus org quota set` gave it no quota of its
    /// own. Each replica counts for itself. What is left out has no bound.
    pub(crate) per_organization: Quota,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Period::from_secs(10),
            stall_timeout: Period::from_secs(10),
            failed_per_minute: NonZeroU32::new(600),
            requests_per_subject_per_minute: None,
            connections: many(16_384),
            connections_per_source: many(12_288),
            requests: many(4_096),
            drain_delay: Period::from_secs(0),
            password_hashes: None,
            per_organization: Quota {
                api_calls_per_minute: NonZeroU32::new(6_000),
                sign_ins_per_minute: NonZeroU32::new(1_200),
                caller_percent: Some(Share::HALF),
                tokens: None,
            },
        }
    }
}

const fn many(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

/// Logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Observability {
    /// What is logged: `error`, `warn`, `info`, `debug` or `trace`, also per module
    /// (`info,aeolus_gate=debug`).
    pub(crate) log: String,
    /// One line of text or one JSON object per event.
    pub(crate) log_format: LogFormat,
    /// The share of allowed requests that a gate logs, 0 to 1. Refused ones are all logged, the first
    /// of each minute in full and the rest as a count.
    pub(crate) allow_sample: Fraction,
}

impl Default for Observability {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            log_format: LogFormat::default(),
            allow_sample: Fraction(1_000),
        }
    }
}

/// The form of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// A port on this machine only.
const fn local(port: u16) -> Listen {
    Listen::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
}
