//! `aeolus control`.

mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use aeolus_api::Period;
use aeolus_api::egress::Way;
use aeolus_api::trust::Authorities;
use aeolus_control::{
    ControlConfig, ControlError, FirstAdmin, ParentCookie, Publishing, SessionLife, SignInConfig,
    Upgrades,
};
use aeolus_keys::SystemRng;
use aeolus_model::{Secret, SystemClock};
use aeolus_store::StoreError;
use aeolus_tls::{Believed, HandedOver};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::watch::Watch;
use super::acme::{self, Keeper};
use super::{Context, logs, process, serve_on};
use crate::args::{ConfigFile, ControlServe};
use crate::config::{Config, Effective, Environment, Flag, Registry, Sources, Switch, unbelieved};
use crate::report::{Failure, Report};

#[derive(Serialize)]
struct Ready {
    control: String,
    issuer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scim: Option<String>,
}

/// Runs the control plane.
pub(super) fn serve(args: &ControlServe, context: &Context) -> Result<(), Failure> {
    let sources = Sources {
        file: args.file.config.as_deref(),
        environment: &context.environment,
        flags: args.flags(),
    };
    let effective = sources.load()?;
    let sign_in = sign_in(&effective, &context.environment)?;
    let _logs = logs::begin(&effective.config)?;
    process::begin(args.supervised)?;
    let (reloads, reloaded) = mpsc::channel(1);
    let told = (&effective, &sign_in, effective.config.control.scim.read()?);
    let mut watch = Watch::new(&sources, told, reloads);
    let way = way(&effective, &context.environment)?;
    let keeper = Keeper::of(&effective, (way.0.clone(), way.1.authorities()), context)?;
    let private = effective.private_authorities().read();
    let private = private.map_err(|error| unbelieved(&error))?;
    let told = (sign_in, way, private);
    let config = configured(effective.config, told, &effective.base, context)?;
    let ready_json = args.supervised.ready_json;
    serve_on(async move {
        let shutdown = CancellationToken::new();
        process::cancel_on_signal(shutdown.clone())?;
        let kept = acme::kept(keeper.as_ref(), &shutdown).await?;
        let (sender, receiver) = oneshot::channel();
        let clock = Arc::new(SystemClock);
        let rng = Arc::new(SystemRng);
        let channels = (sender, reloaded);
        let serving = aeolus_control::serve(config, clock, rng, channels, shutdown.clone());
        let announced = async {
            let Ok(bound) = receiver.await else {
                return;
            };
            let ready = Ready {
                control: bound.control.address(),
                issuer: bound.issuer,
                metrics: bound.metrics.as_ref().map(aeolus_tls::Bound::address),
                scim: bound.scim.as_ref().map(aeolus_tls::Bound::address),
            };
            process::announce(&ready, ready_json);
        };
        let serving = async { tokio::join!(serving, announced).0 };
        tokio::select! {
            served = serving => served.map_err(|error| refused(&error)),
            () = watch.run() => Ok(()),
            () = kept => Ok(()),
        }
    })
}

/// How people sign in, as the configuration says.
fn sign_in(effective: &Effective, environment: &Environment) -> Result<SignInConfig, Failure> {
    let auth = &effective.config.auth;
    let original = effective.original.is_some();
    let all = auth.connections(original, &effective.base, environment)?;
    let public_url = effective.config.control.public_url.as_deref();
    let provisions = auth.provisioning(public_url, &effective.base, environment)?;
    Ok(SignInConfig {
        local: auth.local.enabled.unwrap_or(true),
        connections: all.into_iter().map(|each| each.connection).collect(),
        provisioning: provisions.all,
    })
}

/// The way out.
fn way(effective: &Effective, environment: &Environment) -> Result<(Way, Arc<Believed>), Failure> {
    let egress = &effective.config.control.egress;
    let (way, believed) = effective.way("control.egress.caFile", egress, environment)?;
    if let Some(proxy) = way.shown() {
        tracing::info!(proxy, "what control asks outside goes through a proxy");
    }
    Ok((way, believed))
}

