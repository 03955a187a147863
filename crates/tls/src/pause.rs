//! Accepting where the system has nothing left for another connection (row F55).

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use crate::listener::{Connection, Listener};

/// How long to leave the system alone when it is out of descriptors or memory: longer each time.
#[derive(Debug)]
pub struct Pause {
    next: Duration,
    failed: u64,
}

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

impl Default for Pause {
    fn default() -> Self {
        Self {
            next: SHORTEST,
            failed: 0,
        }
    }
}

impl Pause {
    /// The next connection. A shortage is waited out, and only its first failure and the recovery are
    /// logged; a connection that is lost by itself is passed over at once.
    pub async fn accept(&mut self, listener: &Listener) -> Connection {
        loop {
            match listener.accept().await {
                Ok(connection) => {
                    if self.failed > 0 {
                        tracing::info!(failed = self.failed, "connections are accepted again");
                        *self = Self::default();
                    }
                    return connection;
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    if self.failed == 0 {
                        tracing::error!(
                            %error,
                            "no connection can be accepted; if descriptors ran out, raise the limit (ulimit -n) \
                             or let fewer connections in"
                        );
                    }
                    self.failed += 1;
                    sleep(self.next).await;
                    self.next = (self.next * 2).min(LONGEST);
                }
            }
        }
    }
}

/// Whether only this one connection is lost: its other end went away before we got to it.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::Interrupted
            | io::ErrorKind::InvalidInput
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f55_only_what_more_connections_would_meet_too_is_waited_for() {
        assert!(is_of_the_connection(&io::ErrorKind::ConnectionReset.into()));
        // EMFILE.
        assert!(!is_of_the_connection(&io::Error::from_raw_os_error(24)));
    }
}
