//! What each listener answers.

use std::net::IpAddr;
use std::sync::Arc;

use aeolus_tls::ServerTls;
use http::{Request, StatusCode};
use hyper::body::Incoming;

use crate::caller::{Caller, TlsEnd};
use crate::gate::Gate;
use crate::ready::ready;
use crate::server::{Answering, Handler, Speaks};
use crate::{answer, check, grpc, proxy};

/// Checks, Airflow's keys, our pages.
pub struct Checks(pub Arc<Gate>);

/// Checks of Envoy over gRPC.
pub struct GrpcChecks(pub Arc<Gate>);

/// The built-in proxy, with its TLS unless a load balancer ends that.
pub struct Proxy(pub Arc<Gate>, pub Option<ServerTls>);

/// Metrics and health.
pub struct Metrics(pub Arc<Gate>);

impl Handler for Checks {
    fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Option<IpAddr>) -> Answering {
        check::serve(&self.0, request, peer)
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.0
    }
}

impl Handler for GrpcChecks {
    fn answer(self: Arc<Self>, request: Request<Incoming>, _peer: Option<IpAddr>) -> Answering {
        Answering::Later(Box::pin(grpc::serve(Arc::clone(&self.0), request)))
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.0
    }

    fn speaks(&self) -> Speaks {
        Speaks::Http2
    }
}

impl Handler for Proxy {
    fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Option<IpAddr>) -> Answering {
        let trusted = &self.0.settings.now().trusted_proxies;
        let caller = Caller {
            peer: trusted.client(peer, request.headers()),
            tls: match self.1 {
                Some(_) => TlsEnd::Here,
                None => TlsEnd::InFront,
            },
        };
        let gate = Arc::clone(&self.0);
        Answering::Later(Box::pin(proxy::serve(gate, request, caller)))
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.0
    }

    fn tls(&self) -> Option<&ServerTls> {
        self.1.as_ref()
    }
}

impl Handler for Metrics {
    fn answer(self: Arc<Self>, request: Request<Incoming>, _peer: Option<IpAddr>) -> Answering {
        Answering::Now(match request.uri().path() {
            "/metrics" => {
                let figures = self.0.metrics.render(self.0.gauges());
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                answer::typed(StatusCode::OK, kind, figures)
            }
            "/livez" => answer::text(StatusCode::OK, "ok\n"),
            "/readyz" => ready(&self.0, request.headers()),
            _ => answer::text(StatusCode::NOT_FOUND, "Nothing is served here.\n"),
        })
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.0
    }
}