fn configured(
    config: Config,
    (sign_in, (egress, believed), authorities): (SignInConfig, (Way, Arc<Believed>), Authorities),
    base: &std::path::Path,
    context: &Context,
) -> Result<ControlConfig, Failure> {
    let environment = &context.environment;
    let database = config
        .database
        .url
        .read("database.url", base, environment)?;
    prepare_folder(database.expose())?;
    let master = config.keys.master(base, environment)?;
    let first_admin = match config.control.first_admin {
        Some(admin) => {
            let key = "control.firstAdmin.password";
            Some(FirstAdmin {
                email: admin.email,
                password: admin.password.read(key, base, environment)?,
            })
        }
        None => None,
    };
    let authorization = &config.compat.authorization;
    let secrets = [
        (
            "compat.authorization.proxySecret",
            &authorization.proxy_secret,
        ),
        (
            "compat.authorization.proxySecretBefore",
            &authorization.proxy_secret_before,
        ),
    ];
    let secrets = secrets.into_iter().filter_map(|(key, source)| {
        let source = source.as_ref()?;
        Some(source.read(key, base, environment))
    });
    let proxy_secrets = secrets.collect::<Result<_, _>>()?;
    let audit = config.control.audit.read(base, environment)?;
    let email = config.email.read(base, environment)?;
    let names = environment.get("LISTEN_FDNAMES");
    let session = config.control.session;
    let at_upgrade = config.keys.at_upgrade()?;
    Ok(ControlConfig {
        listen: config.control.listen,
        metrics: config.control.metrics,
        public_url: config.control.public_url,
        database: database.expose().clone(),
        master_key: master,
        root_dir: Some(base.join(config.keys.root_dir)),
        first_admin,
        sign_in,
        sign_up: config.auth.public_signups.read(),
        session: SessionLife {
            access: session.access_life.duration(),
            absolute: session.absolute_life.duration(),
        },
        device_flow: config.control.device_flow == Switch::On,
        trusted_hops: config.control.trusted_hops.into(),
        parent_cookie: super::gate::parent_cookie(&config.compat)?
            .map(|(domain, name)| ParentCookie { domain, name }),
        proxy_secrets,
        registry: config
            .compat
            .registry
            .as_ref()
            .map(Registry::read)
            .transpose()?,
        hash_permits: config.limits.password_hashes.map(usize::from),
        publishing: Publishing::default(),
        rotate_keys: config.keys.rotate_every.map(Period::duration),
        upgrades: Upgrades::to_this(at_upgrade),
        built_ins: config.control.roles.read()?,
        audit,
        egress,
        scim: config.control.scim.read()?,
        tls: config.control.tls.files(config.control.scim.tls, base)?,
        authorities,
        kept: vec![believed],
        email,
        quota: config.limits.per_organization,
        handed_over: HandedOver::from_environment(&names.unwrap_or_default()),
    })
}

/// Makes the folder of an embedded database, so that "can't open" never means "not there yet".
fn prepare_folder(database: &str) -> Result<(), Failure> {
    let Some(path) = database.strip_prefix("sqlite:") else {
        return Ok(());
    };
    let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
    match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => crate::files::folder(parent),
        None => Ok(()),
    }
}

/// The database that control uses, for commands that work in it themselves.
pub(super) fn database(
    file: &ConfigFile,
    flags: Vec<Flag>,
    context: &Context,
) -> Result<Secret<String>, Failure> {
    let sources = Sources {
        file: file.config.as_deref(),
        environment: &context.environment,
        flags,
    };
    let effective = sources.load()?;
    let url = &effective.config.database.url;
    url.read("database.url", &effective.base, &context.environment)
}

pub(super) fn refused(error: &ControlError) -> Failure {
    let report = super::gate::coded("CONTROL-0001", &chain(error));
    let report = match error {
        ControlError::Store(error) => store_help(report, error),
        ControlError::Keys(_) | ControlError::Master(_) => report
            .why("Without its keys control can sign nothing, so it does not start.")
            .help("give the master key that the database was made with, or restore both together"),
        ControlError::Root(_) => report.help("see keys.rootDir in the configuration's reference"),
        ControlError::Password(_) => report.help("change control.firstAdmin.password"),
        ControlError::Tls(_) => report
            .why("Control doesn't begin to speak plainly where TLS was asked for.")
            .help("`aeolus pki check` says what is wrong with a certificate and its key"),
        _ => report,
    };
    report.failed()
}

fn store_help(report: Report, _error: &StoreError) -> Report {
    report
        .why("Control keeps nothing outside its database, so it does not start without it.")
        .help("check database.url, the folder's owner and the space left; restore a damaged file from its backup")
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
