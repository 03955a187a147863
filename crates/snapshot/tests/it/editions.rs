//! Snapshots one after another: what travels, and that it is always what a new base would say.

use std::collections::{BTreeSet, HashMap};

use aeolus_snapshot::section::{Revocations, Subject};
use aeolus_snapshot::{
    Digest, Draft, Earlier, Manifest, Published, Sections, Snapshot, SnapshotError, Trust, publish,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use crate::build::{NOW, edition, key, organization, plane, root};

/// A plane's publications and what a gate that follows them has fetched.
#[derive(Default)]
struct Line {
    held: HashMap<Digest, Vec<u8>>,
    manifest: Option<Manifest>,
    seq: u64,
}

impl Line {
    fn publish(&mut self, sections: &Sections) -> Published {
        self.seq += 1;
        let draft = Draft::new(sections).unwrap();
        let read = |digest: &Digest| self.held.get(digest).cloned();
        let earlier = self.manifest.as_ref().map(|manifest| Earlier {
            manifest,
            blobs: &read,
        });
        let edition = edition(self.seq);
        draft.publish(&edition, earlier, &key("snapshot")).unwrap()
    }

    /// Fetches what is new, forgets what isn't named any more, and reads.
    fn take(&mut self, published: &Published) -> Result<Snapshot, SnapshotError> {
        let kept: BTreeSet<_> = published.kept.iter().collect();
        self.held.retain(|digest, _| kept.contains(digest));
        assert_eq!(self.held.len(), kept.len(), "kept what there is");
        self.held.extend(published.blobs.iter().cloned());
        let root = root();
        let trust = Trust {
            root: &root,
            plane: plane(1),
            floor: None,
        };
        let read = |digest: &Digest| self.held.get(digest).cloned();
        let snapshot = Snapshot::verify(&trust, &published.manifest, &read, NOW)?;
        self.manifest = Some(snapshot.manifest().clone());
        Ok(snapshot)
    }

    fn follow(&mut self, sections: &Sections) -> Published {
        let published = self.publish(sections);
        assert_eq!(self.take(&published).unwrap().sections(), sections);
        published
    }

    fn patches(&self) -> usize {
        let manifest = self.manifest.as_ref().unwrap();
        manifest.sections["subjects"].patches.len()
    }
}

fn bytes(content: &Published) -> usize {
    content.blobs.iter().map(|(_, blob)| blob.len()).sum()
}

/// People whose ids don't compress.
fn people(numbers: impl IntoIterator<Item = u32>) -> Sections {
    let mut sections = Sections::default();
    let mut subjects: Vec<_> = numbers
        .into_iter()
        .map(|n| Subject {
            id: Digest::of(&n.to_le_bytes()).as_bytes()[..16].to_vec(),
            kind: 1,
            email: format!("p{n}@example.com"),
            ..Subject::default()
        })
        .collect();
    subjects.sort_by(|a, b| a.id.cmp(&b.id));
    sections.subjects.subjects = subjects;
    sections
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_sequence_of_editions_equals_the_base_rebuilt(
        first in btree_set(0_u32..400, 0..300),
        changes in vec(prop_oneof![
            8 => vec(0_u32..400, 0..3),
            2 => vec(0_u32..400, 3..60),
            1 => vec(0_u32..400, 200..300),
        ], 1..24),
    ) {
        let mut line = Line::default();
        let mut present = first;
        line.follow(&people(present.iter().copied()));
        for change in changes {
            for n in change {
                if !present.remove(&n) {
                    present.insert(n);
                }
            }
            let sections = people(present.iter().copied());
            line.follow(&sections);
            let whole = publish(&edition(line.seq), &sections, &key("snapshot")).unwrap();
            let mut rebuilt = Line::default();
            rebuilt.take(&whole).unwrap();
            for (name, section) in &rebuilt.manifest.as_ref().unwrap().sections {
                let patched = &line.manifest.as_ref().unwrap().sections[name];
                prop_assert_eq!((patched.hash, patched.size), (section.hash, section.size));
                prop_assert!(patched.patches.len() <= 8);
                let of = |digest| line.held[digest].len();
                let patches: usize = patched.patches.iter().map(of).sum();
                prop_assert!(patches * 4 <= of(&patched.base));
            }
        }
    }
}

#[test]
fn a_small_change_of_much_costs_little_and_the_rest_nothing() {
    let mut line = Line::default();
    let whole = line.follow(&people(0..5000));
    assert!(whole.kept.is_empty());
    let one = line.follow(&people(0..5001));
    assert_eq!(one.blobs.len(), 1);
    assert!(bytes(&one) < 100, "{}", bytes(&one));
    assert!(bytes(&one) * 500 < bytes(&whole));
    let renewed = line.follow(&people(0..5001));
    assert!(renewed.blobs.is_empty());
    assert_eq!(line.patches(), 1);
    let draft = Draft::new(&people(0..5001)).unwrap();
    let needed = draft.needs(line.manifest.as_ref().unwrap());
    assert!(needed.is_empty(), "what is the same needn't be read");
}

#[test]
fn patches_are_put_together_when_they_are_many_and_a_base_is_new_when_they_are_large() {
    let mut line = Line::default();
    line.follow(&people(0..2000));
    let base = line.manifest.as_ref().unwrap().sections["subjects"].base;
    for more in 1..=8 {
        line.follow(&people(0..2000 + more));
        assert_eq!(line.patches(), more as usize);
    }
    line.follow(&people(0..2009));
    assert_eq!(line.patches(), 1);
    let section = line.manifest.as_ref().unwrap().sections["subjects"].clone();
    assert_eq!(section.base, base);
    line.follow(&people(1000..3000));
    assert_eq!(line.patches(), 0);
    assert_ne!(
        line.manifest.as_ref().unwrap().sections["subjects"].base,
        base
    );
}

#[test]
fn what_is_small_is_sent_whole() {
    let mut line = Line::default();
    line.follow(&people(0..3));
    line.follow(&people(0..4));
    assert_eq!(line.patches(), 0);
}

#[test]
fn a_base_or_patch_that_is_gone_or_damaged_costs_a_new_base() {
    for damage in [None, Some(b"damaged".to_vec())] {
        for patched in [false, true] {
            let mut line = Line::default();
            line.follow(&people(0..2000));
            if patched {
                line.follow(&people(0..2001));
            }
            let section = line.manifest.as_ref().unwrap().sections["subjects"].clone();
            let lost = section.patches.first().unwrap_or(&section.base);
            match &damage {
                None => line.held.remove(lost),
                Some(bytes) => line.held.insert(*lost, bytes.clone()),
            };
            let healed = line.follow(&people(0..2002));
            assert_eq!(line.patches(), 0);
            assert!(healed.blobs.len() == 1);
        }
    }
}

#[test]
fn a_manifest_with_too_many_patches_goes_without() {
    let many = |bit: u8| {
        let mut sections = people(0..1);
        for n in 0..900_u32 {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.to_le_bytes());
            let random = (0..12_u8).flat_map(|i| *Digest::of(&[&id[..], &[i]].concat()).as_bytes());
            let mut status: Vec<u8> = random.collect();
            status[0] = bit;
            let revocations = Revocations {
                status,
                ..Revocations::default()
            };
            let organization = aeolus_model::OrganizationId::from_bytes(id);
            sections.revocations.insert(organization, revocations);
        }
        sections
    };
    let mut line = Line::default();
    line.follow(&many(0));
    line.follow(&many(1));
    let sections = &line.manifest.as_ref().unwrap().sections;
    assert!(sections.values().all(|section| section.patches.is_empty()));
    assert!(!sections.contains_key(&format!("revocations/{}", organization(7))));
}
