//! Another configuration while control runs: it takes effect as a whole or not at all.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::configured::{self, ConfigureError, SignInConfig, With};
use crate::app::App;
use crate::config::ScimConfig;

/// What whoever looks at the configuration has found.
pub enum Reload {
    /// How people sign in is another. Whether it took effect is answered.
    SignIn(SignInConfig, oneshot::Sender<Result<(), ConfigureError>>),
    /// From where and how often is provisioned is another.
    Scim(ScimConfig),
    /// The configuration as it stands can't be used: what was in force stays in force.
    Refused,
    /// It can be used again, and is what is in force.
    Sound,
}

/// What of how people sign in isn't in the table: each replica has it from its own configuration.
pub(crate) struct LocalAccounts(AtomicBool);

impl LocalAccounts {
    pub(crate) const fn new(offered: bool) -> Self {
        Self(AtomicBool::new(offered))
    }

    /// Whether people sign in with a password kept here.
    pub(crate) fn offered(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Takes one after the other until shutdown.
pub(crate) async fn follow(
    app: App,
    mut reloads: mpsc::Receiver<Reload>,
    shutdown: CancellationToken,
) {
    loop {
        let reload = tokio::select! {
            () = shutdown.cancelled() => return,
            reload = reloads.recv() => reload,
        };
        match reload {
            None => return,
            Some(Reload::Scim(wanted)) => app.scim.follow(wanted),
            Some(Reload::Refused) => app.metrics.configuration_refused(true),
            Some(Reload::Sound) => app.metrics.configuration_refused(false),
            Some(Reload::SignIn(wanted, answer)) => {
                let applied = apply(&app, &wanted).await;
                app.metrics.configuration_refused(applied.is_err());
                // Who asked may be gone at shutdown.
                let _ = answer.send(applied);
            }
        }
    }
}

async fn apply(app: &App, wanted: &SignInConfig) -> Result<(), ConfigureError> {
    let with = With::new(&app.master, &app.scim.key, (&*app.clock, &*app.rng));
    if let Some(write) = configured::begin(&app.store, with, wanted).await? {
        app.commit(write).await?;
    }
    app.local_accounts.0.store(wanted.local, Ordering::Relaxed);
    say_if_nobody(wanted);
    Ok(())
}

/// Warns where a configuration leaves people no way in.
pub(crate) fn say_if_nobody(wanted: &SignInConfig) {
    if !wanted.local && wanted.connections.is_empty() {
        tracing::warn!(
            "auth.local.enabled is false and the configuration has no identity provider: unless a fleet document has one, nobody can sign in"
        );
    }
}
