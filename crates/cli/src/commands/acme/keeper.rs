//! A server's own certificate: got before its listeners open, and renewed in place while it runs.

use std::path::Path;
use std::time::Duration;

use aeolus_acme::{
    AcmeError, Client, Found, Hook, Limits, Outcome, Place as _, Run, Settings, When, respond,
};
use aeolus_api::Listen;
use aeolus_api::egress::Way;
use aeolus_api::trust::Authorities;
use aeolus_model::Time;
use aeolus_tls::{BindError, HandedOver, Listener};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Wanted, external, failed};
use crate::commands::Context;
use crate::commands::gate::unbound;
use crate::commands::pki::names;
use crate::commands::pki::pair::Pair;
use crate::config::{Acme, Effective, Environment};
use crate::moments;
use crate::report::{Failure, Report};

/// Gets a server's first certificate, where it keeps one, and gives what goes on while the server runs: it never ends, since a
/// server that is told to stop has its own last word.
pub(in crate::commands) async fn kept<'a>(
    keeper: Option<&'a Keeper>,
    shutdown: &'a CancellationToken,
) -> Result<impl Future<Output = ()> + 'a, Failure> {
    if let Some(keeper) = keeper {
        keeper.begin(shutdown).await?;
    }
    Ok(async move {
        if let Some(keeper) = keeper {
            keeper.run(shutdown).await;
        }
        std::future::pending::<()>().await;
    })
}

/// Keeps one pair.
pub(in crate::commands) struct Keeper {
    client: Client,
    pair: Pair,
    listen: Option<Listen>,
    first_within: Duration,
}

/// How often it looks at least: somebody may have removed the files.
const OFTEN: Duration = Duration::from_secs(3600);
/// After a failure that nothing says more about, and while another replica acts.
const SOON: Duration = Duration::from_secs(60);
/// How soon an address may be free.
const RETRY: Duration = Duration::from_secs(5);

