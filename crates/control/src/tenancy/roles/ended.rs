//! Grants that end because their role changes or goes.

use aeolus_model::Change;
use aeolus_store::{GrantRecord, ManagedBy, RoleRecord, Unit as _, Write};

use super::{By, iam};
use crate::authority::path_within;
use crate::error::ApiError;

/// Grants that a change of their role would end.
pub(super) struct Losing {
    pub(super) grants: Vec<GrantRecord>,
    /// Where they are: the end of "It is given twice".
    pub(super) place: &'static str,
}

impl Losing {
    /// Ends them if that was asked for, and says what the audit log says of it.
    pub(super) async fn end(
        &self,
        write: &mut Write,
        by: By<'_>,
        asked: bool,
    ) -> Result<Option<Change>, ApiError> {
        let count = self.grants.len();
        if count == 0 {
            return Ok(None);
        }
        refuse_given(&self.grants)?;
        if !asked {
            let what = format!(
                "It is given {count} times{}. Take those grants back first, or end them with it by \
                 `end_grants=true`.",
                self.place
            );
            return Err(ApiError::Conflict(what));
        }
        for record in &self.grants {
            end(write, by, record).await?;
        }
        Ok(Some(Change::from("grants", count.to_string())))
    }
}

/// Ends a grant together with its role: that takes what it takes to end it by itself.
pub(crate) async fn end(
    write: &mut Write,
    (authority, organization): By<'_>,
    record: &GrantRecord,
) -> Result<(), ApiError> {
    let resource = record.grant.resource;
    let path = path_within(write, organization, resource).await?;
    authority.require(iam(resource), &path.unwrap_or_default())?;
    write.grants().delete(record.grant.id).await?;
    Ok(())
}

/// Refuses where a fleet document counts on there being a role of this name: no later apply of it would
/// come to an end.
pub(super) fn refuse_named(role: &RoleRecord, grants: &[GrantRecord]) -> Result<(), ApiError> {
    if role.managed_by == ManagedBy::Apply {
        let what = format!("{} was made by a fleet document.", role.name);
        return Err(ApiError::Managed(what));
    }
    refuse_given(grants)
}

fn refuse_given(grants: &[GrantRecord]) -> Result<(), ApiError> {
    let managed = grants.iter().filter(|r| r.managed_by == ManagedBy::Apply);
    match managed.count() {
        0 => Ok(()),
        count => {
            let what = format!("A fleet document gives it, {count} of the times there.");
            Err(ApiError::Managed(what))
        }
    }
}
