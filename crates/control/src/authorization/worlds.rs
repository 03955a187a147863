//! What a plane's gate would know, as of this moment.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use aeolus_decide::World;
use aeolus_model::PlaneId;
use aeolus_store::Unit as _;

use crate::app::App;
use crate::error::ApiError;
use crate::publish;

/// A world for each plane that was asked about, of one position of the feed.
///
/// It is made anew when the feed has moved, by the first who asks then; the others of that plane wait
/// for it. So a revocation counts from the very next check on, and a change costs each such plane one
/// reading of its records.
#[derive(Default)]
pub(crate) struct Worlds(Mutex<HashMap<PlaneId, Slot>>);

type Slot = Arc<tokio::sync::Mutex<Option<Known>>>;

struct Known {
    /// Epoch and content position.
    position: (u64, u64),
    world: Arc<World>,
}

impl Known {
    /// The world, if it is of exactly this position. One that is ahead is of a database that has been
    /// restored since, and says what is no longer so.
    fn at(known: Option<&Self>, position: (u64, u64)) -> Option<Arc<World>> {
        let known = known.filter(|known| known.position == position)?;
        Some(Arc::clone(&known.world))
    }
}

async fn position(app: &App) -> Result<(u64, u64), ApiError> {
    let feed = app.store.read().await?.settings().feed().await?;
    Ok((feed.epoch, feed.content))
}

impl Worlds {
    /// The world of a plane, of now or later.
    pub(crate) async fn of(&self, app: &App, plane: PlaneId) -> Result<Arc<World>, ApiError> {
        let newest = position(app).await?;
        let slot = self.slot(plane);
        let mut known = slot.lock().await;
        if let Some(world) = Known::at(known.as_ref(), newest) {
            return Ok(world);
        }
        // Somebody else may have made it while this one waited.
        if let Some(world) = Known::at(known.as_ref(), position(app).await?) {
            return Ok(world);
        }
        let mut view = app.store.read().await?;
        let feed = view.settings().feed().await?;
        let sections = publish::sections_of(app, &mut view, plane).await?;
        drop(view);
        let index = move || World::from_sections(&sections, &BTreeSet::new());
        let world = tokio::task::spawn_blocking(index).await;
        let world = Arc::new(world.map_err(ApiError::internal)?);
        *known = Some(Known {
            position: (feed.epoch, feed.content),
            world: Arc::clone(&world),
        });
        Ok(world)
    }

    fn slot(&self, plane: PlaneId) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(plane).or_default())
    }
}

#[cfg(test)]
mod tests {
    use aeolus_snapshot::Sections;

    use super::*;

    #[test]
    fn a_world_that_a_restored_database_has_not_come_to_is_not_believed() {
        let world = World::from_sections(&Sections::default(), &BTreeSet::new());
        let known = Known {
            position: (2, 100),
            world: Arc::new(world),
        };
        assert!(Known::at(Some(&known), (2, 100)).is_some());
        for other in [(2, 99), (2, 101), (1, 100), (3, 100)] {
            assert!(Known::at(Some(&known), other).is_none(), "{other:?}");
        }
        assert!(Known::at(None, (2, 100)).is_none());
    }
}
