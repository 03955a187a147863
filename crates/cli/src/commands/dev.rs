//! `aeolus dev`: control and gate as two child processes over one data folder, the topology of
//! production on one machine.

mod child;
mod folder;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_api::fleet::Fleet;
use aeolus_api::plane::PlaneCreate;
use aeolus_api::{JoinToken, fleet};
use aeolus_keys::SystemRng;
use aeolus_model::{Secret, Slug};
use serde::{Deserialize, Serialize, Serializer};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use self::child::Child;
use self::folder::Folder;
use super::{Context, gate, login};
use crate::args::DevArgs;
use crate::config::Sources;
use crate::control_client::{connect, refused};
use crate::credentials::Place;
use crate::fleet_file;
use crate::report::{Failure, Report};
use crate::ui::{self, Output, Table};

/// How long planes have to know what was applied before the fleet counts as ready.
const SETTLE: Duration = Duration::from_secs(20);

/// Where a fleet is, and its administrator: what `--ready-json` prints.
#[derive(Serialize)]
pub(super) struct Ready {
    /// Control's URL.
    pub(super) control: String,
    /// The gate's URL for reverse proxies.
    pub(super) gate: String,
    /// The built-in proxy's URL.
    pub(super) proxy: String,
    /// The first administrator.
    pub(super) admin: Admin,
}

/// The first administrator.
#[derive(Serialize)]
pub(super) struct Admin {
    /// Their address.
    pub(super) email: String,
    #[serde(serialize_with = "exposed")]
    password: Secret<String>,
}

fn exposed<S: Serializer>(secret: &Secret<String>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(secret.expose())
}

#[derive(Deserialize)]
struct ControlReady {
    issuer: String,
}

#[derive(Deserialize)]
struct GateReady {
    checks: Vec<String>,
    proxy: Option<String>,
    #[serde(default)]
    tls: Vec<String>,
}

/// Runs a fleet on this machine until a signal ends it.
pub(super) async fn dev(args: &DevArgs, context: &Context) -> Result<(), Failure> {
    let Some(mut running) = Running::start(args, context).await? else {
        return Ok(());
    };
    announce(args, &running)?;
    let ended = running.supervise().await;
    running.end().await;
    ended
}

/// A fleet that is up: its two processes, and the signals that end it.
pub(super) struct Running {
    /// Where it is.
    pub(super) ready: Ready,
    /// Its folder.
    pub(super) folder: Folder,
    control: Child,
    gate: Child,
    signals: Signals,
}

impl Running {
    /// Brings a fleet up; none if a signal ended that.
    pub(super) async fn start(args: &DevArgs, context: &Context) -> Result<Option<Self>, Failure> {
        // Everything that can be wrong with files is said before anything is started.
        let request = match &args.fleet {
            Some(path) => Some(fleet_file::load_with_secrets(path, &context.environment)?),
            None => None,
        };
        let context = &believing(args, context)?;
        let plane = plane_name(args, request.as_ref().map(|request| &request.fleet))?;
        let folder = Folder::open(args, context)?;
        let mut signals = Signals::listen()?;
        let mut control = folder.start_control(args)?;
        let mut gate = None;
        let ready = tokio::select! {
            ready = up(args, context, (&folder, &plane, request), (&mut control, &mut gate)) => ready.map(Some),
            () = signals.any() => Ok(None),
        };
        match (ready, gate) {
            (Ok(Some(ready)), Some(gate)) => Ok(Some(Self {
                ready,
                folder,
                control,
                gate,
                signals,
            })),
            (ready, gate) => {
                if let Some(mut gate) = gate {
                    gate.end().await;
                }
                control.end().await;
                ready.map(|_| None)
            }
        }
    }

    /// Does some more work; none if a signal came first.
    pub(super) async fn until_signal<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.signals.any() => None,
        }
    }

    /// Watches both processes until a signal, or until neither is left. Nothing is started again:
    /// whoever runs this wants to see what a failure does.
    pub(super) async fn supervise(&mut self) -> Result<(), Failure> {
        let (mut control_ended, mut gate_ended) = (false, false);
        while !(control_ended && gate_ended) {
            tokio::select! {
                () = self.signals.any() => return Ok(()),
                how = self.control.ended(), if !control_ended => {
                    control_ended = true;
                    ui::note(&format!("aeolus: control has ended ({how}); gates go on with what they know"));
                }
                how = self.gate.ended(), if !gate_ended => {
                    gate_ended = true;
                    ui::note(&format!("aeolus: the gate has ended ({how})"));
                }
            }
        }
        Err(Report::new("DEV-0004", "both processes have ended by themselves").failed())
    }

    /// Ends both in good order.
    pub(super) async fn end(mut self) {
        self.gate.end().await;
        self.control.end().await;
    }
}

/// The same context, whose commands believe the authorities of the configuration that both servers are given.
fn believing(args: &DevArgs, context: &Context) -> Result<Context, Failure> {
    let sources = Sources {
        file: args.file.config.as_deref(),
        environment: &context.environment,
        flags: Vec::new(),
    };
    let private = sources.load()?.private_authorities();
    let files = private.files.iter().map(|file| file.display().to_string());
    let files = files.collect::<Vec<_>>().join(",");
    let below = BTreeMap::from([("TLS__PRIVATE_CA_CERTS".to_owned(), files)]);
    Ok(Context {
        clock: context.clock,
        rng: SystemRng,
        environment: context.environment.over(&below),
        output: context.output,
    })
}

