//! When planes last had everything there was.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aeolus_model::{PlaneId, Time};
use aeolus_store::{Feed, Publication, Told};

/// By plane: the publication that was last seen to be the newest, and when. Age counts from there
/// when something newer exists; the database knows it only as of the publication.
#[derive(Debug, Default)]
pub(crate) struct Newest(Mutex<HashMap<PlaneId, (u64, u64, Time)>>);

/// Whether a publication has everything that the feed has.
pub(crate) const fn is_newest(feed: Feed, told: Told) -> bool {
    feed.epoch == told.epoch && feed.content == told.seq && told.records >= feed.records
}

impl Newest {
    /// Notes that a publication was the newest at a time.
    pub(super) fn note(&self, told: Told, at: Time) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.insert(told.plane, (told.epoch, told.seq, at));
    }

    /// When everything was in a publication. A later one has what an earlier one of its epoch had.
    pub(crate) fn as_of(&self, published: &Publication) -> Time {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = times.get(&published.plane);
        let noted =
            noted.filter(|(epoch, seq, _)| *epoch == published.epoch && *seq <= published.seq);
        noted.map_or(published.complete_at, |(.., at)| {
            published.complete_at.max(*at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f4_a_time_is_of_its_publication_and_of_later_ones() {
        let plane = PlaneId::from_bytes([1; 16]);
        let published = |epoch, seq| Publication {
            plane,
            epoch,
            seq,
            records: seq,
            base: seq,
            manifest: String::new(),
            published_at: Time::from_secs(100),
            complete_at: Time::from_secs(90),
        };
        let newest = Newest::default();
        let as_of = |epoch, seq| newest.as_of(&published(epoch, seq)).secs();
        assert_eq!(as_of(1, 5), 90);
        let told = Told {
            plane,
            epoch: 1,
            seq: 5,
            records: 5,
            base: 5,
        };
        newest.note(told, Time::from_secs(95));
        assert_eq!((as_of(1, 5), as_of(1, 6)), (95, 95));
        assert_eq!((as_of(1, 4), as_of(2, 5)), (90, 90));
        newest.note(told, Time::from_secs(80));
        assert_eq!(as_of(1, 5), 90);
    }
}
