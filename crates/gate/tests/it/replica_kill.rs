//! Row F37 with real processes: a writer that is killed, over and over.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

use crate::replica::{enrolled, open, published, seq, take};

const MARKER: &str = "write-until-killed";

/// The child's part: this very test binary, started in a folder that holds the marker. Anywhere else
/// there is nothing to write.
#[test]
fn f37_child() {
    if !Path::new(MARKER).exists() {
        return;
    }
    let replica = open(Path::new("gate"));
    let from = seq(&replica).unwrap_or(0);
    for position in from + 1.. {
        take(&replica, &published(position)).unwrap();
        replica.persist().unwrap();
    }
}

#[tokio::test]
async fn f37_killing_the_writer_leaves_the_old_or_the_new() {
    let folder = enrolled().await;
    std::fs::write(folder.path().join(MARKER), "").unwrap();
    let program = std::env::current_exe().unwrap();
    let mut highest = 0;
    for round in 0_u64..40 {
        let mut child = Command::new(&program)
            .args(["replica_kill::f37_child", "--exact"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // Once it writes, at another moment of its writing in each round.
        let floor = folder.path().join("gate/replica/floor");
        let before = std::fs::read(&floor).ok();
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::fs::read(&floor).ok() == before {
            assert!(Instant::now() < deadline, "the writer doesn't write");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(round * 700)).await;
        child.kill().await.unwrap();
        let replica = open(&folder.path().join("gate"));
        let now = seq(&replica).unwrap_or(0);
        assert!(now >= highest, "{now} after {highest}");
        let current = replica.current();
        assert!(current.is_none_or(|c| c.world.0 == [format!("at-{now}")]));
        highest = now;
    }
    assert!(
        highest > 40,
        "the writer was killed while it wrote: {highest}"
    );
}
