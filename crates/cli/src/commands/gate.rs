//! `aeolus gate`.

pub(super) mod client_keys;
mod live;
mod moment;
mod reload;
pub(super) mod secret;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use aeolus_api::JoinToken;
use aeolus_api::client::Client;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{
    ApiControl, Data, DataError, EnrolError, Parts, Replica, Settings, SystemBootClock, enrol,
};
use aeolus_gate::{Bound, GateConfig, GateError, ListenerTls};
use aeolus_keys::{Alg, SigningKey, SystemRng};
use aeolus_model::{DeploymentId, SystemClock};
use aeolus_snapshot::section::{self, Deployment};
use aeolus_tls::{BindError, HandedOver, Kept, TlsError};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::reload::Reloader;
use super::acme::{self, Keeper};
use super::{Context, logs, process, serve_on};
use crate::args::{AirflowEnv, Enroll, GateServe};
use crate::config::{Sources, believed, proofs};
use crate::control_client::{self, encrypted};
use crate::files;
use crate::report::{Failure, Report};
use crate::ui;

pub(super) use live::{parent_cookie, rails};

/// Joins a plane.
pub(super) async fn enroll(args: &Enroll, context: &Context) -> Result<(), Failure> {
    let text = if let Some(path) = &args.token_file {
        files::read(path)?.unwrap_or_default()
    } else {
        let mut text = Vec::new();
        let read = std::io::stdin().lock().take(8192).read_to_end(&mut text);
        read.map_err(|error| Report::new("GATE-0004", format!("no join token: {error}")))?;
        text
    };
    let text = String::from_utf8_lossy(&text);
    let token = JoinToken::parse(&text)
        .map_err(|error| Report::new("GATE-0004", error.to_string()).usage())?;
    let sources = Sources {
        file: args.file.config.as_deref(),
        environment: &context.environment,
        flags: Vec::new(),
    };
    let effective = sources.load()?;
    let private = effective.private_authorities();
    let control_tls = effective.config.gate.control_tls;
    let files = control_tls.files(private, &effective.base)?;
    let tls = files.check().and_then(|()| files.open());
    let tls = tls.map_err(|error| unread(&error))?;
    encrypted(&token.url)?;
    let client = Client::with_tls(&token.url, tls.config).map_err(control_client::refused)?;
    let settings = join(&args.data, &token, &client, context).await?;
    ui::note(&format!(
        "{} is a gate of {} now. Run it: aeolus gate serve --data {}",
        args.data.display(),
        settings.name,
        args.data.display()
    ));
    Ok(())
}

/// Joins a plane with a token that was read.
pub(super) async fn join(
    folder: &Path,
    token: &JoinToken,
    client: &Client,
    context: &Context,
) -> Result<Settings, Failure> {
    let failed = |error: EnrolError| {
        Report::new("GATE-0005", error.to_string())
            .help("ask for a new join token: aeolus plane add")
            .failed()
    };
    // Enrolment is the one call that needs no assertion, so this identity signs nothing.
    let settings = Settings {
        plane: token.plane,
        name: token.name.clone(),
        control_url: Some(token.url.clone()),
        issuer: token.url.clone(),
    };
    let identity = SigningKey::generate(Alg::EdDsa, &context.rng);
    let identity = identity.map_err(|error| failed(error.into()))?;
    let rng = Arc::new(SystemRng);
    let clock = Arc::new(SystemClock);
    let control = ApiControl::new(client, settings, Arc::new(identity), clock, rng);
    let joined = enrol(folder, token, &control, &context.rng, &SystemFs).await;
    joined.map_err(failed)
}

#[derive(Serialize)]
struct Ready {
    checks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fastcgi: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    siblings: Option<String>,
    /// Which of them speak TLS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tls: Vec<&'static str>,
}

