use aeolus_keys::chain::{Footer, Header, Line, Link, Place, Scope};
use aeolus_keys::{Alg, SigningKey, SystemRng};
use aeolus_model::Time;
use aeolus_snapshot::{RootBuilder, sign_checkpoint};
use serde_json::value::RawValue;

use super::*;
use crate::report::Exit;

const ISS: &str = "https://aeolus.example.com";

struct World {
    roots: Vec<Root>,
    snapshot: SigningKey,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let key = || SigningKey::generate(Alg::EdDsa, &SystemRng).unwrap();
        let (root_key, snapshot) = (key(), key());
        let builder = RootBuilder {
            version: 1,
            threshold: 1,
            root_keys: vec![root_key.public().clone()],
            snapshot_keys: vec![snapshot.public().clone()],
            issued_at: Time::EPOCH,
        };
        Self {
            roots: vec![Root::parse(&builder.sign(&[&root_key]).unwrap()).unwrap()],
            snapshot,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn checkpoint(link: Link) -> Checkpoint {
        Checkpoint {
            issuer: ISS.to_owned(),
            scope: Scope::Installation,
            link,
            at: Time::from_secs(1_800_000_000),
        }
    }

    /// A log of so many lines.
    fn export(&self, count: u64) -> (Vec<String>, Link) {
        let scope = Scope::Installation;
        let header = Header::new(ISS.to_owned(), scope, Link::START);
        let mut file = vec![serde_json::to_string(&header).unwrap()];
        let mut end = Link::START;
        for n in 1..=count {
            let event = RawValue::from_string(format!("{{\"at\":{n}}}")).unwrap();
            let place = Place {
                position: n,
                ordinal: 0,
            };
            end = end.next(scope, place, event.get().as_bytes());
            let line = Line {
                line: Some(n),
                position: n,
                ordinal: 0,
                hash: Some(end.hash),
                event: &event,
            };
            file.push(serde_json::to_string(&line).unwrap());
        }
        let signed = sign_checkpoint(&Self::checkpoint(end), &self.snapshot).unwrap();
        let footer = Footer {
            end,
            checkpoint: Some(signed),
        };
        file.push(serde_json::to_string(&footer).unwrap());
        (file, end)
    }

    fn write(&self, name: &str, content: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn verify(&self, file: &[String], kept: Option<Checkpoint>) -> Result<Good, Failure> {
        let path = self.write("audit.ndjson", &(file.join("\n") + "\n"));
        let kept = kept.map(|kept| (String::new(), kept));
        offline(&path, kept, &self.roots)
    }
}

#[test]
fn a24_a_file_is_verified_without_asking_anybody() {
    let world = World::new();
    let (file, end) = world.export(5);
    let good = world.verify(&file, None).unwrap();
    assert_eq!((good.end, good.signed), (5, Some(true)));
    assert_eq!(good.hash, Some(end.hash.to_string()));
    let mut changed = file.clone();
    changed[3] = changed[3].replace("\"at\":3", "\"at\":9");
    let failure = world.verify(&changed, None).unwrap_err();
    assert_eq!(failure.exit, Exit::Failed);
    let text = failure.render();
    assert!(text.starts_with("error[AUDIT-0001]"), "{text}");
    assert!(text.contains("line 4 of the file: line 3 "), "{text}");
    let failure = world.verify(&file[..4], None).unwrap_err();
    assert!(failure.render().contains("cut off"), "{}", failure.render());
}

/// Whoever can compute hashes can't sign.
#[test]
fn a24_a_rewritten_file_lacks_controls_signature_or_the_kept_checkpoint() {
    let world = World::new();
    let (file, end) = world.export(5);
    let (forged, forged_end) = World::new().export(5);
    assert_eq!(end, forged_end, "the same lines");
    let failure = world.verify(&forged, None).unwrap_err();
    assert!(
        failure.render().contains("root document"),
        "{}",
        failure.render()
    );
    let unsigned: Vec<_> = file[..6]
        .iter()
        .cloned()
        .chain([serde_json::to_string(&Footer {
            end,
            checkpoint: None,
        })
        .unwrap()])
        .collect();
    let failure = world.verify(&unsigned, None).unwrap_err();
    assert!(
        failure.render().contains("did not sign"),
        "{}",
        failure.render()
    );
    // Control itself may have been made to sign a shorter log: what was kept says it was longer.
    let (shorter, _) = world.export(3);
    assert!(world.verify(&shorter, None).is_ok());
    let kept = World::checkpoint(end);
    let failure = world.verify(&shorter, Some(kept.clone())).unwrap_err();
    assert!(
        failure.render().contains("ends with line 3"),
        "{}",
        failure.render()
    );
    assert!(world.verify(&file, Some(kept)).is_ok());
}

#[test]
fn a_kept_checkpoint_is_read_in_both_forms() {
    let world = World::new();
    let (_, end) = world.export(2);
    let said = World::checkpoint(end);
    let text = sign_checkpoint(&said, &world.snapshot).unwrap();
    let whole = serde_json::json!({"scope": "installation", "line": 2,
        "hash": end.hash.to_string(), "at": 1, "checkpoint": text});
    for content in [format!("{text}\n"), whole.to_string()] {
        let path = world.write("kept", &content);
        let (again, read) = kept_of(&path, &world.roots).unwrap();
        assert_eq!((again, read), (text.clone(), said.clone()));
    }
    let foreign = World::new();
    let path = world.write("kept", &text);
    let failure = kept_of(&path, &foreign.roots).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(kept_of(&path, &[]).is_ok());
    assert!(kept_of(&world.write("kept", "no"), &[]).is_err());
}

/// A snapshot key lives for years, the log longer.
#[test]
fn a_checkpoint_and_a_file_of_two_snapshot_keys_need_both_root_documents() {
    let (earlier, mut world) = (World::new(), World::new());
    let (file, end) = world.export(3);
    let text = sign_checkpoint(&World::checkpoint(end), &earlier.snapshot).unwrap();
    let path = world.write("kept", &text);
    assert!(kept_of(&path, &world.roots).is_err());
    world.roots.extend(earlier.roots);
    let (_, kept) = kept_of(&path, &world.roots).unwrap();
    let good = world.verify(&file, Some(kept)).unwrap();
    assert_eq!(good.signed, Some(true));
}
