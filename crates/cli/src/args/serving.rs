//! Arguments of the servers.

use std::path::PathBuf;

use aeolus_model::Email;
use clap::{Args, Subcommand};

use super::{ConfigFile, SecretCommand};
use crate::config::Flag;

/// The control plane.
#[derive(Debug, Subcommand)]
pub(crate) enum ControlCommand {
    /// Run it until it is told to end.
    Serve(ControlServe),
    /// Let publishing go on after the database was restored from a backup. Run it once, with the
    /// control plane stopped.
    Recover(ControlRecover),
    /// Print a code that makes the first administrator at /setup, in place of the one in control's log.
    FirstAdmin(ControlFirstAdmin),
    /// Remove the second factor of an account in the database itself, where nobody is left who may do it by
    /// `aeolus user reset-second-factor`: its only administrator has lost app and recovery codes. Ends the
    /// account's sessions. Control may run meanwhile.
    ResetSecondFactor(ControlResetSecondFactor),
}

/// `control first-admin`.
#[derive(Debug, Args)]
pub(crate) struct ControlFirstAdmin {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The database, as `control serve` takes it.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

impl ControlFirstAdmin {
    /// The flags that were given, as layers of the configuration.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        layer(&[("--database", "database.url", self.database.as_ref())])
    }
}

/// `control reset-second-factor`.
#[derive(Debug, Args)]
pub(crate) struct ControlResetSecondFactor {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The account's address.
    #[arg(value_name = "EMAIL")]
    pub(crate) email: Email,
    /// The database, as `control serve` takes it.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

impl ControlResetSecondFactor {
    /// The flags that were given, as layers of the configuration.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        layer(&[("--database", "database.url", self.database.as_ref())])
    }
}

/// `control recover`.
#[derive(Debug, Args)]
pub(crate) struct ControlRecover {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The database, as `control serve` takes it.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// When the backup was made, in seconds since 1970 (`date -d TIME +%s`); absent: the newest time
    /// that the restored database spoke of. What was issued since then is refused.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) lost_from: Option<i64>,
}

impl ControlRecover {
    /// The flags that were given, as layers of the configuration.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        layer(&[("--database", "database.url", self.database.as_ref())])
    }
}

/// `control serve`.
#[derive(Debug, Args)]
pub(crate) struct ControlServe {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Where to listen: host:port or unix:PATH; port 0 takes a free one [default: 127.0.0.1:8800].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Where to show metrics; `off`: nowhere [default: 127.0.0.1:8801].
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,
    /// The URL under which everybody reaches it: the issuer of every token.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// The database: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`. Give one with a password by
    /// `DATABASE__URL` or a file instead: other users can read arguments.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// A file with the master key: 32 random bytes as base64url or hex.
    #[arg(long, value_name = "FILE")]
    pub(crate) master_key_file: Option<String>,
    /// The folder with the root documents.
    #[arg(long, value_name = "DIR")]
    pub(crate) root_dir: Option<String>,
    #[command(flatten)]
    pub(crate) supervised: Supervised,
}

impl ControlServe {
    /// The flags that were given, as layers of the configuration.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        layer(&[
            ("--listen", "control.listen", self.listen.as_ref()),
            ("--metrics", "control.metrics", self.metrics.as_ref()),
            (
                "--public-url",
                "control.publicUrl",
                self.public_url.as_ref(),
            ),
            ("--database", "database.url", self.database.as_ref()),
            (
                "--master-key-file",
                "keys.masterKey.file",
                self.master_key_file.as_ref(),
            ),
            ("--root-dir", "keys.rootDir", self.root_dir.as_ref()),
        ])
    }
}

/// A gate.
#[derive(Debug, Subcommand)]
pub(crate) enum GateCommand {
    /// Join a data plane with the one-time token of `aeolus plane add`, read from standard input.
    Enroll(Enroll),
    /// Run a gate until it is told to end. It serves what it last knew, with or without control.
    Serve(GateServe),
    /// Print the settings by which a deployment's Airflow believes this gate.
    AirflowEnv(AirflowEnv),
    /// Print the public keys of the plane's client at an identity provider, to register them there
    /// (`tokenEndpointAuthMethod: private_key_jwt`).
    ClientKeys(ClientKeys),
    /// Show and rotate the secret that seals this plane's cookies and signs for its Airflows.
    #[command(subcommand)]
    Secret(SecretCommand),
}

