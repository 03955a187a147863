//! TLS of the listeners.

use std::net::IpAddr;
use std::sync::Arc;

use aeolus_tls::{Bound, Keeper, PairFiles, Protocol, ServerTls, TlsError};
use http::Request;
use hyper::body::Incoming;

use crate::config::ListenerTls;
use crate::gate::Gate;
use crate::server::{Answering, Handler, Speaks};

/// What each listener shows.
pub(crate) struct Secured {
    pub(crate) checks: Option<ServerTls>,
    pub(crate) grpc: Option<ServerTls>,
    pub(crate) proxy: Option<ServerTls>,
    pub(crate) metrics: Option<ServerTls>,
    pub(crate) siblings: Option<ServerTls>,
}

impl Secured {
    /// Reads the certificates.
    pub(crate) fn open(files: &ListenerTls, keeper: &mut Keeper) -> Result<Self, TlsError> {
        let mut open = |files: &Option<PairFiles>, speaks| {
            let files = files.as_ref();
            files.map(|files| keeper.server(files, speaks)).transpose()
        };
        Ok(Self {
            checks: open(&files.checks, Protocol::Http1)?,
            grpc: open(&files.grpc, Protocol::Http2)?,
            proxy: open(&files.proxy, Protocol::Http1)?,
            metrics: open(&files.metrics, Protocol::Http1)?,
            siblings: open(&files.siblings, Protocol::Http1)?,
        })
    }
}

/// What a listener shows. A Unix socket is this machine's own.
pub(crate) fn at<'a>(tls: Option<&'a ServerTls>, bound: &Bound) -> Option<&'a ServerTls> {
    tls.filter(|_| matches!(bound, Bound::Tcp(_)))
}

/// What answers at a listener, behind TLS where it has that.
pub(crate) fn behind(
    tls: Option<&ServerTls>,
    handler: Arc<dyn Handler>,
    at: &Bound,
) -> Arc<dyn Handler> {
    match self::at(tls, at) {
        Some(tls) => Arc::new(Behind {
            handler,
            tls: tls.clone(),
        }),
        None => handler,
    }
}

struct Behind {
    handler: Arc<dyn Handler>,
    tls: ServerTls,
}

impl Handler for Behind {
    fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Option<IpAddr>) -> Answering {
        Arc::clone(&self.handler).answer(request, peer)
    }

    fn gate(&self) -> &Arc<Gate> {
        self.handler.gate()
    }

    fn speaks(&self) -> Speaks {
        self.handler.speaks()
    }

    fn tls(&self) -> Option<&ServerTls> {
        Some(&self.tls)
    }
}
