//! Groups of which a provisioning client makes Teams (note 033).

use aeolus_model::ConnectionId;
use aeolus_oidc::entra;
use aeolus_store::{StoreError, Unit};

/// Whether the connection's provisioning client makes the Team of a group that its provider names otherwise: by the id or
/// the name under which it was provisioned. Then it also says who is in it.
pub(super) async fn is(
    unit: &mut impl Unit,
    connection: ConnectionId,
    (id, name): (&str, Option<&str>),
) -> Result<bool, StoreError> {
    // Entra provisions an object by its bare id, whichever tenant it is of.
    let id = entra::parts_of(id).map_or(id, |(_, object)| object);
    let by_id = aeolus_scim::fold(id);
    let by_name = name.map_or_else(|| by_id.clone(), aeolus_scim::fold);
    let mut groups = unit.scim_groups();
    groups.owns(connection, id, [&by_id, &by_name]).await
}
