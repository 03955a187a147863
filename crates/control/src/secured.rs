//! TLS of the listeners.

mod plane_names;

use std::sync::Arc;
use std::time::Duration;

use aeolus_model::Time;
use aeolus_store::Plane;
use aeolus_tls::{
    Bound, ClientChain, Clients, Keeper, PairFiles, Protocol, ServerTls, TlsError, Told,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::{ApiTls, ControlConfig};
use crate::error::ApiError;
use plane_names::PlaneNames;

/// How often certificates are looked at.
const RENEWED: Duration = Duration::from_secs(5);

/// What each listener shows, and all certificates of this process.
pub(crate) struct Secured {
    pub(crate) control: Option<ServerTls>,
    pub(crate) metrics: Option<ServerTls>,
    pub(crate) scim: Option<ServerTls>,
    pub(crate) certificates: Arc<Keeper>,
    /// By which others know the legacy key.
    signer: Arc<Told>,
    /// Whose certificates gates have to show; nobody's, if absent.
    clients: Option<Arc<Clients>>,
}

impl Secured {
    /// Reads the certificates.
    pub(crate) fn open(config: &ControlConfig) -> Result<Self, TlsError> {
        let mut keeper = Keeper::default();
        for kept in &config.kept {
            keeper.keep(Arc::clone(kept));
        }
        let signer = Arc::new(Told::new("legacy key"));
        keeper.keep(Arc::clone(&signer) as _);
        let (control, clients) = match &config.tls.control {
            None => (None, None),
            Some(ApiTls {
                pair,
                clients: None,
            }) => (Some(keeper.server(pair, Protocol::Http1)?), None),
            Some(ApiTls {
                pair,
                clients: Some(asked),
            }) => {
                let (server, clients) =
                    keeper.server_asking(pair, Protocol::Http1, asked.clone())?;
                (Some(server), Some(clients))
            }
        };
        let mut open = |files: &Option<PairFiles>| {
            let files = files.as_ref();
            let opened = files.map(|files| keeper.server(files, Protocol::Http1));
            opened.transpose()
        };
        Ok(Self {
            control,
            metrics: open(&config.tls.metrics)?,
            scim: open(&config.tls.scim)?,
            certificates: Arc::new(keeper),
            signer,
            clients,
        })
    }

    /// Refuses a request at a route of gates that has shown no certificate, where gates have to: so nobody without
    /// one gets as far as a handler.
    pub(crate) fn admit(
        &self,
        route: &str,
        chain: &ClientChain,
        now: Time,
    ) -> Result<(), ApiError> {
        if is_of_gates(route) {
            self.shown(chain, now)?;
        }
        Ok(())
    }

    /// What whoever says that it is a gate has shown: where gates have to, a certificate that is good now. Who comes
    /// by a way without TLS has shown none.
    pub(crate) fn shown(&self, chain: &ClientChain, now: Time) -> Result<Shown, ApiError> {
        let Some(clients) = &self.clients else {
            return Ok(Shown(PlaneNames::default()));
        };
        if !clients.prove(chain, now) {
            return Err(ApiError::NoCertificate);
        }
        let names = chain.leaf().and_then(PlaneNames::read);
        Ok(Shown(names.ok_or(ApiError::NoCertificate)?))
    }
}

/// A certificate was judged, as far as this installation wants one. Only [`Secured::shown`] makes it, and no plane
/// is proved without it: a new way to prove one can't forget to ask.
pub(crate) struct Shown(PlaneNames);

impl Shown {
    /// Refuses the certificate of another plane.
    pub(crate) fn require(&self, plane: &Plane) -> Result<(), ApiError> {
        if self.0.allow(plane) {
            Ok(())
        } else {
            Err(ApiError::OtherCertificate)
        }
    }
}

/// Whether only gates ask there. People and their programs go by other paths of the same listener.
fn is_of_gates(route: &str) -> bool {
    route == "/v1/planes/enroll" || route.starts_with("/v1/planes/self/")
}

/// What a listener shows. A Unix socket is this machine's own.
pub(crate) fn at(tls: Option<&ServerTls>, bound: &Bound) -> Option<ServerTls> {
    tls.filter(|_| matches!(bound, Bound::Tcp(_))).cloned()
}

/// Looks after the certificates until shutdown, never on an async thread.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let mut ticks = interval(RENEWED);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let app = app.clone();
        let look = move || {
            app.tls.signer.tell(app.keys.legacy_certificates());
            app.tls.certificates.look(app.clock.now())
        };
        let looked = tokio::task::spawn_blocking(look);
        if let Some(Err(error)) = shutdown.run_until_cancelled(looked).await {
            tracing::error!(%error, "looking at certificates failed; trying again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gates_ask_is_told_from_what_people_do() {
        let gates: Vec<_> = crate::ROUTES
            .iter()
            .filter(|(_, route)| is_of_gates(route))
            .map(|(_, route)| route.trim_start_matches("/v1/planes/"))
            .collect();
        assert_eq!(
            gates,
            [
                "enroll",
                "self/manifest",
                "self/sections/{sha256}",
                "self/events",
                "self/status",
                "self/sessions/{sid}/renew",
                "self/check",
            ]
        );
    }
}