impl Keeper {
    /// As `tls.acme` says; none if it names nothing.
    pub(in crate::commands) fn of(
        effective: &Effective,
        way: (Way, Authorities),
        context: &Context,
    ) -> Result<Option<Self>, Failure> {
        let acme = &effective.config.tls.acme;
        if acme.names.is_empty() {
            if *acme != Acme::default() {
                return Err(wrong(
                    "tls.acme.names is empty",
                    "name what clients connect to",
                ));
            }
            return Ok(None);
        }
        let base = &effective.base;
        let absent = |key: &str| wrong(&format!("tls.acme.{key} is absent"), "say where it lies");
        let at = |path: &Option<std::path::PathBuf>, key: &str| {
            let path = path.as_ref().ok_or_else(|| absent(key))?;
            Ok::<_, Failure>(base.join(path))
        };
        let (certificate, key) = (at(&acme.certificate, "certificate")?, at(&acme.key, "key")?);
        let pair = Pair::at(certificate, key).ok_or_else(|| {
            wrong(
                "tls.acme.certificate and tls.acme.key are not two files of one folder",
                "put both into one folder: they are replaced in one step",
            )
        })?;
        let folder = at(&acme.folder, "folder")?;
        let joined = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| base.join(path));
        let (trusted, directory_ca) = (joined(&acme.ca), joined(&acme.directory_ca));
        let wanted = Wanted {
            folder: &folder,
            directory: &acme.directory,
            names: names(&acme.names)?,
            hook: hook(acme, base)?,
            settings: settings(acme, base, &context.environment)?,
            key: acme.key_kind,
            trusted: trusted.as_deref(),
            way,
            directory_ca: directory_ca.as_deref(),
            limits: Limits {
                // Of several replicas one acts; the others look again.
                lock: Duration::from_secs(1),
                ..Limits::default()
            },
        };
        Ok(Some(Self {
            client: wanted.client()?,
            pair,
            listen: acme.challenge.http.clone(),
            first_within: acme.first_within.duration(),
        }))
    }

    /// Answers challenges from now on. Where there is no pair, waits for the first.
    pub(in crate::commands) async fn begin(&self, stop: &CancellationToken) -> Result<(), Failure> {
        if let Some(at) = &self.listen {
            self.answer(at, stop).await?;
        }
        let deadline = Instant::now() + self.first_within;
        while !matches!(self.pair.found(), Found::Pair(_)) {
            let run = self.client.run(&self.pair, When::Due, stop).await;
            let pause = self.say(&run);
            match run.outcome {
                Ok(_) => break,
                // Another replica acts, or it is too early: it may still come in time.
                Err(AcmeError::Busy(_)) => {}
                Err(AcmeError::Waiting { .. }) if Instant::now() + pause < deadline => {}
                Err(error) => return Err(first(&error)),
            }
            let pause = pause.min(Duration::from_secs(1));
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => return Err(first(&AcmeError::Stopped)),
            }
            if Instant::now() >= deadline {
                return Err(first(&AcmeError::NotInTime(self.first_within.as_secs())));
            }
        }
        Ok(())
    }

    /// Shows answers to challenges. Where another server of this machine has the address, it shows those of the same folder;
    /// once it is gone this one does.
    async fn answer(&self, at: &Listen, stop: &CancellationToken) -> Result<(), Failure> {
        let (folder, stop) = (self.client.folder.clone(), stop.clone());
        match bound(at).await {
            Ok(listener) => {
                tokio::spawn(respond(listener, folder, stop));
            }
            Err(error @ BindError::InUse { .. }) => {
                tracing::warn!(%error, "answers to challenges are shown if the program there has the same tls.acme.folder");
                let at = at.clone();
                tokio::spawn(async move {
                    while !stop.is_cancelled() {
                        sleep(RETRY).await;
                        if let Ok(listener) = bound(&at).await {
                            return respond(listener, folder, stop).await;
                        }
                    }
                });
            }
            Err(error) => return Err(unbound(&error)),
        }
        Ok(())
    }

    /// Renews it when that is due, until it is told to stop.
    pub(in crate::commands) async fn run(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let run = self.client.run(&self.pair, When::Due, stop).await;
            let pause = self.say(&run);
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Says what came of a run, and gives how long to wait for the next.
    fn say(&self, run: &Run) -> Duration {
        for note in &run.notes {
            tracing::warn!(note, "something is left of a challenge");
        }
        let now = self.client.clock.now();
        let until = |at: Time| at.since(now).clamp(Duration::from_secs(1), OFTEN);
        let certificate = self.pair.name();
        match &run.outcome {
            Ok(Outcome::NotDue { renew_at, .. }) => until(*renew_at),
            Ok(Outcome::Written {
                why,
                certificate: new,
                renew_at,
                ..
            }) => {
                let (not_after, next) =
                    (moments::written(new.not_after), moments::written(*renew_at));
                tracing::info!(certificate, %why, not_after, next, "a certificate was got");
                until(*renew_at)
            }
            Err(AcmeError::Waiting { until: at, .. }) => until(*at),
            Err(AcmeError::Busy(_) | AcmeError::Stopped) => SOON,
            Err(error) => {
                let (code, help) = (error.code(), error.help());
                tracing::warn!(certificate, code, %error, help, "no certificate was got; what is there stays");
                SOON
            }
        }
    }
}

async fn bound(at: &Listen) -> Result<Listener, BindError> {
    Listener::bind("tls.acme.challenge.http", at, &mut HandedOver::default()).await
}

/// Why a server doesn't start.
fn first(error: &AcmeError) -> Failure {
    let mut failure = failed(error);
    if let Some(report) = failure.reports.pop() {
        let why = "The server has no certificate yet (tls.acme), and did not start.";
        failure.reports.push(report.why(why));
    }
    failure
}

fn hook(acme: &Acme, base: &Path) -> Result<Option<Hook>, Failure> {
    match (&acme.challenge.http, &acme.challenge.dns_hook) {
        (Some(_), None) => Ok(None),
        (None, Some(program)) => Ok(Some(Hook {
            program: base.join(program),
            patience: acme.challenge.hook_timeout.duration(),
        })),
        _ => Err(wrong(
            "tls.acme.challenge has to be either http or dnsHook",
            "say how the names are proved: http, or dnsHook for wildcards",
        )),
    }
}

fn settings(acme: &Acme, base: &Path, environment: &Environment) -> Result<Settings, Failure> {
    let binding = match (&acme.external_account.kid, &acme.external_account.key) {
        (None, None) => None,
        (Some(kid), Some(key)) => {
            let key = key.read("tls.acme.externalAccount.key", base, environment)?;
            Some(external(kid, &key)?)
        }
        _ => {
            let what = "tls.acme.externalAccount is half there";
            return Err(wrong(what, "give both kid and key"));
        }
    };
    Ok(Settings {
        contact: acme.contact.clone(),
        agreed: acme.agree_terms,
        external: binding,
    })
}

fn wrong(what: &str, help: &str) -> Failure {
    Report::new("CFG-0004", what)
        .why("No certificate would be got.")
        .help(help)
        .usage()
}
