//! Shadow: a sample of requests is decided on the other path too, after they were answered.

use std::sync::{Arc, Mutex};

use aeolus_api::plane::CheckRequest;
use aeolus_decide::{Flag, Reason};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;

use super::Rollouts;
use crate::replica::lock;

/// Questions that wait to be asked; more are dropped, and counted.
const WAITING: usize = 256;
/// Questions that control is asked at the same time.
const AT_ONCE: usize = 4;

/// A question, and what the gate decided itself: none is an allowance.
pub(crate) struct Shadowed {
    pub(crate) flag: Arc<Flag>,
    pub(crate) plane: Option<Reason>,
    pub(crate) question: CheckRequest,
}

/// Questions on their way to control.
pub(super) struct Queue {
    sender: Sender<Box<Shadowed>>,
    receiver: Mutex<Option<Receiver<Box<Shadowed>>>>,
}

impl Default for Queue {
    fn default() -> Self {
        let (sender, receiver) = channel(WAITING);
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

/// Whether the next of a share is one to look at, after so many: evenly spread.
pub(super) const fn picks(percent: u8, before: u64) -> bool {
    let percent = percent as u64;
    let within = before % 100;
    (within + 1) * percent / 100 != within * percent / 100
}

impl Rollouts {
    /// Has a question asked some time soon.
    pub(super) fn shadow(&self, shadowed: Shadowed) {
        if let Err(full) = self.queue.sender.try_send(Box::new(shadowed)) {
            let flag = &full.into_inner().flag;
            if let Some(tally) = self.tally(flag) {
                tally.uncompared();
            }
        }
    }

    /// Asks what is in the queue until told to stop. To be run once.
    pub(crate) async fn compare(self: Arc<Self>, stop: CancellationToken) {
        let Some(receiver) = lock(&self.queue.receiver).take() else {
            return;
        };
        let receiver = tokio::sync::Mutex::new(receiver);
        let worker = || async {
            loop {
                let next = async { receiver.lock().await.recv().await };
                let Some(shadowed) = stop.run_until_cancelled(next).await.flatten() else {
                    return;
                };
                self.compared(&shadowed).await;
            }
        };
        let workers: [_; AT_ONCE] = std::array::from_fn(|_| worker());
        let [a, b, c, d] = workers;
        tokio::join!(a, b, c, d);
    }

    async fn compared(&self, shadowed: &Shadowed) {
        let central = self.ask(&shadowed.question).await;
        let Some(tally) = self.tally(&shadowed.flag) else {
            return;
        };
        if central == Some(Reason::CentralUnanswered) {
            tally.uncompared();
        } else {
            tally.compared(shadowed.plane, central);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o4_a_share_is_spread_evenly() {
        for percent in [0, 1, 10, 33, 50, 99, 100] {
            let picked = (0..1_000).filter(|n| picks(percent, *n)).count();
            assert_eq!(picked, usize::from(percent) * 10, "{percent}");
        }
    }
}
