use aeolus_keys::{Kind, SigningKey};
use aeolus_model::Time;
use aeolus_snapshot::{
    Digest, Freshness, MAX_MANIFEST, Position, Published, READER, SectionError, Snapshot,
    SnapshotError, Trust, compress, patch, publish, sign_freshness, verify_freshness,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::build::{
    NOW, blobs, deployment, edition, key, organization, plane, published, root, sections, verify,
};

fn offered(text: &str, floor: Option<Position>, now: Time) -> Result<Snapshot, SnapshotError> {
    let blobs = blobs(&published(7));
    let root = root();
    let trust = Trust {
        root: &root,
        plane: plane(1),
        floor,
    };
    Snapshot::verify(&trust, text, &|d| blobs.get(d).cloned(), now)
}

/// The claims of a good manifest, changed and signed again.
fn resigned(change: impl FnOnce(&mut Value), key: &SigningKey) -> String {
    let text = published(7).manifest;
    let mut claims = aeolus_keys::jws::parse_document(text.as_bytes())
        .unwrap()
        .unverified_claims()
        .unwrap();
    change(&mut claims);
    key.sign(Kind::Manifest, &claims).unwrap()
}

#[test]
fn what_is_published_is_what_is_read() {
    let snapshot = verify(&published(7)).unwrap();
    assert_eq!(snapshot.position(), Position { epoch: 1, seq: 7 });
    assert_eq!(*snapshot.sections(), sections());
    assert_eq!(snapshot.manifest().min_generation, 1);
    assert!(snapshot.missing_revocations().is_empty());
    assert_eq!(snapshot.signer(), key("snapshot").public().kid());
}

#[test]
fn a_usual_manifest_has_two_kibibytes() {
    assert!(published(7).manifest.len() <= 2048);
}

#[test]
fn publishing_is_deterministic_whatever_the_order() {
    let mut shuffled = sections();
    shuffled.deployments.deployments.reverse();
    shuffled.subjects.subjects.rotate_left(5);
    shuffled.grants.grants.reverse();
    let again = publish(&edition(7), &shuffled, &key("snapshot")).unwrap();
    assert_eq!(again, published(7));
}

#[test]
fn a_key_that_occurs_twice_is_not_published() {
    let mut twice = sections();
    twice.deployments.deployments.push(deployment(3));
    assert!(publish(&edition(7), &twice, &key("snapshot")).is_err());
}

#[test]
fn f11_an_html_page_is_no_manifest() {
    for page in [
        "<!doctype html><title>Sign in</title>",
        "",
        "{}",
        "a.b.c",
        "null",
    ] {
        let refused = offered(page, None, NOW);
        assert!(
            matches!(refused, Err(SnapshotError::Signature(_))),
            "{page}"
        );
    }
}

#[test]
fn f22_f24_below_the_floor_is_refused() {
    let text = published(7).manifest;
    let at = |epoch, seq| Some(Position { epoch, seq });
    assert!(offered(&text, at(1, 7), NOW).is_ok());
    assert!(offered(&text, at(0, 9), NOW).is_ok());
    for floor in [at(1, 8), at(2, 0)] {
        let refused = offered(&text, floor, NOW);
        assert!(matches!(refused, Err(SnapshotError::Rollback { .. })));
    }
}

#[test]
fn f27_another_planes_manifest_is_refused() {
    let mut other = edition(7);
    other.plane = plane(2);
    let other = publish(&other, &sections(), &key("snapshot")).unwrap();
    assert!(matches!(verify(&other), Err(SnapshotError::OtherPlane)));
}

#[test]
fn f28_another_key_is_refused_even_under_the_known_name() {
    let thief = key("thief");
    let forged = publish(&edition(7), &sections(), &thief).unwrap();
    assert!(matches!(verify(&forged), Err(SnapshotError::UnknownKey)));

    let honest = published(7).manifest;
    let (header, _) = honest.split_once('.').unwrap();
    let (_, rest) = forged.manifest.split_once('.').unwrap();
    let renamed = offered(&format!("{header}.{rest}"), None, NOW);
    assert!(matches!(renamed, Err(SnapshotError::Signature(_))));
}

#[test]
fn a_frozen_manifest_is_refused_when_offered_but_may_be_loaded() {
    let text = published(7).manifest;
    let late = NOW.plus(std::time::Duration::from_secs(7 * 86_400));
    assert!(matches!(
        offered(&text, None, late),
        Err(SnapshotError::Expired)
    ));
    let blobs = blobs(&published(7));
    let root = root();
    let trust = Trust {
        root: &root,
        plane: plane(1),
        floor: None,
    };
    assert!(Snapshot::reload(&trust, &text, &|d| blobs.get(d).cloned()).is_ok());
}

#[test]
fn f65_a_newer_critical_format_is_refused_and_named() {
    let text = resigned(
        |claims| {
            claims["minReader"] = json!(READER + 1);
            claims["sections"] = json!("another shape");
        },
        &key("snapshot"),
    );
    let refused = offered(&text, None, NOW);
    assert!(matches!(refused, Err(SnapshotError::NewerFormat { needs }) if needs == READER + 1));
}

#[test]
fn f65_f74_unknown_fields_and_sections_are_ignored() {
    let text = resigned(
        |claims| {
            claims["tomorrow"] = json!({"a": 1});
            claims["sections"]["tomorrow"] = claims["sections"]["grants"].clone();
        },
        &key("snapshot"),
    );
    assert_eq!(*offered(&text, None, NOW).unwrap().sections(), sections());
}

/// No older program is built for this: what the next one may add to a format is added here.
#[test]
fn f65_records_of_a_newer_control_keep_what_is_known_of_them() {
    use prost::Message as _;
    let mut content = Vec::new();
    for record in sections().deployments.deployments {
        let mut record = record.encode_to_vec();
        // Field 999, a number.
        record.extend(b"\xb8\x3e\x01");
        content.push(0x0a);
        prost::encoding::encode_varint(record.len() as u64, &mut content);
        content.extend(record);
    }
    // Field 998 of the section itself, a text.
    content.extend(b"\xb2\x3e\x03new");
    let blob = compress(&content).unwrap();
    let text = resigned(
        |claims| {
            let section = &mut claims["sections"]["deployments"];
            section["base"] = json!(Digest::of(&blob));
            section["hash"] = json!(Digest::of(&content));
            section["size"] = json!(content.len());
        },
        &key("snapshot"),
    );
    let mut blobs = blobs(&published(7));
    blobs.insert(Digest::of(&blob), blob);
    let root = root();
    let trust = Trust {
        root: &root,
        plane: plane(1),
        floor: None,
    };
    let snapshot = Snapshot::verify(&trust, &text, &|d| blobs.get(d).cloned(), NOW).unwrap();
    assert_eq!(*snapshot.sections(), sections());
}

#[test]
fn f65_an_older_controls_manifest_is_read_and_a_critical_header_is_not() {
    let older = |claims: &mut Value| {
        claims.as_object_mut().unwrap().remove("minGeneration");
    };
    let snapshot = offered(&resigned(older, &key("snapshot")), None, NOW).unwrap();
    assert_eq!(snapshot.manifest().min_generation, 0);
    assert_eq!(*snapshot.sections(), sections());

    let text = published(7).manifest;
    let (header, rest) = text.split_once('.').unwrap();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap();
    let mut header: Value = serde_json::from_slice(&header).unwrap();
    header["crit"] = json!(["tomorrow"]);
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    assert!(matches!(
        offered(&format!("{header}.{rest}"), None, NOW),
        Err(SnapshotError::Signature(aeolus_keys::jws::JwsError::Header))
    ));
}

#[test]
fn f36_a_manifest_is_good_for_a_week_in_any_year() {
    let week = std::time::Duration::from_secs(7 * 86_400);
    // 2028-02-29, either side of 31 bits, the end of 9999.
    for now in [1_835_438_400, 2_147_483_647, 2_147_483_648, 253_402_300_799] {
        let now = Time::from_secs(now);
        let mut edition = edition(7);
        edition.issued_at = now;
        let published = publish(&edition, &sections(), &key("snapshot")).unwrap();
        let (blobs, root) = (blobs(&published), root());
        let trust = Trust {
            root: &root,
            plane: plane(1),
            floor: None,
        };
        let at = |at| Snapshot::verify(&trust, &published.manifest, &|d| blobs.get(d).cloned(), at);
        assert_eq!(at(now).unwrap().manifest().issued_at, now);
        assert!(at(now.plus(week).minus(std::time::Duration::from_secs(1))).is_ok());
        assert!(matches!(at(now.plus(week)), Err(SnapshotError::Expired)));
    }
}

#[test]
fn a_damaged_section_refuses_the_whole_a_damaged_revocation_list_one_organization() {
    let good = published(7);
    let manifest = verify(&good).unwrap().manifest().clone();
    for (name, section) in &manifest.sections {
        let mut damaged = good.clone();
        let blob = damaged.blobs.iter_mut().find(|(d, _)| *d == section.base);
        let blob = &mut blob.unwrap().1;
        let last = blob.len() - 1;
        blob[last] ^= 1;
        match name.strip_prefix("revocations/") {
            None => assert!(matches!(
                verify(&damaged),
                Err(SnapshotError::Section {
                    cause: SectionError::Hash,
                    ..
                }) // Two empty sections share their content; the first is named.
            )),
            Some(id) => {
                let snapshot = verify(&damaged).unwrap();
                let id = id.parse().unwrap();
                assert!(snapshot.missing_revocations().contains(&id));
                assert!(!snapshot.sections().revocations.contains_key(&id));
            }
        }
    }
}

#[test]
fn every_needed_section_must_be_listed() {
    for name in ["deployments", "subjects", "grants", "keys", "connections"] {
        let text = resigned(
            |claims| {
                claims["sections"].as_object_mut().unwrap().remove(name);
            },
            &key("snapshot"),
        );
        let refused = offered(&text, None, NOW);
        assert!(matches!(refused, Err(SnapshotError::NoSection(n)) if n == name));
    }
}

#[test]
fn patches_are_applied_and_their_result_is_checked() {
    let good = published(7);
    let old = sections();
    let mut new = sections();
    new.revocations.get_mut(&organization(1)).unwrap().status[9] = 0xff;
    let bytes = |s: &aeolus_snapshot::Sections| {
        aeolus_snapshot::Canonical::canonical(&s.revocations[&organization(1)]).unwrap()
    };
    let (base, target) = (bytes(&old), bytes(&new));
    let blob = compress(&patch::diff(&base, &target).unwrap()).unwrap();
    let section = format!("revocations/{}", organization(1));
    let text = resigned(
        |claims| {
            let reference = &mut claims["sections"][&section];
            reference["patches"] = json!([String::from(Digest::of(&blob))]);
            reference["hash"] = json!(String::from(Digest::of(&target)));
            reference["size"] = json!(target.len());
        },
        &key("snapshot"),
    );
    let mut blobs = good.blobs.clone();
    blobs.push((Digest::of(&blob), blob));
    let snapshot = verify(&Published {
        manifest: text.clone(),
        blobs,
        kept: Vec::new(),
    })
    .unwrap();
    assert_eq!(*snapshot.sections(), new);

    // The patch left out: the result's hash is wrong, so the organization is denied.
    let snapshot = verify(&Published {
        manifest: text,
        blobs: good.blobs,
        kept: Vec::new(),
    })
    .unwrap();
    assert!(snapshot.missing_revocations().contains(&organization(1)));
}

#[test]
fn freshness_is_bound_to_plane_key_and_kind() {
    let said = Freshness {
        plane: plane(1),
        position: Position { epoch: 1, seq: 7 },
        manifest: Digest::of(b"a manifest"),
        at: NOW,
        as_of: NOW,
    };
    let text = sign_freshness(&said, &key("snapshot")).unwrap();
    assert_eq!(verify_freshness(&root(), plane(1), &text).unwrap(), said);
    assert!(verify_freshness(&root(), plane(2), &text).is_err());
    assert!(offered(&text, None, NOW).is_err());
    let forged = sign_freshness(&said, &key("thief")).unwrap();
    assert!(verify_freshness(&root(), plane(1), &forged).is_err());
    assert!(verify_freshness(&root(), plane(1), &published(7).manifest).is_err());
}

#[test]
fn endless_data_is_cut_at_the_declared_size() {
    let text = resigned(
        |claims| claims["sections"]["deployments"]["size"] = json!(10),
        &key("snapshot"),
    );
    let refused = offered(&text, None, NOW);
    let cause = SectionError::TooLarge;
    assert!(matches!(refused, Err(SnapshotError::Section { cause: c, .. }) if c == cause));
    let long = "a".repeat(MAX_MANIFEST + 1);
    assert!(matches!(
        offered(&long, None, NOW),
        Err(SnapshotError::TooLarge)
    ));
}

/// Values that a broken writer might put anywhere.
fn nonsense() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(json!(u64::MAX)),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"base": "x", "hash": null, "size": -1})),
        "[ -~]{0,50}".prop_map(Value::String),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// Half of row F26: claims that are signed but make no sense.
    #[test]
    fn f26_malformed_claims_never_panic_nor_apply(
        member in prop::sample::select(vec![
            "aud", "iat", "exp", "epoch", "seq", "minReader", "sections", "deployments",
            "base", "hash", "size",
        ]),
        value in nonsense(),
    ) {
        let signer = key("snapshot");
        let mut was = Value::Null;
        let text = resigned(
            |claims| {
                let target = match member {
                    "deployments" => &mut claims["sections"]["deployments"],
                    "base" | "hash" | "size" => &mut claims["sections"]["deployments"][member],
                    _ => &mut claims[member],
                };
                was = target.take();
                *target = value.clone();
            },
            &signer,
        );
        let taken = offered(&text, Some(Position { epoch: 1, seq: 0 }), NOW);
        // A larger position is different, not malformed.
        let number = value.is_u64() && matches!(member, "epoch" | "seq");
        prop_assert!(number || taken.is_err(), "{member} = {value}");
    }

    /// The other half: blobs of any bytes, under a manifest that names exactly those bytes.
    #[test]
    fn f26_malformed_content_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        compressed in any::<bool>(),
        size in 0_u64..300,
    ) {
        let blob = if compressed { compress(&bytes).unwrap() } else { bytes.clone() };
        let text = resigned(
            |claims| {
                claims["sections"]["deployments"] = json!({
                    "base": String::from(Digest::of(&blob)),
                    "hash": String::from(Digest::of(&bytes)),
                    "size": size,
                });
            },
            &key("snapshot"),
        );
        let mut blobs = published(7).blobs;
        blobs.push((Digest::of(&blob), blob));
        if let Ok(snapshot) = verify(&Published { manifest: text, blobs, kept: Vec::new() }) {
            prop_assert!(compressed && size == bytes.len() as u64);
            prop_assert_eq!(snapshot.position().seq, 7);
        }
    }
}