/// Runs a gate.
pub(super) fn serve(args: &GateServe, context: &Context) -> Result<(), Failure> {
    let sources = Sources {
        file: args.file.config.as_deref(),
        environment: &context.environment,
        flags: args.flags(),
    };
    let effective = sources.load()?;
    let logs = logs::begin(&effective.config)?;
    process::begin(args.supervised)?;
    let names = context.environment.get("LISTEN_FDNAMES");
    let (reloads, news) = mpsc::channel(1);
    let live = live::live(&effective, context)?;
    let gate = effective.config.gate.clone();
    let told = (&gate.egress, &context.environment);
    let (way, outward) = effective.way("gate.egress.caFile", told.0, told.1)?;
    if let Some(proxy) = way.shown() {
        tracing::info!(proxy, "identity providers are asked through a proxy");
    }
    let keeper = Keeper::of(&effective, (way.clone(), outward.authorities()), context)?;
    let private = effective.private_authorities();
    let inward = believed(private.clone())?;
    let (upstream_tls, mut kept) = proofs(gate.upstream_tls, (&inward, &effective.base))?;
    kept.extend([outward as Arc<dyn Kept>, inward.clone()]);
    let config = GateConfig {
        data: effective.base.join(gate.data),
        checks: gate.checks,
        grpc: gate.grpc,
        fastcgi: gate.fastcgi,
        proxy: gate.proxy,
        tls: gate.tls.files(gate.proxy_tls, &effective.base)?,
        metrics: gate.metrics,
        siblings: live::siblings(gate.siblings, &inward)?,
        control: None,
        control_tls: gate.control_tls.files(private, &effective.base)?,
        upstream_tls,
        kept,
        egress: way,
        live,
        reloads: Some(news),
        kill_switch: gate.kill_switch.map(|file| effective.base.join(file)),
        probe: gate.probe.map(|probe| probe.every.duration()),
        handed_over: HandedOver::from_environment(&names.unwrap_or_default()),
        lines_lost: logs.lost(),
    };
    let encrypted = encrypted_listeners(&config.tls);
    let ready_json = args.supervised.ready_json;
    let mut reloader = Reloader {
        sources,
        context,
        effective,
        logs: &logs,
        reloads,
    };
    serve_on(async move {
        let shutdown = CancellationToken::new();
        process::cancel_on_signal(shutdown.clone())?;
        let hangup = process::hangups()?;
        let kept = acme::kept(keeper.as_ref(), &shutdown).await?;
        let (sender, receiver) = oneshot::channel();
        let clock = Arc::new(SystemClock);
        let rng = Arc::new(SystemRng);
        let serving = aeolus_gate::serve(config, clock, rng, sender, shutdown.clone());
        let announced = async {
            if let Ok(bound) = receiver.await {
                process::announce(&Ready::of(&bound, encrypted), ready_json);
            }
            reloader.run(hangup).await;
        };
        let served = tokio::select! {
            served = serving => served,
            () = announced => Ok(()),
            () = kept => Ok(()),
        };
        served.map_err(|error| refused(&error))
    })
}

impl Ready {
    fn of(bound: &Bound, tls: Vec<&'static str>) -> Self {
        let address =
            |bound: &Option<aeolus_tls::Bound>| bound.as_ref().map(aeolus_tls::Bound::address);
        Self {
            checks: bound
                .checks
                .iter()
                .map(aeolus_tls::Bound::address)
                .collect(),
            grpc: address(&bound.grpc),
            fastcgi: address(&bound.fastcgi),
            proxy: address(&bound.proxy),
            metrics: address(&bound.metrics),
            siblings: address(&bound.siblings),
            tls,
        }
    }
}

/// The listeners that speak TLS, by their names in the configuration.
fn encrypted_listeners(tls: &ListenerTls) -> Vec<&'static str> {
    let all = [
        ("checks", &tls.checks),
        ("grpc", &tls.grpc),
        ("proxy", &tls.proxy),
        ("metrics", &tls.metrics),
        ("siblings", &tls.siblings),
    ];
    let with = all.into_iter().filter(|(_, files)| files.is_some());
    with.map(|(name, _)| name).collect()
}

fn refused(error: &GateError) -> Failure {
    let report = match error {
        GateError::Data(error) => return unusable(error),
        GateError::Bind(error) => return unbound(error),
        GateError::Control(_) => Report::new("CFG-0004", error.to_string()),
        GateError::Tls(error) => return unread(error),
        GateError::ChecksExposed(_) => coded("GATE-0001", &error.to_string()),
        GateError::Rebuild(_) => coded("GATE-0010", &error.to_string()),
    };
    report.failed()
}

/// Why certificates can't be used.
fn unread(error: &TlsError) -> Failure {
    Report::new("GATE-0014", error.to_string())
        .why("A gate doesn't begin to speak plainly where TLS was asked for.")
        .help("`aeolus pki check` says what is wrong with a certificate and its key")
        .failed()
}

/// A report from a text that may begin with its code.
pub(super) fn coded(code: &str, text: &str) -> Report {
    match text.split_once(": ") {
        Some((own, rest)) if own.contains('-') && !own.contains(' ') => Report::new(own, rest),
        _ => Report::new(code, text),
    }
}

/// Why a server can't listen.
pub(super) fn unbound(error: &BindError) -> Failure {
    coded("NET-0001", &error.to_string()).failed()
}

/// Why a gate's folder can't be used.
pub(super) fn unusable(error: &DataError) -> Failure {
    let report = Report::new("GATE-0003", error.to_string());
    let report = match error {
        DataError::Damaged { .. } => report
            .why("A gate that guessed at its keys or trust could let anybody in.")
            .help("restore the folder from a backup, or remove it and enrol anew"),
        DataError::Io { .. } => report.help("check that this user owns the folder"),
        DataError::Exposed(_) => report.help("chmod 0700 the folder and 0600 its keys"),
        DataError::NotEnrolled(_) | DataError::Enrolled(_) => report,
    };
    report.failed()
}

