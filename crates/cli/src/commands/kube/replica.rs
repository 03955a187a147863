//! What a gate's data folder says to a program beside the gate: read, and verified, as the gate does it at its start.
//! Nothing in the folder is written.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::Period;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, Parts, Replica, SystemBootClock};
use aeolus_model::{Clock, PlaneId};
use aeolus_snapshot::Position;
use aeolus_snapshot::section::Certificates;

use crate::commands::gate::unusable;
use crate::report::{Failure, Report};

/// The section that certificates are in, and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    /// Of which plane.
    pub(super) plane: PlaneId,
    /// Of which position of control's feed.
    pub(super) position: Position,
    /// How long ago it was the newest, as far as control has said.
    pub(super) age: Duration,
    /// What it says.
    pub(super) certificates: Certificates,
}

/// A gate that writes meanwhile replaces one of its two generations at a time: a reader that saw half of each looks
/// again.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(200);

/// Reads the folder. It is refused as a whole where the gate would refuse it: of another plane, not signed by whom
/// the root document names, damaged, older than what was there before; and where it is older than `max_age`. `wall` is
/// asked once, and never believed below a time that control has signed.
pub(super) async fn read(
    folder: &Path,
    max_age: Duration,
    wall: &Arc<dyn Clock>,
) -> Result<Held, Failure> {
    let mut looks = 0;
    loop {
        looks += 1;
        let (folder, wall) = (folder.to_owned(), Arc::clone(wall));
        let looked = tokio::task::spawn_blocking(move || look(&folder, max_age, wall));
        let looked = looked.await.unwrap_or_else(|error| Err(cut_off(&error)));
        match looked {
            Err(_) if looks < LOOKS => tokio::time::sleep(BETWEEN).await,
            looked => return looked,
        }
    }
}

fn look(folder: &Path, max_age: Duration, wall: Arc<dyn Clock>) -> Result<Held, Failure> {
    let data = Data::open(folder, Arc::new(SystemFs)).map_err(|error| unusable(&error))?;
    let parts = Parts {
        wall,
        boot: Arc::new(SystemBootClock),
        revise: None,
        build: Box::new(|snapshot| snapshot.sections().certificates.clone()),
    };
    let replica: Replica<Certificates> = Replica::open(&data, parts);
    let age = replica.age();
    let (Some(loaded), Some(age)) = (replica.current(), age) else {
        return Err(match replica.alarms().refused {
            Some(why) => refused(folder, &why),
            None if replica.current().is_none() => none_yet(folder),
            None => doubtful(),
        });
    };
    if age > max_age {
        return Err(stale(age, max_age));
    }
    Ok(Held {
        plane: data.settings.plane,
        position: loaded.manifest.position,
        age,
        certificates: loaded.world.clone(),
    })
}

fn none_yet(folder: &Path) -> Failure {
    let what = format!("the gate of {} has no snapshot yet", folder.display());
    Report::new("KUBE-101", what)
        .why(
            "It has not reached control since it was enrolled. Nothing was changed in the cluster.",
        )
        .help("start the gate, and look at its log and at `aeolus plane show`")
        .failed()
}

/// `why` is the gate's own word for it: `signature`, `other_plane`, `rollback` and so on.
fn refused(folder: &Path, why: &str) -> Failure {
    let what = format!("the snapshot in {} is refused: {why}", folder.display());
    Report::new("KUBE-102", what)
        .why("Its files are damaged, another plane's or older than what was there. The gate refuses them too. Nothing was changed in the cluster.")
        .help("let the gate reach control: it fetches the whole again. If it doesn't heal by that, somebody has changed the folder")
        .failed()
}

fn doubtful() -> Failure {
    Report::new("KUBE-103", "how old the gate's snapshot is can't be told")
        .why("The wall clock is behind what control has signed, or the newest snapshot was damaged: something newer may have been known. Nothing was changed in the cluster.")
        .help("set the clock, and let the gate reach control")
        .failed()
}

fn stale(age: Duration, max_age: Duration) -> Failure {
    let (age, max_age) = (whole(age), whole(max_age));
    Report::new("KUBE-104", format!("the gate's snapshot is {age} old, and at most {max_age} are wanted"))
        .why("Control may have another key by now. Nothing was changed in the cluster, which keeps the certificate that it has.")
        .help("let the gate reach control, or give --max-age")
        .failed()
}

fn whole(period: Duration) -> Period {
    let secs = period.as_secs();
    let unit = [86_400, 3_600, 60].into_iter().find(|unit| secs >= *unit);
    Period::from_secs(unit.map_or(secs, |unit| secs / unit * unit))
}

fn cut_off(error: &tokio::task::JoinError) -> Failure {
    Report::new("RUN-0005", format!("the folder could not be read: {error}")).failed()
}

#[cfg(test)]
mod tests;
