//! Hosts that no deployment may have: control's own, and those where planes answer for themselves.
//!
//! A deployment at one of them would get what people send there, credentials among it, wherever the
//! plane's proxy takes the host for its own. Names of this machine are everybody's: nothing but a
//! browser on it is there to be misled.

use aeolus_model::{Host, Permission, is_loopback};
use aeolus_store::{Route, StoreError, Unit as _, Write};
use url::Url;

use crate::app::App;
use crate::authority::Authority;
use crate::error::ApiError;

/// Refuses routes at a reserved host or over one.
pub(crate) async fn refuse_in(
    app: &App,
    write: &mut Write,
    routes: &[Route],
) -> Result<(), ApiError> {
    write.deployments().lock_hosts().await?;
    let reserved = all(app, write).await?;
    let mut hosts = routes.iter().map(|route| &route.host);
    match hosts.find(|host| reserved.iter().any(|reserved| host.covers(reserved))) {
        Some(host) => Err(ApiError::ReservedHost(host.to_string())),
        None => Ok(()),
    }
}

/// Refuses whoever doesn't run the installation routes at the host whose paths name repositories of the container
/// registry, or over it: who has the path may push and pull what its name says.
pub(crate) fn require_operator(
    app: &App,
    authority: &Authority,
    routes: &[Route],
) -> Result<(), ApiError> {
    let host = app.registry.as_ref();
    let Some(host) = host.and_then(|registry| registry.config.repositories.host()) else {
        return Ok(());
    };
    let there = routes.iter().any(|route| route.host.covers(host));
    if there && !authority.may(Permission::SystemApply, &[]) {
        let what = format!(
            "{}, because paths on {host} name repositories of the container registry",
            Permission::SystemApply.name()
        );
        return Err(ApiError::Forbidden(what));
    }
    Ok(())
}

/// Refuses a host for a plane itself that a deployment has.
pub(crate) async fn refuse_for_plane(write: &mut Write, host: &Host) -> Result<(), ApiError> {
    write.deployments().lock_hosts().await?;
    if is_reserved(host) && !write.deployments().on_host(host).await?.is_empty() {
        return Err(ApiError::ReservedHost(host.to_string()));
    }
    Ok(())
}

/// Refuses a fleet in which a deployment has a reserved host.
pub(crate) async fn refuse_anywhere(app: &App, write: &mut Write) -> Result<(), ApiError> {
    write.deployments().lock_hosts().await?;
    for host in all(app, write).await? {
        if !write.deployments().on_host(&host).await?.is_empty() {
            return Err(ApiError::ReservedHost(host.to_string()));
        }
    }
    Ok(())
}

async fn all(app: &App, write: &mut Write) -> Result<Vec<Host>, StoreError> {
    let planes = write.planes().list().await?;
    let own = Url::parse(&app.issuer).ok();
    let own = own.and_then(|url| Host::parse(url.host_str()?).ok());
    let planes = planes.into_iter().filter_map(|plane| plane.auth_host);
    Ok(own.into_iter().chain(planes).filter(is_reserved).collect())
}

fn is_reserved(host: &Host) -> bool {
    !is_loopback(host.as_str())
}
