//! Rotating a plane's secret on a machine whose clock is wrong.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, Parts, Replica, SystemBootClock};
use aeolus_model::{Clock, SystemClock, Time};

use crate::program::aeolus;

const FLEET: &str = r"
version: 1
planes: [{name: local, authHost: localhost}]
connections: [{name: local, type: local}]
organizations:
  - name: acme
    workspaces:
      - name: sales
        deployments:
          - {name: etl, plane: local, hosts: [etl.localhost], upstream: 'http://127.0.0.1:1'}
";

/// This machine's clock, as one whose own is three hours behind sees it.
struct Right;

impl Clock for Right {
    fn now(&self) -> Time {
        SystemClock.now().plus(Duration::from_hours(3))
    }
}

/// A gate that has run by the right clock writes its time down.
fn run_gate(folder: &Path) {
    let data = Data::open(folder, Arc::new(SystemFs)).unwrap();
    let parts = Parts {
        wall: Arc::new(Right),
        boot: Arc::new(SystemBootClock),
        revise: None,
        build: Box::new(|_| ()),
    };
    Replica::open(&data, parts).persist().unwrap();
}

#[test]
fn a_clock_three_hours_behind_activates_nothing_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("fleet.yaml"), FLEET).unwrap();
    let (file, keys, gate) = (at("fleet.yaml"), at("keys"), at("gate"));
    let build = ["--plane", "local", "--keys", &keys, "--out", &gate];
    let built = aeolus(&[&["plane", "build", "--file", &file], &build[..]].concat());
    assert_eq!(built.code, 0, "{}", built.err);
    run_gate(Path::new(&gate));
    let rotate =
        |more: &[&str]| aeolus(&[&["gate", "secret", "rotate", "--data", &gate], more].concat());
    let secret = || std::fs::read(Path::new(&gate).join("secret.json")).unwrap();
    let before = secret();
    let refused = rotate(&[]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("GATE-0011"), "{}", refused.err);
    assert!(refused.err.contains("behind the time"), "{}", refused.err);
    assert_eq!(secret(), before);
    let listed = aeolus(&["gate", "secret", "list", "--data", &gate]);
    assert!(
        listed.err.contains("clock is 2 h 59 min behind")
            || listed.err.contains("clock is 3 h behind"),
        "{}",
        listed.err
    );
    // Told to, it reckons from the gate's time, not from the clock's.
    let made = rotate(&["--trust-clock", "--output", "json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let made: serde_json::Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!(made[1]["state"], "announced", "{made}");
    let takes_over = made[1]["activeFrom"].as_i64().unwrap();
    let ahead = takes_over - SystemClock.now().secs();
    assert!((4 * 3_600..=5 * 3_600).contains(&ahead), "{ahead}");
    // What is in foreign hands is replaced by whatever clock.
    assert_eq!(rotate(&["--compromised"]).code, 0);
}
