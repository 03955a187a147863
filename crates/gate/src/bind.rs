//! The listeners of a gate, bound before anything is served.

use aeolus_api::Listen;
use aeolus_tls::{BindError, HandedOver, Listener};

use crate::config::GateConfig;

/// What is bound.
pub(crate) struct Listeners {
    pub(crate) checks: Vec<Listener>,
    pub(crate) grpc: Option<Listener>,
    pub(crate) fastcgi: Option<Listener>,
    pub(crate) proxy: Option<Listener>,
    pub(crate) metrics: Option<Listener>,
    pub(crate) siblings: Option<Listener>,
}

/// Binds all of them, or none stays bound.
pub(crate) async fn bind(config: &mut GateConfig) -> Result<Listeners, BindError> {
    let mut checks = Vec::with_capacity(config.checks.len());
    for listen in &config.checks {
        checks.push(Listener::bind("checks", listen, &mut config.handed_over).await?);
    }
    let handed_over = &mut config.handed_over;
    Ok(Listeners {
        checks,
        grpc: optional("grpc", config.grpc.as_ref(), handed_over).await?,
        fastcgi: optional("fastcgi", config.fastcgi.as_ref(), handed_over).await?,
        proxy: optional("proxy", config.proxy.as_ref(), handed_over).await?,
        metrics: optional("metrics", config.metrics.as_ref(), handed_over).await?,
        siblings: optional("siblings", config.siblings.listen.as_ref(), handed_over).await?,
    })
}

async fn optional(
    name: &str,
    listen: Option<&Listen>,
    handed_over: &mut HandedOver,
) -> Result<Option<Listener>, BindError> {
    match listen {
        Some(listen) => Ok(Some(Listener::bind(name, listen, handed_over).await?)),
        None => Ok(None),
    }
}
