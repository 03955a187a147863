//! Planes that have a client of their own at a connection's provider (design note 013), as people register
//! and see them. What a fleet document says of a plane is the document's to change.

mod delete;
mod get;
mod list;
mod set;
mod view;

use aeolus_api::fleet::PlaneRegistration;
use aeolus_model::Permission;
use aeolus_store::{Connection, ManagedBy, Plane, Unit};

use super::Settings;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::planes;
use crate::seen::Tag;

pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use set::set;

/// A connection with its settings.
struct Found {
    row: Connection,
    settings: Settings,
}

impl Found {
    /// By id or name, for somebody who may do this to it.
    async fn get(
        ctx: &Ctx,
        unit: &mut impl Unit,
        (text, permission): (&str, Permission),
    ) -> Result<Self, ApiError> {
        ctx.authority(unit).await?.require(permission, &[])?;
        let row = super::find(unit, text).await?;
        let settings = Settings::parse(&row.config).map_err(ApiError::internal)?;
        Ok(Self { row, settings })
    }

    /// The same, to change what is registered of a plane: not of one of which a fleet document says it.
    async fn to_change(
        ctx: &Ctx,
        unit: &mut impl Unit,
        (connection, plane): (&str, &str),
    ) -> Result<(Self, Plane), ApiError> {
        let permission = Permission::SystemConnectionsUpdate;
        let found = Self::get(ctx, unit, (connection, permission)).await?;
        let plane = planes::find(unit, plane).await?;
        if found.row.managed_by == ManagedBy::Configuration && found.settings.absent {
            return Err(ApiError::Conflict(format!(
                "{} has left control's configuration: nobody signs in through it.",
                found.row.name
            )));
        }
        let mut declared = found.settings.plane_registrations.iter();
        if declared.any(|each| each.plane == plane.name) {
            return Err(ApiError::Managed(format!(
                "planeRegistrations of the connection {} there says which client the plane {} has.",
                found.row.name, plane.name
            )));
        }
        Ok((found, plane))
    }

    /// The row with its settings as they are now.
    fn stored(&self) -> Result<Connection, ApiError> {
        Ok(Connection {
            config: serde_json::to_string(&self.settings).map_err(ApiError::internal)?,
            ..self.row.clone()
        })
    }
}

/// Stands for what somebody would change of it.
fn tag(registration: &PlaneRegistration) -> Result<Tag, ApiError> {
    Tag::of(registration)
}
