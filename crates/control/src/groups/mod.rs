//! Teams that stand for groups of identity providers: who is in them is what the providers say (note 029). How
//! a provider is asked is `federation`'s to know.

mod age;
mod follow;
mod forget;
mod kept;
mod made;
mod named;
mod provisioned;
mod ready;
mod refresh;
mod system;

use aeolus_model::{Action, AuditEvent, ConnectionId};
use aeolus_oidc::entra;
use aeolus_store::{GroupTeam, StoreError, Unit};

pub(crate) use self::age::{end_all_stale, end_stale};
pub(crate) use self::follow::{follow, leave};
pub(crate) use self::forget::forget;
pub(crate) use self::named::free as free_name;
pub(crate) use self::ready::{News, Said, news, ready};
pub(crate) use self::refresh::run;
pub(crate) use self::system::settle_all;

/// So many groups of somebody count at most; with more a list is not whole.
const MOST_OF_PERSON: usize = 500;
/// So many Teams a connection has at most.
const MOST_OF_CONNECTION: u64 = 5_000;

/// A line of the audit log about what a provider says. Where it came with a request, it names that.
type Line<'a> = &'a (dyn Fn(Action) -> AuditEvent + Sync);

/// The Team of a group. One from before object ids of several tenants were told apart is that of the tenant that is
/// kept with it.
async fn by_group(
    unit: &mut impl Unit,
    connection: ConnectionId,
    id: &str,
) -> Result<Option<GroupTeam>, StoreError> {
    let found = unit.group_teams().by_group(connection, id).await?;
    let (None, Some((tenant, object))) = (&found, entra::parts_of(id)) else {
        return Ok(found);
    };
    let found = unit.group_teams().by_group(connection, object).await?;
    Ok(found.filter(|found| found.place == tenant))
}

#[cfg(test)]
mod tests;
