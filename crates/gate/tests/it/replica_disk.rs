//! Restarts, damaged disks, full disks, clocks: rows F1, F2, F16, F24, F37–F42.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aeolus_gate::replica::fs::{Entry, Fs, SystemFs};
use aeolus_gate::replica::{Alarms, Data, DataError};
use aeolus_model::Clock as _;

use crate::replica::{
    Boot, NOW, ORGANIZATION, at, bits, enrolled, fresh, freshness_by, key, open, open_with,
    published, seq, take,
};

/// A file system whose writing operations fail from the n-th one on.
struct Failing {
    left: AtomicUsize,
    only: Option<&'static str>,
}

impl Failing {
    fn after(steps: usize) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(steps),
            only: None,
        })
    }

    fn always(only: &'static str) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(0),
            only: Some(only),
        })
    }

    fn recover(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
    }

    fn step(&self, name: &str) -> io::Result<()> {
        if self.only.is_some_and(|only| only != name) {
            return Ok(());
        }
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(io::Error::other("injected"));
        }
        self.left.store(left - 1, Ordering::SeqCst);
        Ok(())
    }
}

impl Fs for Failing {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        SystemFs.read(path)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        // What a crash leaves of a write: half of it.
        self.step("write").inspect_err(|_| {
            let _ = SystemFs.write(path, &bytes[..bytes.len() / 2]);
        })?;
        SystemFs.write(path, bytes)
    }
    fn sync(&self, path: &Path) -> io::Result<()> {
        self.step("sync")?;
        SystemFs.sync(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename")?;
        SystemFs.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step("remove")?;
        SystemFs.remove(path)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step("create_dir")?;
        SystemFs.create_dir(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        SystemFs.list(path)
    }
    fn inspect(&self, path: &Path) -> io::Result<Entry> {
        SystemFs.inspect(path)
    }
}

async fn gate_at(positions: &[u64]) -> (tempfile::TempDir, PathBuf) {
    let folder = enrolled().await;
    let path = folder.path().join("gate");
    for position in positions {
        let replica = open(&path);
        take(&replica, &published(*position)).unwrap();
        replica.take_freshness(&fresh(*position)).unwrap();
        replica.persist().unwrap();
    }
    (folder, path)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn f1_a_restart_without_control_serves_from_disk() {
    let (_folder, path) = gate_at(&[4]).await;
    let replica = open(&path);
    assert_eq!(replica.current().unwrap().world.0, ["at-4"]);
    assert_eq!(replica.age(), Some(Duration::ZERO));
    assert_eq!(replica.alarms(), Alarms::default());
}

#[tokio::test]
async fn f1_a_manifest_past_its_end_still_loads_and_is_as_old_as_it_is() {
    let (_folder, path) = gate_at(&[4]).await;
    let days = Duration::from_secs(10 * 86_400);
    let replica = open_with(&path, Arc::new(SystemFs), NOW.plus(days), Arc::default());
    assert_eq!(seq(&replica), Some(4));
    assert_eq!(replica.age(), Some(days));
}

#[tokio::test]
async fn controls_last_word_survives_any_number_of_restarts() {
    let (_folder, path) = gate_at(&[4]).await;
    let hour = NOW.plus(Duration::from_secs(3600));
    let replica = open(&path);
    let said = freshness_by(&key("snapshot"), 4, hour);
    replica.take_freshness(&said).unwrap();
    replica.persist().unwrap();
    for _ in 0..3 {
        let replica = open_with(&path, Arc::new(SystemFs), hour, Arc::default());
        assert_eq!(replica.age(), Some(Duration::ZERO));
        replica.persist().unwrap();
    }
}

#[tokio::test]
async fn f2_without_a_snapshot_nothing_is_in_force() {
    let (_folder, path) = gate_at(&[]).await;
    let replica = open(&path);
    assert!(replica.current().is_none());
    assert_eq!(replica.age(), None);
    assert_eq!(replica.after(), None);
}

#[tokio::test]
async fn f24_an_older_copy_is_below_the_floor() {
    let (folder, path) = gate_at(&[4, 5]).await;
    let older = folder.path().join("older");
    copy(&path.join("replica"), &older);
    let replica = open(&path);
    for position in [6, 7] {
        take(&replica, &published(position)).unwrap();
        replica.persist().unwrap();
    }
    // Both generations are set back, the floor is not.
    for generation in ["a", "b"] {
        fs::remove_dir_all(path.join("replica").join(generation)).unwrap();
        copy(
            &older.join(generation),
            &path.join("replica").join(generation),
        );
    }
    let replica = open(&path);
    assert_eq!(seq(&replica), None);
    assert_eq!(replica.alarms().refused.as_deref(), Some("rollback"));
    // The network can't go below it either.
    assert!(take(&replica, &published(6)).is_err());
    assert!(take(&replica, &published(8)).is_ok());
}

#[tokio::test]
async fn f24_with_its_marks_gone_too_it_serves_but_is_suspect() {
    let (_folder, path) = gate_at(&[4, 5]).await;
    for mark in ["floor", "time"] {
        let (_folder, path) = gate_at(&[4, 5]).await;
        fs::remove_file(path.join("replica").join(mark)).unwrap();
        let replica = open(&path);
        assert_eq!(seq(&replica), Some(5));
        assert!(replica.alarms().suspect);
        assert_eq!(replica.age(), None);
        // Control's word ends the suspicion, and the mark is written again.
        replica.take_freshness(&fresh(5)).unwrap();
        assert_eq!(replica.age(), Some(Duration::ZERO));
        replica.persist().unwrap();
        assert!(!open(&path).alarms().suspect);
    }
    // Turned back together, age still counts from what was signed.
    let late = NOW.plus(Duration::from_secs(86_400));
    let replica = open_with(&path, Arc::new(SystemFs), late, Arc::default());
    assert_eq!(replica.age(), Some(Duration::from_secs(86_400)));
}

#[tokio::test]
async fn f37_a_write_that_stops_at_any_step_leaves_the_old_or_the_new() {
    let mut stopped = 0;
    for steps in 0.. {
        let (_folder, path) = gate_at(&[4, 5]).await;
        let failing = Failing::after(steps);
        let replica = open_with(&path, failing, NOW, Arc::default());
        take(&replica, &published(6)).unwrap();
        let result = replica.persist();
        assert_eq!(
            replica.current().unwrap().world.0,
            ["at-6"],
            "memory has it"
        );
        let after = seq(&open(&path));
        if result.is_ok() {
            assert_eq!(after, Some(6));
            break;
        }
        assert!(matches!(after, Some(5 | 6)), "step {steps}: {after:?}");
        stopped += 1;
    }
    assert!(stopped > 10, "{stopped} steps were tried");
}

#[tokio::test]
async fn f38_a_flipped_or_cut_byte_anywhere_loads_the_previous_generation() {
    let (_folder, path) = gate_at(&[4, 5]).await;
    let replica = path.join("replica");
    let newest = ["a", "b"].map(|g| replica.join(g));
    let mut tried = 0;
    for file in files(&replica) {
        let good = fs::read(&file).unwrap();
        let in_newest = file.starts_with(&newest[1]);
        for offset in 0..good.len() {
            let mut flipped = good.clone();
            flipped[offset] ^= 0x40;
            for bad in [flipped, good[..offset].to_vec()] {
                fs::write(&file, &bad).unwrap();
                let loaded = open(&path);
                let current = loaded
                    .current()
                    .unwrap_or_else(|| panic!("{}", file.display()));
                let revocations = current.missing_revocations.contains(&ORGANIZATION);
                let position = current.manifest.position.seq;
                // Damage is passed over, never believed: the world is that of a whole generation,
                // or the organization without its revocations is denied.
                assert!(
                    position == 5 || (position == 4 && in_newest),
                    "{}",
                    file.display()
                );
                assert_eq!(current.world.0, [format!("at-{position}")]);
                let expected = if revocations {
                    Vec::new()
                } else {
                    vec![bits(position); 8]
                };
                assert_eq!(current.world.1, expected);
                assert!(
                    position == 5 || loaded.alarms().suspect,
                    "something newer was known"
                );
                if !in_newest {
                    assert!(position == 5 && !revocations);
                }
                tried += 1;
            }
        }
        fs::write(&file, good).unwrap();
    }
    assert!(tried > 3000, "{tried}");
    assert_eq!(seq(&open(&path)), Some(5));
}

#[tokio::test]
async fn f39_f40_a_failing_disk_keeps_memory_and_the_floor_and_recovers() {
    for operation in ["write", "sync", "rename"] {
        let (_folder, path) = gate_at(&[4]).await;
        let failing = Failing::always(operation);
        let replica = open_with(&path, failing.clone(), NOW, Arc::default());
        take(&replica, &published(5)).unwrap();
        assert!(replica.persist().is_err());
        assert_eq!(replica.current().unwrap().world.0, ["at-5"]);
        assert_eq!(replica.alarms().disk.as_deref(), Some("injected"));
        assert_eq!(seq(&open(&path)), Some(4), "the floor did not move");

        failing.recover();
        replica.persist().unwrap();
        assert_eq!(replica.alarms().disk, None);
        assert_eq!(seq(&open(&path)), Some(5));
    }
}

#[tokio::test]
async fn f41_a_read_only_disk_boots_and_serves() {
    let (_folder, path) = gate_at(&[4]).await;
    let replica = open_with(&path, Failing::after(0), NOW, Arc::default());
    assert_eq!(seq(&replica), Some(4));
    assert_eq!(replica.age(), Some(Duration::ZERO));
    assert!(replica.persist().is_err());
    assert!(replica.alarms().disk.is_some());
}

#[tokio::test]
async fn f42_files_that_others_could_touch_are_refused() {
    let cases = [
        ("identity.key", 0o640),
        ("secret.json", 0o604),
        ("root.json", 0o622),
        ("gate.json", 0o602),
        (".", 0o777),
        ("replica", 0o777),
    ];
    for (name, mode) in cases {
        let (_folder, path) = gate_at(&[4]).await;
        assert!(Data::open(&path, Arc::new(SystemFs)).is_ok());
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(mode)).unwrap();
        let opened = Data::open(&path, Arc::new(SystemFs));
        assert!(matches!(opened, Err(DataError::Exposed(_))), "{name}");
    }
    for name in ["identity.key", "secret.json", "root.json", "gate.json"] {
        let (folder, path) = gate_at(&[4]).await;
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(path.join(name), &elsewhere).unwrap();
        symlink(&elsewhere, path.join(name)).unwrap();
        let opened = Data::open(&path, Arc::new(SystemFs));
        assert!(matches!(opened, Err(DataError::Exposed(_))), "{name}");
    }
    let (_folder, path) = gate_at(&[4]).await;
    for name in ["identity.key", "secret.json", "replica/floor"] {
        let mode = fs::metadata(path.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn f16_hours_in_a_freezer_count_at_the_first_look() {
    let (_folder, path) = gate_at(&[4]).await;
    let boot = Arc::new(Boot::default());
    let replica = open_with(&path, Arc::new(SystemFs), NOW, boot.clone());
    assert_eq!(replica.age(), Some(Duration::ZERO));
    boot.0.fetch_add(7_200, Ordering::SeqCst);
    assert_eq!(replica.age(), Some(Duration::from_secs(7_200)));
    assert_eq!(replica.clock().now(), NOW.plus(Duration::from_secs(7_200)));
}

#[tokio::test]
async fn f34_a_wall_clock_that_fell_behind_is_suspect_until_control_speaks() {
    let (_folder, path) = gate_at(&[4]).await;
    let behind = NOW.minus(Duration::from_secs(3600));
    let boot = Arc::new(Boot::default());
    let replica = open_with(&path, Arc::new(SystemFs), behind, boot.clone());
    assert_eq!(seq(&replica), Some(4));
    assert_eq!(replica.age(), None);
    assert_eq!(replica.clock().now(), NOW);
    // What was signed in the last second that is known may have been said before.
    replica.take_freshness(&fresh(4)).unwrap();
    assert_eq!(replica.age(), None);
    let later = NOW.plus(Duration::from_secs(1));
    let word = freshness_by(&key("snapshot"), 4, later);
    replica.take_freshness(&word).unwrap();
    boot.0.fetch_add(90, Ordering::SeqCst);
    assert_eq!(replica.age(), Some(Duration::from_secs(90)));
}

#[tokio::test]
async fn unchanged_content_is_not_written_again_and_old_content_is_swept() {
    let (_folder, path) = gate_at(&[4, 5, 6, 7]).await;
    for generation in ["a", "b"] {
        let blobs = files(&path.join("replica").join(generation).join("blobs"));
        let wanted = published(7).blobs.len();
        assert_eq!(blobs.len(), wanted, "{generation}");
    }
    assert_eq!(open(&path).after().map(|held| held.position), Some(at(7)));
}
