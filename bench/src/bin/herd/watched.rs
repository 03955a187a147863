//! Control over HTTP, with a line of output for each call and for each new position.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::plane::{
    EnrollAnswer, EnrollRequest, EventsAnswer, ManifestAnswer, RenewAnswer, RenewRequest, Status,
};
use aeolus_gate::replica::{
    self, ApiControl, BootClock as _, Control, ControlError, Replica, SystemBootClock,
};
use aeolus_model::SessionId;
use aeolus_snapshot::{Digest, Position};
use serde_json::{Value, json};

use crate::Held;

/// One gate's control. Times are nanoseconds of the machine's boot clock, which the program that
/// changes things reads too.
pub(crate) struct Watched {
    gate: u32,
    control: ApiControl,
    replica: Arc<Replica<Held>>,
    seen: Mutex<Option<Position>>,
}

impl Watched {
    pub(crate) const fn new(gate: u32, control: ApiControl, replica: Arc<Replica<Held>>) -> Self {
        Self {
            gate,
            control,
            replica,
            seen: Mutex::new(None),
        }
    }

    /// Says what is in force, if that is new. A gate asks for more as soon as it has taken what it
    /// got, so this comes at once, and never before it is true.
    fn say_position(&self) {
        let loaded = self.replica.peek();
        let Some(loaded) = loaded.as_ref() else {
            return;
        };
        let position = loaded.manifest.position;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.replace(position) != Some(position) {
            say(&json!({
                "gate": self.gate,
                "at": now(),
                "epoch": position.epoch,
                "seq": position.seq,
                "records": loaded.manifest.records(),
                "revoked": loaded.world.revoked,
            }));
        }
    }

    async fn timed<T>(
        &self,
        (name, wait): (&str, Duration),
        call: impl Future<Output = Result<T, ControlError>> + Send,
    ) -> Result<T, ControlError> {
        let started = now();
        let answer = call.await;
        say(&json!({
            "gate": self.gate,
            "at": started,
            "call": name,
            "wait": wait.as_secs(),
            "took": now().saturating_sub(started),
            "error": answer.as_ref().err().map_or(Value::Null, |error| error.to_string().into()),
        }));
        answer
    }
}

impl Control for Watched {
    async fn manifest(
        &self,
        after: Option<replica::Held>,
        wait: Duration,
        root: u64,
    ) -> Result<ManifestAnswer, ControlError> {
        self.say_position();
        let call = self.control.manifest(after, wait, root);
        self.timed(("manifest", wait), call).await
    }

    async fn section(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, ControlError> {
        let call = self.control.section(digest, limit);
        self.timed(("section", Duration::ZERO), call).await
    }

    async fn events(&self, key: &str, ndjson: Vec<u8>) -> Result<EventsAnswer, ControlError> {
        let call = self.control.events(key, ndjson);
        self.timed(("events", Duration::ZERO), call).await
    }

    async fn status(&self, status: &Status) -> Result<(), ControlError> {
        let call = self.control.status(status);
        self.timed(("status", Duration::ZERO), call).await
    }

    async fn renew(
        &self,
        session: SessionId,
        request: &RenewRequest,
    ) -> Result<RenewAnswer, ControlError> {
        self.control.renew(session, request).await
    }

    async fn enroll(&self, request: &EnrollRequest) -> Result<EnrollAnswer, ControlError> {
        self.control.enroll(request).await
    }
}

fn now() -> u64 {
    u64::try_from(SystemBootClock.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn say(line: &Value) {
    // Nobody who listens is a reason to go on in silence.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
