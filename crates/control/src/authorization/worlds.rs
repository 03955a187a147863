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

impl Worlds {
    /// The world of a plane, of now or later.
    pub(crate) async fn of(&self, app: &App, plane: PlaneId) -> Result<Arc<World>, ApiError> {
        let feed = app.store.read().await?.settings().feed().await?;
        let slot = self.slot(plane);
        let mut known = slot.lock().await;
        if let Some(known) = &*known
            && known.position >= (feed.epoch, feed.content)
        {
            return Ok(Arc::clone(&known.world));
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
