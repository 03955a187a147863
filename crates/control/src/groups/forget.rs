//! The end of Teams whose group is gone.

use std::time::Duration;

use aeolus_model::{Action, AuditEvent, Change};
use aeolus_store::{StoreError, Unit as _};

use super::kept;
use crate::app::App;

/// So long a provider may bring a group back under its id: as long as Entra can.
const TOMBSTONE: Duration = Duration::from_secs(30 * 86_400);

/// Removes them with their roles.
pub(crate) async fn forget(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut view = app.store.read().await?;
    let gone = view.group_teams().gone_before(now.minus(TOMBSTONE)).await?;
    drop(view);
    for found in gone {
        let mut write = app.store.write().await?;
        write.group_teams().hold(found.connection).await?;
        let still = write.group_teams().get(found.team).await?;
        let team = write.teams().get(found.team).await?;
        // Somebody may have come with it meanwhile.
        let (Some(still), Some(team)) = (still, team) else {
            continue;
        };
        if still.gone_at.is_none_or(|at| at >= now.minus(TOMBSTONE)) {
            continue;
        }
        write.teams().delete(team.id).await?;
        let changes = vec![Change::from("name", team.name.to_string())];
        write.audit(kept::about(
            AuditEvent::of_system(now, Action::TeamDelete),
            &team,
            changes,
        ));
        app.commit(write).await?;
    }
    Ok(())
}
