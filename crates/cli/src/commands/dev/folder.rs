//! The one data folder of a development fleet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aeolus_api::SecretRef;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, Parts, Replica, SystemBootClock};
use aeolus_keys::digest::random_token;
use aeolus_keys::envelope::MasterKey;
use aeolus_keys::{Alg, SigningKey};
use aeolus_model::{Email, Secret, SystemClock};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::child::Child;
use crate::args::DevArgs;
use crate::commands::Context;
use crate::config::read_reference;
use crate::files;
use crate::report::{Failure, Report};

/// The folder, with everything that a first start makes.
pub(in crate::commands) struct Folder {
    path: PathBuf,
    config: Option<PathBuf>,
    known: Option<Known>,
    /// The first administrator's address.
    pub(in crate::commands) admin_email: String,
    /// Their password.
    pub(in crate::commands) admin_password: Secret<String>,
}

/// What later starts have to repeat, in `dev.json`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Known {
    /// Control's URL: the issuer of every token and what the gate trusts.
    control: String,
    /// The first administrator's address.
    admin: String,
}

impl Folder {
    /// Makes or reads it.
    pub(in crate::commands) fn open(args: &DevArgs, context: &Context) -> Result<Self, Failure> {
        files::folder(&args.data)?;
        files::folder(&args.data.join("root"))?;
        let path = args.data.canonicalize().map_err(|error| {
            Report::new("RUN-0003", format!("{}: {error}", args.data.display())).failed()
        })?;
        let rng = &context.rng;
        once(&path.join("master.key"), || {
            let master = MasterKey::generate(rng);
            Ok(URL_SAFE_NO_PAD.encode(master.expose()).into_bytes())
        })?;
        once(&path.join("root").join("root.key"), || {
            let key = SigningKey::generate(Alg::EdDsa, rng).and_then(|key| key.to_pkcs8());
            let key = key.map_err(|error| Report::new("KEY-0001", error.to_string()))?;
            Ok(key.expose().clone())
        })?;
        let known = known(&path.join("dev.json"))?;
        let given = match &args.admin_password_file {
            Some(file) => Some(read_password(file, context)?),
            None => None,
        };
        let password_file = path.join("admin-password");
        once(&password_file, || {
            let password = given.map_or_else(
                || random_token(rng, 15).expose().clone(),
                |given| given.expose().clone(),
            );
            Ok(format!("{password}\n").into_bytes())
        })?;
        let email = Email::parse(&args.admin_email)
            .map_err(|error| Report::new("CLI-0012", error.to_string()).usage())?;
        let email = known
            .as_ref()
            .map_or(email.to_string(), |k| k.admin.clone());
        Ok(Self {
            admin_password: read_password(&password_file, context)?,
            admin_email: email,
            config: args
                .file
                .config
                .as_ref()
                .map(|config| config.canonicalize().unwrap_or_else(|_| config.clone())),
            known,
            path,
        })
    }

    /// The administrator's stored sign-in.
    pub(in crate::commands) fn credentials(&self) -> PathBuf {
        self.path.join("credentials.json")
    }

    /// The gate's own folder.
    pub(in crate::commands) fn gate(&self) -> PathBuf {
        self.path.join("gate")
    }

    /// Up to which position the gate knows everything: it writes what it has put in force within a second.
    pub(super) fn known_to_gate(&self) -> Option<u64> {
        let data = Data::open(&self.gate(), Arc::new(SystemFs)).ok()?;
        let parts = Parts {
            wall: Arc::new(SystemClock),
            boot: Arc::new(SystemBootClock),
            build: Box::new(|_| ()),
            revise: None,
        };
        Some(Replica::<()>::open(&data, parts).held()?.records)
    }

    /// Where control's process id is.
    pub(in crate::commands) fn control_pid(&self) -> PathBuf {
        self.path.join("control.pid")
    }

    /// Whether the gate has enrolled.
    pub(in crate::commands) fn has_gate(&self) -> bool {
        self.gate().join("gate.json").exists()
    }

