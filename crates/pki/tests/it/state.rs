//! What authorities of earlier versions remembered.

use aeolus_model::{Host, Time};
use aeolus_pki::state::{Lies, Rotation, State};
use aeolus_pki::{Reason, San};
use serde_json::{Value, json};

/// Written by the program as it was before names, numbers and times in it had types.
const BEFORE: &str = include_str!("data/authority.json");

#[test]
fn a_folder_of_an_earlier_version_is_read_and_written_as_it_was() {
    let state = State::parse(BEFORE.as_bytes()).unwrap();
    assert_eq!(state.rotation, Rotation::Init);
    let constraints = state.constraints();
    let host = |text| Host::parse(text).unwrap();
    let domains = [host("example.com"), host("example.org")];
    assert_eq!(constraints.permitted.domains, domains);
    assert_eq!(constraints.excluded.networks.len(), 2);
    assert_eq!(state.untold, ["/srv/pki/tls"]);
    let (record, files) = state.at("/srv/pki/tls").unwrap();
    assert_eq!(
        record.serial.to_string(),
        "620e1c9f3aacc6d6b49f494f42b307cc"
    );
    let names = ["a.example.com", "10.0.0.1"].map(|name| San::parse(name).unwrap());
    assert_eq!((&record.names[..], files.encrypted), (&names[..], false));
    assert_eq!(record.not_after, Time::from_secs(1_803_877_058));
    assert_eq!(record.wanted().unwrap().names(), names);
    assert!(state.issued.iter().any(|one| one.lies == Lies::Request));
    let revoked = state.issued.iter().find_map(|one| one.revoked).unwrap();
    assert_eq!(revoked.at, Time::from_secs(1_796_101_058));
    assert_eq!(revoked.reason, Reason::KeyCompromise);
    // Whoever goes back to it reads this again.
    let read = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
    let mut expected = read(BEFORE.as_bytes());
    expected["permitted"] = json!(["example.com", "example.org", "10.0.0.0/8"]);
    expected["excluded"] = json!(["secret.example.com", "10.9.0.0/16", "fd00::/8"]);
    assert_eq!(read(&state.json()), expected);
}

#[test]
fn one_that_is_damaged_is_not_read() {
    for (from, to) in [
        ("\"10.0.0.1\"", "\"10.0.0.1:443\""),
        ("\"Example.com\"", "\"exa mple.com\""),
        ("620e1c9f3aacc6d6b49f494f42b307cc", "620e1c9"),
        ("5002536f912bbdb6256af3a2f8eea7ad3c", ""),
        ("1803877058", "\"tomorrow\""),
    ] {
        let damaged = BEFORE.replace(from, to);
        assert_ne!(damaged, BEFORE);
        assert!(State::parse(damaged.as_bytes()).is_err(), "{from}");
    }
}
