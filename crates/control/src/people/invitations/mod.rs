//! An organization's invitations: made, listed, taken back.

mod create;
mod list;
mod revoke;

use aeolus_api::invitation::{Invitation, InvitationStatus, InvitedRole};
use aeolus_model::Time;
use aeolus_store::InvitationRecord;

pub(crate) use create::{Asking, Sending, create, send};
pub(crate) use list::list;
pub(crate) use revoke::revoke;

fn view(record: InvitationRecord, now: Time) -> Invitation {
    let status = match record.used {
        Some(_) => InvitationStatus::Accepted,
        None if record.is_open(now) => InvitationStatus::Open,
        None => InvitationStatus::Expired,
    };
    let role = |held: aeolus_store::InvitedRole| InvitedRole {
        role: held.role,
        resource: held.resource,
    };
    Invitation {
        id: record.id,
        organization_id: record.organization,
        email: record.email,
        any_address: record.any_address,
        roles: record.roles.into_iter().map(role).collect(),
        note: record.note,
        status,
        invited_by: record.invited_by,
        created_at: record.created_at.secs(),
        expires_at: record.expires_at.secs(),
        accepted_at: record.used.map(|(at, _)| at.secs()),
        accepted_by: record.used.map(|(_, user)| user),
    }
}
