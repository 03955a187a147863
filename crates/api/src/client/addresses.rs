//! Control's name to its addresses. An answer is kept: a name server that is gone, or has forgotten
//! the name, must not take control away from those who knew where it is.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

/// The system's resolver asks a dead name server for longer than a call may take.
const PATIENCE: Duration = Duration::from_secs(2);

type Found = Vec<SocketAddr>;
type Lookup = Pin<Box<dyn Future<Output = io::Result<std::vec::IntoIter<SocketAddr>>> + Send>>;

/// The system's resolver, and its last good answer. A client asks for one name only.
#[derive(Clone)]
pub(super) struct Addresses {
    system: GaiResolver,
    last: Arc<Mutex<Found>>,
}

impl Addresses {
    pub(super) fn new() -> Self {
        Self {
            system: GaiResolver::new(),
            last: Arc::default(),
        }
    }
}

impl Service<Name> for Addresses {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Lookup;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Lookup {
        let (mut system, last) = (self.system.clone(), Arc::clone(&self.last));
        Box::pin(async move {
            let found = tokio::time::timeout(PATIENCE, system.call(name)).await;
            let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            keep(&mut last, found.map(Iterator::collect)).map(Vec::into_iter)
        })
    }
}

/// What was found, or else what was found before.
fn keep(last: &mut Found, found: io::Result<Found>) -> io::Result<Found> {
    match found {
        Ok(found) if !found.is_empty() => {
            last.clone_from(&found);
            Ok(found)
        }
        found if last.is_empty() => found,
        _ => Ok(last.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f10_the_last_good_answer_is_kept_and_a_new_one_takes_its_place() {
        let [first, second] = [1, 2].map(|port| vec![SocketAddr::from(([192, 0, 2, 1], port))]);
        let gone = || Err(io::ErrorKind::NotFound.into());
        let mut last = Found::new();
        assert!(keep(&mut last, gone()).is_err());
        assert_eq!(keep(&mut last, Ok(Found::new())).unwrap(), []);
        assert_eq!(keep(&mut last, Ok(first.clone())).unwrap(), first);
        assert_eq!(keep(&mut last, gone()).unwrap(), first);
        assert_eq!(keep(&mut last, Ok(Found::new())).unwrap(), first);
        assert_eq!(keep(&mut last, Ok(second.clone())).unwrap(), second);
        assert_eq!(keep(&mut last, gone()).unwrap(), second);
    }
}
