//! What a gate reads from control and from its disk: root documents, manifests, freshness
//! statements, patches, and sections under a manifest that names exactly these bytes.

#![no_main]

use std::sync::LazyLock;

use aeolus_keys::{Alg, Kind, SigningKey, SystemRng};
use aeolus_model::{PlaneId, Time};
use aeolus_snapshot::{
    Digest, Root, RootBuilder, Snapshot, Trust, compress, patch, verify_freshness,
};
use libfuzzer_sys::fuzz_target;

const PLANE: PlaneId = PlaneId::from_bytes([1; 16]);

static TRUSTED: LazyLock<(SigningKey, Root)> = LazyLock::new(|| {
    let generate = || SigningKey::generate(Alg::EdDsa, &SystemRng).expect("a key");
    let (root, snapshot) = (generate(), generate());
    let builder = RootBuilder {
        version: 1,
        threshold: 1,
        root_keys: vec![root.public().clone()],
        snapshot_keys: vec![snapshot.public().clone()],
        issued_at: Time::EPOCH,
    };
    let document = builder.sign(&[&root]).expect("signed");
    (snapshot, Root::parse(&document).expect("our own"))
});

/// Applies bytes as every section at once, under a manifest that vouches for them.
fn as_sections(content: &[u8]) {
    let (key, root) = &*TRUSTED;
    let Ok(blob) = compress(content) else { return };
    let section = serde_json::json!({
        "base": String::from(Digest::of(&blob)),
        "hash": String::from(Digest::of(content)),
        "size": content.len(),
    });
    let names = ["deployments", "subjects", "grants", "keys", "connections"];
    let sections: serde_json::Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), section.clone()))
        .collect();
    let claims = serde_json::json!({
        "aud": format!("urn:aeolus:plane:{PLANE}"),
        "iat": 0, "exp": 60, "epoch": 1, "seq": 1, "minReader": 1, "minGeneration": 1,
        "sections": sections,
    });
    let manifest = key.sign(Kind::Manifest, &claims).expect("signed");
    let trust = Trust {
        root,
        plane: PLANE,
        floor: None,
    };
    let _ = Snapshot::verify(&trust, &manifest, &|_| Some(blob.clone()), Time::EPOCH);
}

fuzz_target!(|bytes: &[u8]| {
    let (_, root) = &*TRUSTED;
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(root.accept_next(text).is_err());
        assert!(verify_freshness(root, PLANE, text).is_err());
        let trust = Trust {
            root,
            plane: PLANE,
            floor: None,
        };
        assert!(Snapshot::reload(&trust, text, &|_| None).is_err());
        let _ = Root::parse(text);
    }
    as_sections(bytes);
    let (base, change) = bytes.split_at(bytes.len() / 2);
    let _ = patch::apply(base, change);
    if let (Ok(base), Ok(new)) = (patch::canonical(base), patch::canonical(change)) {
        let difference = patch::diff(&base, &new).expect("both are sections");
        assert_eq!(patch::apply(&base, &difference).as_ref(), Ok(&new));
    }
});