    /// Keeps control's URL for later starts.
    pub(in crate::commands) fn remember_control(&self, issuer: &str) -> Result<(), Failure> {
        if let Some(known) = &self.known {
            return if known.control == issuer {
                Ok(())
            } else {
                Err(moved(&self.path, &known.control, issuer))
            };
        }
        let known = Known {
            control: issuer.to_owned(),
            admin: self.admin_email.clone(),
        };
        let path = self.path.join("dev.json");
        let json = serde_json::to_vec(&known).map_err(|error| files::damaged(&path, &error))?;
        files::write_private(&path, &json)
    }

    /// Where control has to listen: a port of 0 means the port of the first start, because tokens
    /// and gates know control by its URL.
    fn control_address(&self, wanted: &str) -> String {
        let kept = self.known.as_ref().and_then(|known| {
            let (_, address) = known.control.split_once("://")?;
            wanted.strip_suffix(":0").map(|_| address.to_owned())
        });
        kept.unwrap_or_else(|| wanted.to_owned())
    }

    /// Starts control.
    pub(super) fn start_control(&self, args: &DevArgs) -> Result<Child, Failure> {
        let mut command = self.command(&["control", "serve"])?;
        command
            .arg("--listen")
            .arg(self.control_address(&args.addresses.control))
            .arg("--database")
            .arg(format!(
                "sqlite:{}",
                self.path.join("control/aeolus.db").display()
            ))
            .arg("--master-key-file")
            .arg(self.path.join("master.key"))
            .arg("--root-dir")
            .arg(self.path.join("root"))
            .env("CONTROL__FIRST_ADMIN__EMAIL", &self.admin_email)
            .env(
                "CONTROL__FIRST_ADMIN__PASSWORD__FILE",
                self.path.join("admin-password"),
            );
        Child::start("control", command, self.control_pid())
    }

    /// Starts the gate.
    pub(super) fn start_gate(&self, args: &DevArgs) -> Result<Child, Failure> {
        let mut command = self.command(&["gate", "serve"])?;
        command.arg("--data").arg(self.gate()).args([
            "--checks",
            &args.addresses.gate,
            "--proxy",
            &args.addresses.proxy,
        ]);
        Child::start("gate", command, self.path.join("gate.pid"))
    }

    fn command(&self, verb: &[&str]) -> Result<Command, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Report::new(
                "DEV-0005",
                format!("this program can't be found again: {error}"),
            )
            .failed()
        })?;
        let mut command = Command::new(program);
        command.args(verb);
        command.args(["--metrics", "off", "--ready-json", "--end-with-parent"]);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        Ok(command)
    }
}

fn moved(path: &Path, before: &str, now: &str) -> Failure {
    let what = format!("this fleet's control plane was at {before}, and would be at {now}");
    Report::new("DEV-0003", what)
        .why("Its gate and every token it issued know it by that URL.")
        .help(format!(
            "use --control-addr {}, or another folder than {}",
            before
                .split_once("://")
                .map_or(before, |(_, address)| address),
            path.display()
        ))
        .usage()
}

fn known(path: &Path) -> Result<Option<Known>, Failure> {
    let Some(bytes) = files::read(path)? else {
        return Ok(None);
    };
    let known = serde_json::from_slice(&bytes);
    known
        .map(Some)
        .map_err(|error| files::damaged(path, &error))
}

/// Makes a file at the first start; later ones leave it.
fn once(path: &Path, make: impl FnOnce() -> Result<Vec<u8>, Failure>) -> Result<(), Failure> {
    if files::read(path)?.is_none() {
        files::write_private(path, &make()?)?;
    }
    Ok(())
}

fn read_password(file: &Path, context: &Context) -> Result<Secret<String>, Failure> {
    let reference = SecretRef::File(file.to_owned());
    let here = Path::new("");
    read_reference(
        &reference,
        "--admin-password-file",
        here,
        &context.environment,
    )
}
