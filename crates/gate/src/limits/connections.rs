//! The connections of one listener, all of them and by source.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Source;

/// Most of what may be open at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Connections of each listener; each that idles costs a few KiB.
    pub connections: usize,
    /// Those of them from one source. A proxy is one source, whoever is behind it.
    pub per_source: usize,
    /// Requests that wait for an application or control.
    pub waiting: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            connections: 16_384,
            per_source: 12_288,
            waiting: 4_096,
        }
    }
}

/// Who is connected at this moment.
#[derive(Default)]
pub(crate) struct Connections(Mutex<Open>);

#[derive(Default)]
struct Open {
    all: usize,
    by_source: HashMap<Source, usize>,
}

/// One connection's place; free again when dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    source: Option<Source>,
}

impl Connections {
    /// A place for a connection, if the caps leave one. Only who accepts and who ends take the lock,
    /// never a request.
    pub(crate) fn admit(self: &Arc<Self>, source: Option<Source>, caps: Caps) -> Option<Place> {
        let mut open = self.lock();
        if open.all >= caps.connections {
            return None;
        }
        if let Some(source) = source {
            let of_source = open.by_source.entry(source).or_default();
            if *of_source >= caps.per_source {
                // A cap of nothing leaves an entry of nothing.
                let is_none = *of_source == 0;
                if is_none {
                    open.by_source.remove(&source);
                }
                return None;
            }
            *of_source += 1;
        }
        open.all += 1;
        drop(open);
        Some(Place {
            connections: Arc::clone(self),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // What a panic left behind is whole: nothing here panics between two changes.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.all = open.all.saturating_sub(1);
        if let Some(source) = self.source
            && let Some(of_source) = open.by_source.get_mut(&source)
        {
            *of_source = of_source.saturating_sub(1);
            if *of_source == 0 {
                open.by_source.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn one_source_takes_no_more_than_its_share_and_all_no_more_than_there_is() {
        let connections = Arc::new(Connections::default());
        let caps = Caps {
            connections: 5,
            per_source: 2,
            waiting: 1,
        };
        let admit = |text| connections.admit(Some(source(text)), caps);
        let first = admit("192.0.2.1").expect("a place");
        let second = admit("192.0.2.1").expect("a place");
        assert!(admit("192.0.2.1").is_none());
        let others: Vec<_> = ["192.0.2.2", "192.0.2.3"].into_iter().map(admit).collect();
        assert!(others.iter().all(Option::is_some));
        let unix = connections.admit(None, caps).expect("a place");
        assert!(connections.admit(None, caps).is_none(), "all are taken");
        drop((second, unix));
        assert!(admit("192.0.2.1").is_some(), "and free at once");
        assert!(admit("192.0.2.1").is_some());
        drop((first, others));
        assert!(connections.lock().by_source.is_empty());
        assert_eq!(connections.lock().all, 0);
    }
}
