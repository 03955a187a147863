//! How an operator on the gate's machine and the gate speak: two files in the gate's folder, so that a
//! rehearsal needs no network, no port and nobody's leave but the file system's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::Period;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Report;
use crate::again::again;
use crate::gate::Gate;
use crate::replica::fs::{Fs, replace};

const ORDER: &str = "drill.json";
const REPORT: &str = "drill-report.json";
/// Nothing that makes sense is longer.
const LONGEST: Duration = Duration::from_hours(24 * 30);
const LOOK: Duration = Duration::from_secs(1);

/// What is to be rehearsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Order {
    /// Random: the report that answers it has the same.
    pub id: String,
    /// How long control is taken to be gone.
    pub outage: Period,
    /// How long traffic is watched. Shorter than the outage: its time passes faster.
    pub lasts: Period,
}

/// Why there is no order or report.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The file can't be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// It makes no sense.
    #[error("{path}: {why}")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// The two files of one gate's folder.
#[derive(Clone)]
pub struct Orders {
    folder: PathBuf,
    fs: Arc<dyn Fs>,
}

impl Orders {
    /// In a gate's folder.
    pub fn of(folder: &Path, fs: Arc<dyn Fs>) -> Self {
        let folder = folder.to_owned();
        Self { folder, fs }
    }

    /// Asks for a rehearsal.
    pub fn give(&self, order: &Order) -> Result<(), DrillError> {
        self.sane(order)?;
        self.write(ORDER, order)
    }

    /// Whether the gate has not begun with an order yet.
    pub fn is_waiting(&self) -> bool {
        self.fs.read(&self.folder.join(ORDER)).is_ok()
    }

    /// Takes an order back that no gate has begun with.
    pub fn take_back(&self) {
        let _ = self.fs.remove(&self.folder.join(ORDER));
    }

    /// The last report.
    pub fn report(&self) -> Result<Option<Report>, DrillError> {
        self.read(REPORT)
    }

    /// The order that waits. It is gone afterwards, whatever it says, so that each begins once.
    pub(crate) fn next(&self) -> Result<Option<Order>, DrillError> {
        let read: Result<Option<Order>, _> = self.read(ORDER);
        if matches!(read, Ok(None)) {
            return Ok(None);
        }
        let path = self.folder.join(ORDER);
        let removed = self.fs.remove(&path);
        let order = read?;
        removed.map_err(|error| DrillError::File {
            path: path.clone(),
            error,
        })?;
        if let Some(order) = &order {
            self.sane(order)?;
        }
        Ok(order)
    }

    fn sane(&self, order: &Order) -> Result<(), DrillError> {
        let sane = |period: Period| (1..=LONGEST.as_secs()).contains(&period.as_secs());
        if sane(order.outage) && sane(order.lasts) {
            return Ok(());
        }
        Err(DrillError::Malformed {
            path: self.folder.join(ORDER),
            why: "a rehearsal is of one second to 30 days".to_owned(),
        })
    }

    pub(crate) fn answer(&self, report: &Report) -> Result<(), DrillError> {
        self.write(REPORT, report)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DrillError> {
        let path = self.folder.join(name);
        let bytes = match self.fs.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DrillError::File { path, error }),
        };
        match serde_json::from_slice(&bytes) {
            Ok(read) => Ok(Some(read)),
            Err(error) => Err(DrillError::Malformed {
                path,
                why: error.to_string(),
            }),
        }
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), DrillError> {
        let path = self.folder.join(name);
        let bytes = serde_json::to_vec_pretty(value).map_err(|error| DrillError::Malformed {
            path: path.clone(),
            why: error.to_string(),
        })?;
        replace(&*self.fs, &path, &bytes).map_err(|error| DrillError::File { path, error })
    }
}

/// Looks for orders and answers those whose time is over, until told to stop.
pub(crate) async fn watch(gate: Arc<Gate>, orders: Orders, stop: CancellationToken) {
    let work = move || {
        if let Err(error) = look(&gate, &orders) {
            tracing::error!(%error, "a rehearsal of an outage can't go on");
        }
    };
    again(LOOK, "rehearsals of an outage", work, stop).await;
}

fn look(gate: &Gate, orders: &Orders) -> Result<(), DrillError> {
    let now = gate.knowledge.now();
    if let Some(drill) = gate.drills.over() {
        let report = drill.report(gate.knowledge.world().as_deref(), now);
        tracing::info!(
            allowed = report.allowed,
            would_refuse = report.would_refuse,
            "the rehearsal of an outage is over"
        );
        orders.answer(&report)?;
    }
    if let Some(order) = orders.next()? {
        tracing::info!(
            outage = %order.outage,
            lasts = %order.lasts,
            "a rehearsal of an outage begins; every answer stays the real one"
        );
        gate.drills.begin(order, now);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::fs::SystemFs;

    fn orders(folder: &tempfile::TempDir) -> Orders {
        Orders::of(folder.path(), Arc::new(SystemFs))
    }

    fn order(outage: u64, lasts: u64) -> Order {
        Order {
            id: "a".to_owned(),
            outage: Period::from_secs(outage),
            lasts: Period::from_secs(lasts),
        }
    }

    #[test]
    fn an_order_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let orders = orders(&folder);
        assert_eq!(orders.next().unwrap(), None);
        orders.give(&order(60, 6)).unwrap();
        assert!(orders.is_waiting());
        assert_eq!(orders.next().unwrap(), Some(order(60, 6)));
        assert!(!orders.is_waiting());
        assert_eq!(orders.next().unwrap(), None);
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused_and_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let orders = orders(&folder);
        for bad in [order(0, 6), order(60, 0), order(60, 31 * 86_400)] {
            let given = orders.give(&bad);
            assert!(matches!(given, Err(DrillError::Malformed { .. })));
            orders.write(ORDER, &bad).unwrap();
            assert!(matches!(orders.next(), Err(DrillError::Malformed { .. })));
            assert!(!orders.is_waiting());
        }
        for bad in [
            "",
            "{}",
            r#"{"id":"a","outage":"1h","lasts":"1h","more":1}"#,
        ] {
            std::fs::write(folder.path().join(ORDER), bad).unwrap();
            assert!(matches!(orders.next(), Err(DrillError::Malformed { .. })));
            assert!(!orders.is_waiting(), "{bad}");
        }
    }
}
