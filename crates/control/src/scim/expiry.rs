//! Secrets of provisioning clients that end soon: said once each, before nobody is provisioned any more.

use std::time::Duration;

use aeolus_model::{Action, AuditEvent, Change};
use aeolus_store::{StoreError, Unit as _};

use crate::app::App;

/// So long before it ends.
const AHEAD: Duration = Duration::from_secs(14 * 86_400);

/// Says what there is to say.
pub(crate) async fn say(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    loop {
        let mut view = app.store.read().await?;
        let due = view.scim_credentials().due(now, now.plus(AHEAD)).await?;
        drop(view);
        if due.is_empty() {
            return Ok(());
        }
        let mut write = app.store.write().await?;
        for each in &due {
            let taken = write
                .scim_credentials()
                .notice(&each.secret.digest, now)
                .await?;
            let connection = write.connections().get(each.connection).await?;
            let Some(connection) = connection.filter(|_| taken) else {
                continue;
            };
            let end = each.secret.ends_at.map(|end| end.secs().to_string());
            let name = connection.name;
            tracing::warn!(
                connection = name.as_str(),
                credential = each.name,
                ends_at = end.as_deref().unwrap_or_default(),
                "a credential for provisioning ends soon: rotate it (aeolus scim credential rotate)"
            );
            write.audit(AuditEvent {
                target: format!("{name}/{}", each.name),
                changes: end
                    .map(|end| Change::from("expiresAt", end))
                    .into_iter()
                    .collect(),
                ..AuditEvent::of_system(now, Action::ScimCredentialExpiresSoon)
            });
        }
        app.commit(write).await?;
    }
}
