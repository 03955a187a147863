//! Watches: what happened since a version, as lines, until time is up or the connection breaks.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::http::{Asked, line};
use super::{Refusal, Shared, rules};

/// How long a watch lasts that doesn't say it.
const LONGEST: Duration = Duration::from_secs(300);

struct Watch {
    shared: Arc<Shared>,
    asked: Arc<Asked>,
    /// The last version that was told.
    told: u64,
    until: Instant,
    breaks: u64,
    is_over: bool,
}

pub(super) fn answer(shared: Arc<Shared>, asked: &Asked) -> Response {
    let version = asked
        .option("resourceVersion")
        .and_then(|text| text.parse().ok());
    let seconds = asked
        .option("timeoutSeconds")
        .and_then(|text| text.parse().ok());
    let breaks = *shared.broken.borrow();
    let watch = Watch {
        told: version.unwrap_or_else(|| shared.state().store.version()),
        until: Instant::now() + seconds.map_or(LONGEST, Duration::from_secs),
        breaks,
        asked: Arc::new(asked.clone()),
        shared,
        is_over: false,
    };
    Response::new(Body::from_stream(stream::unfold(watch, next)))
}

/// The next lines; none: the watch is over.
async fn next(mut watch: Watch) -> Option<(Result<Bytes, std::io::Error>, Watch)> {
    if watch.is_over {
        return None;
    }
    let mut changed = watch.shared.changed.subscribe();
    let mut broken = watch.shared.broken.subscribe();
    loop {
        if *broken.borrow_and_update() != watch.breaks {
            watch.is_over = true;
            return Some((Err(std::io::Error::other("broken")), watch));
        }
        changed.borrow_and_update();
        match watch.lines() {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => return Some((Ok(Bytes::from(lines)), watch)),
            Err(refusal) => {
                watch.is_over = true;
                let gone = json!({"type": "ERROR", "object": refusal.body()});
                return Some((Ok(Bytes::from(format!("{gone}\n"))), watch));
            }
        }
        let either = async {
            tokio::select! {
                _ = changed.changed() => {}
                _ = broken.changed() => {}
            }
        };
        if timeout_at(watch.until, either).await.is_err() {
            return None;
        }
    }
}

impl Watch {
    fn lines(&mut self) -> Result<String, Refusal> {
        let state = self.shared.state();
        let events = state.store.since(self.told).ok_or_else(|| {
            Refusal::new(
                410,
                "Expired",
                format!("too old resource version: {}", self.told),
            )
        })?;
        self.told = state.store.version();
        let named = &self.asked.named;
        let labels = self.asked.option("labelSelector").unwrap_or_default();
        let mine = events.iter().filter(|event| {
            event.key.0 == named.resource
                && named
                    .namespace
                    .as_ref()
                    .is_none_or(|namespace| event.key.1 == *namespace)
                && rules::fits(&event.object["metadata"]["labels"], labels)
        });
        Ok(mine.map(|event| line(event, &self.asked)).collect())
    }
}
