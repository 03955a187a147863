//! Sections: bytes as every section at once, under a manifest that vouches for them, up to the world
//! that a gate decides from.

#![no_main]

use aeolus_decide::{Rails, World};
use aeolus_fuzz::{PLANE, TRUSTED};
use aeolus_keys::Kind;
use aeolus_model::Time;
use aeolus_snapshot::{Digest, Snapshot, compress};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

const NAMES: [&str; 8] = [
    "deployments",
    "subjects",
    "grants",
    "keys",
    "connections",
    "rollouts",
    "certificates",
    "revocations/00000000-0000-7000-8000-000000000000",
];

fuzz_target!(|content: &[u8]| {
    let Ok(blob) = compress(content) else { return };
    let section = json!({
        "base": String::from(Digest::of(&blob)),
        "hash": String::from(Digest::of(content)),
        "size": content.len(),
    });
    let sections: Map<String, Value> = NAMES
        .iter()
        .map(|name| ((*name).to_owned(), section.clone()))
        .collect();
    let claims = json!({
        "aud": format!("urn:aeolus:plane:{PLANE}"),
        "iat": 0, "exp": 60, "epoch": 1, "seq": 1, "minReader": 1, "minGeneration": 1,
        "sections": sections,
    });
    let manifest = TRUSTED.sign(Kind::Manifest, &claims).expect("signed");
    let read = Snapshot::verify(
        &TRUSTED.trust(),
        &manifest,
        &|_| Some(blob.clone()),
        Time::EPOCH,
    );
    if let Ok(snapshot) = read {
        let _ = World::bounded(&snapshot, &Rails::default());
    }
});
