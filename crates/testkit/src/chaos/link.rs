//! One direction of one connection.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::Severed;
use super::weather::{Arrivals, Link, Weather};

/// The connection ends with a reset.
#[derive(Debug)]
pub(super) struct Broken;

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// What one direction has to know.
pub(super) struct End {
    /// From the client to the server.
    pub(super) up: bool,
    pub(super) number: u64,
    pub(super) weather: watch::Receiver<Weather>,
    pub(super) severed: watch::Receiver<Severed>,
}

/// Small enough that a rate of some kilobytes a second is smooth.
const CHUNK: usize = 4 * 1024;
/// Chunks that may be under way: a delay is a longer line, not a slower one.
const UNDER_WAY: usize = 1024;

/// Carries bytes until the sender ends.
pub(super) async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    end: End,
) -> Result<(), Broken> {
    let (sent, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let reading = async {
        let mut buffer = [0; CHUNK];
        loop {
            let length = from.read(&mut buffer).await?;
            let chunk = buffer.get(..length).unwrap_or_default().to_vec();
            // An empty one is the end of the stream, which travels as the bytes do.
            if sent.send((Instant::now(), chunk)).await.is_err() || length == 0 {
                return Ok::<(), Broken>(());
            }
        }
    };
    let writing = async {
        let mut end = end;
        let mut passed = 0;
        while let Some((at, mut chunk)) = arriving.recv().await {
            sleep_until(at + end.link().delay).await;
            end.fair().await;
            if end.link().drop {
                if chunk.is_empty() {
                    // Nor does the other side ever learn of the end.
                    return std::future::pending().await;
                }
                continue;
            }
            let limit = end.limit();
            if limit.is_some_and(|limit| passed + chunk.len() >= limit) {
                chunk.truncate(limit.unwrap_or_default().saturating_sub(passed));
                to.write_all(&chunk).await?;
                return Err(Broken);
            }
            passed += chunk.len();
            if chunk.is_empty() {
                to.shutdown().await?;
                return Ok(());
            }
            to.write_all(&chunk).await?;
            if let Some(rate) = end.link().rate {
                let length = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
                sleep(Duration::from_secs(1) * length / rate).await;
            }
        }
        Ok(())
    };
    tokio::try_join!(reading, writing)?;
    Ok(())
}

impl End {
    fn link(&self) -> Link {
        let weather = *self.weather.borrow();
        if self.up { weather.up } else { weather.down }
    }

    /// How much of an answer passes.
    fn limit(&self) -> Option<usize> {
        let limit = self.weather.borrow().answer_limit;
        limit.filter(|_| !self.up)
    }

    /// Waits while nothing moves: for ever, if the connection was left half-open.
    async fn fair(&mut self) {
        if self.severed.borrow().frozen >= self.number {
            return std::future::pending().await;
        }
        let number = self.number;
        let (weather, severed) = (&mut self.weather, &mut self.severed);
        let moving = async {
            weather
                .wait_for(|now| now.arrivals != Arrivals::Hang)
                .await
                .is_ok()
        };
        let frozen = async { severed.wait_for(|now| now.frozen >= number).await.is_ok() };
        let moves = tokio::select! {
            moves = moving => moves,
            _ = frozen => false,
        };
        if !moves {
            std::future::pending::<()>().await;
        }
    }
}