/// Prints what Airflow has to be told.
pub(super) fn airflow_env(args: &AirflowEnv) -> Result<(), Failure> {
    let lines = airflow_settings(args)?.map(|(name, value)| format!("{name}={value}\n"));
    ui::print(&lines.concat());
    Ok(())
}

/// The settings by which a deployment's Airflow believes this gate.
pub(super) fn airflow_settings(args: &AirflowEnv) -> Result<[(&'static str, String); 4], Failure> {
    let data = Data::open(&args.data, Arc::new(SystemFs)).map_err(|error| unusable(&error))?;
    let gate = args.gate_url.trim_end_matches('/');
    if url::Url::parse(gate).is_err() {
        let what = format!("{gate:?} is no URL");
        return Err(Report::new("CLI-0012", what)
            .help("give the gate's check address, such as http://127.0.0.1:8810")
            .usage());
    }
    let replica: Replica<Vec<Deployment>> = Replica::open(
        &data,
        Parts {
            wall: Arc::new(SystemClock),
            boot: Arc::new(SystemBootClock),
            revise: None,
            build: Box::new(|snapshot| snapshot.sections().deployments.deployments.clone()),
        },
    );
    let loaded = replica.current().ok_or_else(no_snapshot)?;
    let id = find(&loaded.world, &args.deployment)?;
    let plane = data.settings.plane;
    let found = loaded
        .world
        .iter()
        .find(|d| d.id == id.as_bytes().as_slice());
    let (in_force, audience) = trust(id, found);
    Ok([
        in_force,
        (
            "AIRFLOW__AEOLUS__JWKS_URL",
            format!("{gate}/deployments/{id}/jwks.json"),
        ),
        (
            "AIRFLOW__AEOLUS__ISSUER",
            format!("urn:aeolus:plane:{plane}"),
        ),
        ("AIRFLOW__AEOLUS__AUDIENCE", audience),
    ])
}

/// What puts the trust in force in an Airflow of the deployment's version, and the audience there.
fn trust(id: DeploymentId, record: Option<&Deployment>) -> ((&'static str, String), String) {
    if let Some(record) = record.filter(|record| record.profile() == section::Profile::Airflow2) {
        let mut hosts: Vec<&str> = record.routes.iter().map(|r| r.host.as_str()).collect();
        hosts.dedup();
        let backend = "aeolus_airflow.airflow2.api_auth".to_owned();
        return (("AIRFLOW__API__AUTH_BACKENDS", backend), hosts.join(","));
    }
    let manager = "aeolus_airflow.AeolusAuthManager".to_owned();
    let audience = format!("urn:aeolus:deployment:{id}");
    (("AIRFLOW__CORE__AUTH_MANAGER", manager), audience)
}

/// Why nothing can be said about what a gate knows.
pub(super) fn no_snapshot() -> Failure {
    Report::new("GATE-0006", "the gate has no snapshot yet")
        .why("What it would believe is not known.")
        .help("run the gate until control has sent one, or rebuild it by `aeolus plane build`")
        .failed()
}

/// A deployment by its id, by `ORGANIZATION/WORKSPACE/NAME`, or by its name if only one has it.
fn find(deployments: &[Deployment], wanted: &str) -> Result<DeploymentId, Failure> {
    let id = |deployment: &Deployment| DeploymentId::from_slice(&deployment.id).ok();
    let exact = deployments.iter().find(|deployment| {
        deployment.name == wanted || id(deployment).is_some_and(|id| id.to_string() == wanted)
    });
    if let Some(id) = exact.and_then(id) {
        return Ok(id);
    }
    let last = |deployment: &Deployment| deployment.name.rsplit('/').next() == Some(wanted);
    let named: Vec<_> = deployments.iter().filter(|d| last(d)).collect();
    let list = |some: &[&Deployment]| {
        let names: Vec<_> = some.iter().map(|d| d.name.as_str()).collect();
        names.join(", ")
    };
    match named.as_slice() {
        [only] => id(only).ok_or_else(Failure::silent),
        [] => {
            let all: Vec<_> = deployments.iter().collect();
            let what = format!("the plane has no deployment {wanted}");
            Err(Report::new("GATE-0007", what)
                .help(format!("it has: {}", list(&all)))
                .failed())
        }
        several => {
            let what = format!("the plane has several deployments {wanted}");
            Err(Report::new("GATE-0007", what)
                .help(format!("give one of: {}", list(several)))
                .usage())
        }
    }
}
