//! How many connections there are at once, and from whom.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at once; the next ones wait in the system's queue.
const CONNECTIONS: usize = 8192;
/// Of one source, where clients come by themselves: two connections of each of 512 gates behind one address.
const OF_ONE_SOURCE: usize = CONNECTIONS / 8;

/// Places for connections. One source has its share, so that it can't keep all others out.
#[derive(Clone)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    share: usize,
    held: Held,
}

/// Connections by source.
type Held = Arc<Mutex<HashMap<Source, usize>>>;

/// A place, before it is known for whom.
pub(super) struct Place(OwnedSemaphorePermit);

/// A place that is somebody's until this is dropped.
pub(super) struct Taken {
    _place: OwnedSemaphorePermit,
    of: Option<(Source, Held)>,
}

/// What one party comes from: an IPv4 address, or an IPv6 network of 64 bits (RFC 6177 §2), which everybody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Source(IpAddr);

impl Source {
    /// None of programs of this machine, among them a proxy that nobody named.
    fn of(peer: Option<IpAddr>) -> Option<Self> {
        let peer = peer?.to_canonical();
        let source = match peer {
            IpAddr::V4(_) => peer,
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        };
        (!peer.is_loopback()).then_some(Self(source))
    }
}

impl Places {
    /// Of a listener with so many trusted proxies in front: with any, the one that connects brings everybody.
    pub(crate) fn behind(trusted_hops: usize) -> Self {
        let alone = trusted_hops == 0;
        Self::new(CONNECTIONS, if alone { OF_ONE_SOURCE } else { CONNECTIONS })
    }

    fn new(all: usize, share: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            share,
            held: Arc::default(),
        }
    }

    /// Waits for a place.
    pub(super) async fn next(&self) -> Option<Place> {
        let place = Arc::clone(&self.all).acquire_owned().await;
        place.ok().map(Place)
    }

    /// Gives it to whoever came, unless its source has its share already.
    pub(super) fn take(&self, Place(place): Place, peer: Option<IpAddr>) -> Option<Taken> {
        let source = Source::of(peer);
        if let Some(source) = source {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let count = held.entry(source).or_default();
            if *count >= self.share {
                return None;
            }
            *count += 1;
            if *count == self.share {
                let source = source.0;
                tracing::warn!(%source, share = self.share, "a source holds its share of the connections; more of it are closed. If it is a proxy, set trustedHops");
            }
        }
        Some(Taken {
            _place: place,
            of: source.map(|source| (source, Arc::clone(&self.held))),
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some((source, held)) = &self.of else {
            return;
        };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(source) {
            *count -= 1;
            if *count == 0 {
                held.remove(source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(places: &Places, from: &str) -> Option<Taken> {
        let place = places.next().await.unwrap();
        places.take(place, Some(from.parse().unwrap()))
    }

    #[tokio::test]
    async fn one_source_has_its_share_and_gets_it_back() {
        let places = Places::new(8, 2);
        for (own, other) in [
            (["192.0.2.1", "::ffff:192.0.2.1"], "192.0.2.2"),
            (["2001:db8::1", "2001:db8::ffff:1"], "2001:db8:0:1::1"),
        ] {
            let [first, second] = own;
            let one = take(&places, first).await.unwrap();
            let two = take(&places, second).await.unwrap();
            assert!(take(&places, first).await.is_none(), "{first}");
            assert!(take(&places, second).await.is_none(), "{second}");
            assert!(take(&places, other).await.is_some(), "{other}");
            drop(one);
            let again = take(&places, second).await.unwrap();
            assert!(take(&places, first).await.is_none(), "{first}");
            drop((two, again));
        }
        // Nothing is left of who is gone, and a refusal holds no place.
        assert!(places.held.lock().unwrap().is_empty());
        assert_eq!(places.all.available_permits(), 8);
    }

    #[tokio::test]
    async fn this_machine_and_sockets_have_no_share_and_proxies_bring_everybody() {
        let places = Places::new(8, 1);
        let mut all = Vec::new();
        for from in ["127.0.0.1", "::1", "::ffff:127.0.0.2", "127.0.0.1"] {
            all.push(take(&places, from).await.unwrap());
        }
        for _ in 0..2 {
            let place = places.next().await.unwrap();
            all.push(places.take(place, None).unwrap());
        }
        assert_eq!(places.all.available_permits(), 2);
        assert_eq!(Places::behind(0).share, 1024);
        assert_eq!(Places::behind(1).share, 8192);
    }
}