/// `gate enroll`.
#[derive(Debug, Args)]
pub(crate) struct Enroll {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The folder to make: who the gate is, whom it trusts, its secrets.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// A file with the join token; absent: standard input. Never an argument: other users can read
    /// those.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// `gate serve`.
#[derive(Debug, Args)]
pub(crate) struct GateServe {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The gate's folder [default: /var/lib/aeolus/gate].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Where reverse proxies ask: host:port or unix:PATH, more than one separated by commas; port 0
    /// takes a free one [default: 127.0.0.1:8810].
    #[arg(long, value_name = "ADDR")]
    pub(crate) checks: Option<String>,
    /// Where Envoy asks over gRPC; `off`: nowhere [default: off].
    #[arg(long, value_name = "ADDR")]
    pub(crate) grpc: Option<String>,
    /// Where Apache asks over FastCGI; `off`: nowhere [default: off].
    #[arg(long, value_name = "ADDR")]
    pub(crate) fastcgi: Option<String>,
    /// Where the built-in proxy listens; `off`: nowhere [default: 127.0.0.1:8808].
    #[arg(long, value_name = "ADDR")]
    pub(crate) proxy: Option<String>,
    /// Where to show metrics; `off`: nowhere [default: 127.0.0.1:8819].
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,
    #[command(flatten)]
    pub(crate) supervised: Supervised,
}

impl GateServe {
    /// The flags that were given, as layers of the configuration.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        layer(&[
            ("--data", "gate.data", self.data.as_ref()),
            ("--checks", "gate.checks", self.checks.as_ref()),
            ("--grpc", "gate.grpc", self.grpc.as_ref()),
            ("--fastcgi", "gate.fastcgi", self.fastcgi.as_ref()),
            ("--proxy", "gate.proxy", self.proxy.as_ref()),
            ("--metrics", "gate.metrics", self.metrics.as_ref()),
        ])
    }
}

/// What a supervisor asks of a server.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Supervised {
    /// Print the bound addresses as one JSON line when ready.
    #[arg(long)]
    pub(crate) ready_json: bool,
    /// End when the parent process ends.
    #[arg(long, hide = true)]
    pub(crate) end_with_parent: bool,
}

/// `gate airflow-env`.
#[derive(Debug, Args)]
pub(crate) struct AirflowEnv {
    /// The gate's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The deployment: its id, its name, or ORGANIZATION/WORKSPACE/NAME.
    #[arg(long, value_name = "DEPLOYMENT")]
    pub(crate) deployment: String,
    /// The gate's URL as Airflow reaches it inside the plane, such as `http://127.0.0.1:8810`.
    #[arg(long, value_name = "URL")]
    pub(crate) gate_url: String,
}

/// `gate client-keys`.
#[derive(Debug, Args)]
pub(crate) struct ClientKeys {
    /// The gate's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The connection's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
}

/// Where the servers of this machine's fleet listen.
#[derive(Clone, Debug, Args)]
pub(crate) struct Addresses {
    /// Where control listens.
    #[arg(
        long = "control-addr",
        value_name = "ADDR",
        default_value = "127.0.0.1:8800"
    )]
    pub(crate) control: String,
    /// Where reverse proxies ask the gate.
    #[arg(
        long = "gate-addr",
        value_name = "ADDR",
        default_value = "127.0.0.1:8810"
    )]
    pub(crate) gate: String,
    /// Where the gate's built-in proxy listens.
    #[arg(
        long = "proxy-addr",
        value_name = "ADDR",
        default_value = "127.0.0.1:8808"
    )]
    pub(crate) proxy: String,
}

/// `dev`.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// The folder for everything: database, keys, gate. Made on first use, its owner's alone.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// A fleet document to apply at every start.
    #[arg(long, value_name = "FILE")]
    pub(crate) fleet: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) addresses: Addresses,
    /// The first administrator's address.
    #[arg(long, value_name = "EMAIL", default_value = "admin@example.com")]
    pub(crate) admin_email: String,
    /// A file with the first administrator's password; absent: one is made at the first start.
    #[arg(long, value_name = "FILE")]
    pub(crate) admin_password_file: Option<PathBuf>,
    /// The plane that this machine's gate belongs to; absent: the document's only plane, or `local`.
    #[arg(long, value_name = "NAME")]
    pub(crate) plane: Option<String>,
    /// Print one JSON line when ready instead of text.
    #[arg(long)]
    pub(crate) ready_json: bool,
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The folder for everything: fleet, password, Airflow. Made on first use, its owner's alone.
    #[arg(long, value_name = "DIR", default_value = "aeolus-demo")]
    pub(crate) data: PathBuf,
    /// The virtual environment that has Apache Airflow 3 and aeolus-airflow.
    #[arg(long, value_name = "DIR", env = "VIRTUAL_ENV")]
    pub(crate) airflow: PathBuf,
    /// The loopback port of Airflow itself, which only the gate talks to.
    #[arg(long, value_name = "PORT", default_value_t = 8880, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) airflow_port: u16,
    #[command(flatten)]
    pub(crate) addresses: Addresses,
    /// End as soon as everything is up, to prepare a later start.
    #[arg(long)]
    pub(crate) once: bool,
}

pub(super) fn layer(flags: &[(&'static str, &'static str, Option<&String>)]) -> Vec<Flag> {
    let given = |(name, path, value): &(&'static str, &'static str, Option<&String>)| {
        value.map(|value| Flag {
            name,
            path,
            value: value.clone(),
        })
    };
    flags.iter().filter_map(given).collect()
}