/// Brings everything up and says where it is.
async fn up(
    args: &DevArgs,
    context: &Context,
    (folder, plane, request): (&Folder, &Slug, Option<fleet::ApplyRequest>),
    (control, gate_child): (&mut Child, &mut Option<Child>),
) -> Result<Ready, Failure> {
    let ready: ControlReady = control.ready().await?;
    folder.remember_control(&ready.issuer)?;
    let credentials = login::by_password(
        &ready.issuer,
        &folder.admin_email,
        &folder.admin_password,
        context,
    )
    .await?;
    credentials
        .store(&Place::file(folder.credentials()))
        .await?;
    let client = connect(&ready.issuer, &context.environment)?;
    let client = client.with_bearer(Secret::new(credentials.access_token));
    let mut seq = None;
    if let Some(request) = request {
        let answer = client
            .apply(&request, false, false)
            .await
            .map_err(refused)?;
        for warning in &answer.warnings {
            ui::note(&format!("warning: {warning}"));
        }
        seq = answer.seq;
    }
    if !folder.has_gate() {
        enrol(&client, plane, &folder.gate(), context).await?;
    }
    let started = gate_child.insert(folder.start_gate(args)?);
    let bound: GateReady = started.ready().await?;
    settle(&client, plane, (folder, seq)).await?;
    let url = |name: &str, address: Option<&String>| {
        let encrypted = bound.tls.iter().any(|listener| listener == name);
        let scheme = if encrypted { "https" } else { "http" };
        address
            .map(|address| format!("{scheme}://{address}"))
            .unwrap_or_default()
    };
    Ok(Ready {
        control: ready.issuer,
        gate: url("checks", bound.checks.first()),
        proxy: url("proxy", bound.proxy.as_ref()),
        admin: Admin {
            email: folder.admin_email.clone(),
            password: folder.admin_password.clone(),
        },
    })
}

fn announce(args: &DevArgs, Running { ready, folder, .. }: &Running) -> Result<(), Failure> {
    if args.ready_json {
        return ui::answer(Output::Json, ready, &Table::default());
    }
    ui::line(&format!(
        "Ready.\n  control   {}\n  gate      {}\n  proxy     {}\n  admin     {}\n  password  {}",
        ready.control,
        ready.gate,
        ready.proxy,
        ready.admin.email,
        ready.admin.password.expose()
    ));
    ui::line(&format!(
        "\nUse the command line as the administrator:\n  export AEOLUS_CREDENTIALS={}\n\
         Ctrl-C ends both processes; `aeolus gate serve --data {}` runs the gate alone.",
        folder.credentials().display(),
        folder.gate().display()
    ));
    ui::note("The root key is in the folder too: that suits this machine, not a production fleet.");
    Ok(())
}

/// The plane that this machine's gate belongs to.
fn plane_name(args: &DevArgs, fleet: Option<&Fleet>) -> Result<Slug, Failure> {
    let planes = fleet.map_or(&[][..], |fleet| &fleet.planes);
    let name = match (&args.plane, planes) {
        (Some(name), _) => name.as_str(),
        (None, []) => "local",
        (None, [only]) => only.name.as_str(),
        (None, several) => {
            let names: Vec<_> = several.iter().map(|plane| plane.name.as_str()).collect();
            return Err(Report::new("DEV-0001", "the fleet has several planes")
                .why("This machine runs the gate of one.")
                .help(format!("give --plane, one of: {}", names.join(", ")))
                .usage());
        }
    };
    Slug::parse(name).map_err(|error| Report::new("CLI-0012", error.to_string()).usage())
}

async fn enrol(
    client: &Client,
    plane: &Slug,
    folder: &Path,
    context: &Context,
) -> Result<(), Failure> {
    let wanted = PlaneCreate {
        name: plane.clone(),
        auth_host: None,
    };
    let created = client.create_plane(&wanted).await.map_err(refused)?;
    let token = JoinToken::parse(created.join_token.as_deref().unwrap_or_default())
        .map_err(|error| Report::new("GATE-0004", error.to_string()).failed())?;
    let anybody = connect(&token.url, &context.environment)?;
    let joined = gate::join(folder, &token, &anybody, context).await;
    joined.map(|_| ())
}

/// Waits until the plane has what was applied. Control counts gates for two minutes after their last word, so one that was
/// ended a moment ago has not confirmed it: the only gate there is says it itself.
async fn settle(
    client: &Client,
    plane: &Slug,
    (folder, seq): (&Folder, Option<u64>),
) -> Result<(), Failure> {
    let deadline = Instant::now() + SETTLE;
    let wanted = seq.unwrap_or(1).max(1);
    loop {
        let seen = client.plane(plane.as_str()).await.map_err(refused)?;
        let known = folder.known_to_gate().unwrap_or_default();
        if seen.applied_seq.max(known) >= wanted {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(
                Report::new("DEV-0002", "the gate has not taken the fleet in time")
                    .why(format!(
                        "It is at {known}, control has published {}, the fleet is at {wanted}.",
                        seen.published_seq
                    ))
                    .help("look at the log above for what was refused")
                    .failed(),
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The signals that end everything.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Report::new("RUN-0005", format!("signals can't be received: {error}")).failed()
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
