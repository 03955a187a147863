//! The audit log: reading it, verifying it, keeping it for a while, copying it elsewhere, and what was
//! refused. Design note 017.

mod chain;
mod checkpoint;
mod denials;
mod export;
mod filter;
mod list;
mod retention;
mod sinks;
mod stream;
mod verify;

use aeolus_keys::chain::Scope;
use aeolus_model::Permission;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;

pub(crate) use checkpoint::{checkpoint, checkpoint_all};
pub(crate) use denials::{Denials, Refused};
pub(crate) use export::{export, export_all};
pub(crate) use list::{list, list_all};
pub use sinks::SinkConfigError;
pub(crate) use sinks::check;
pub(crate) use verify::{verify, verify_all};

/// Writes refusals down, gives the sinks what is new, and deletes what is old, until shutdown.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    tokio::join!(
        denials::run(app.clone(), shutdown.clone()),
        sinks::run(app.clone(), shutdown.clone()),
        retention::run(app, shutdown),
    );
}

/// Whose lines may be read: an organization's, or without one everybody's.
async fn readable(ctx: &Ctx, organization: Option<&str>) -> Result<Scope, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let permission = Permission::OrganizationAuditGet;
    let Some(text) = organization else {
        authority.require(permission, &[])?;
        return Ok(Scope::Installation);
    };
    let organization = authority.organization(&mut view, text).await?;
    authority.require(permission, &organization_path(organization.id))?;
    Ok(Scope::Organization(organization.id))
}
