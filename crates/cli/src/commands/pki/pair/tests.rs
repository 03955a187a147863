use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;

fn read(pair: &Pair) -> (String, String) {
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    (text(&pair.certificate), text(&pair.key))
}

fn both(of: &str) -> (String, String) {
    (format!("certificate {of}"), format!("key {of}"))
}

fn write(pair: &Pair, of: &str) -> Option<PathBuf> {
    let (certificate, key) = both(of);
    pair.write(certificate.as_bytes(), key.as_bytes()).unwrap()
}

#[test]
fn wherever_a_run_stops_the_two_files_belong_together() {
    for generations in 1..4 {
        for stop in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let pair = Pair::of(&folder.path().join("tls"));
            for before in 0..generations {
                write(&pair, &before.to_string());
            }
            let old = both(&(generations - 1).to_string());
            let new = both("new");
            let steps = pair.steps(new.0.as_bytes(), new.1.as_bytes()).unwrap();
            let whole = steps.len();
            for step in steps.into_iter().take(stop) {
                step.take().unwrap();
                assert!([&old, &new].contains(&&read(&pair)));
            }
            // The next run ends it.
            write(&pair, "next");
            assert_eq!(read(&pair), both("next"), "{generations} {stop}");
            if stop == whole {
                break;
            }
        }
    }
}

#[test]
fn the_pair_before_is_kept_and_the_one_before_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::of(&folder.path().join("a.b"));
    assert_eq!(pair.certificate, folder.path().join("a.b.crt"));
    assert!(write(&pair, "1").is_none());
    assert!(!fs::symlink_metadata(&pair.key).unwrap().is_symlink());
    assert!(pair.may_be_written(false).is_err() && pair.may_be_written(true).is_ok());
    for of in ["2", "3", "4"] {
        let before = read(&pair);
        let kept = write(&pair, of).unwrap();
        assert_eq!(fs::read_to_string(kept.join("key")).unwrap(), before.1);
    }
    let kept = fs::read_dir(folder.path().join(".a.b.pair")).unwrap();
    assert_eq!(kept.count(), 4, "two generations and two links");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&pair.key), 0o600);
    assert_eq!(mode(&pair.store.join("current/key")), 0o600);
    // Whoever may read the certificate reaches it, and can't list what is beside it.
    for passable in [".a.b.pair", ".a.b.pair/4"] {
        assert_eq!(mode(&folder.path().join(passable)), 0o711);
    }
    assert_eq!(mode(&pair.certificate), 0o644);
    pair.remove().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn one_file_is_replaced_if_asked_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.crt");
    assert_eq!(
        write_one(&path, b"1", (Access::PUBLIC, false)).unwrap(),
        None
    );
    assert!(write_one(&path, b"2", (Access::PUBLIC, false)).is_err());
    let kept = write_one(&path, b"2", (Access::PUBLIC, true))
        .unwrap()
        .unwrap();
    assert_eq!(
        (fs::read(kept).unwrap(), fs::read(path).unwrap()),
        (b"1".to_vec(), b"2".to_vec())
    );
}

#[test]
fn who_could_read_a_key_still_can_and_older_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::of(&folder.path().join("tls"));
    write(&pair, "1");
    fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o640)).unwrap();
    write(&pair, "2");
    for of in ["3", "4"] {
        write(&pair, of);
        assert_eq!(fs::metadata(&pair.key).unwrap().mode() & 0o777, 0o640);
        // As a run leaves it that is stopped before its last step.
        fs::create_dir(pair.generation(0)).unwrap();
    }
    write(&pair, "5");
    let mut left: Vec<u32> = pair.generations().collect();
    left.sort_unstable();
    assert_eq!(left, [4, 5]);
    pair.forget().unwrap();
    assert_eq!(pair.generations().collect::<Vec<_>>(), [5]);
    assert_eq!(read(&pair), both("5"));
    // What was never replaced has nothing before it.
    let plain = Pair::of(&folder.path().join("plain"));
    write(&plain, "1");
    plain.forget().unwrap();
    assert_eq!(read(&plain), both("1"));
}

#[test]
fn what_can_not_be_read_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.crt");
    symlink("nowhere", &path).unwrap();
    assert!(write_one(&path, b"1", (Access::PUBLIC, false)).is_err());
    assert!(write_one(&path, b"1", (Access::PUBLIC, true)).is_err());
    assert!(path.is_symlink());
}

#[test]
fn a_link_says_nothing_of_who_may_read_a_new_key_and_leads_nowhere() {
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let everybodys = folder.path().join("everybodys");
    fs::write(&everybodys, "").unwrap();
    fs::set_permissions(&everybodys, fs::Permissions::from_mode(0o666)).unwrap();
    let pair = Pair::of(&folder.path().join("tls"));
    symlink(&everybodys, &pair.key).unwrap();
    write(&pair, "1");
    assert_eq!(mode(&pair.key), 0o600);
    assert_eq!(mode(&everybodys), 0o666);
    // As somebody left it who was in a hurry: the next one is for its group at most.
    fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o644)).unwrap();
    write(&pair, "2");
    assert_eq!(mode(&pair.key), 0o640);

    let victim = folder.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o700)).unwrap();
    let pair = Pair::of(&folder.path().join("other"));
    write(&pair, "1");
    symlink(&victim, &pair.store).unwrap();
    let (certificate, key) = both("2");
    let refused = pair.write(certificate.as_bytes(), key.as_bytes());
    assert!(refused.unwrap_err().render().contains("is no folder"));
    assert_eq!(read(&pair), both("1"));
    assert_eq!(
        (mode(&victim), fs::read_dir(&victim).unwrap().count()),
        (0o700, 0)
    );
}
