//! What travels in the model, made and read by the crate itself. Equal inputs give equal bytes and
//! verdicts, so each is worked out once.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use aeolus_keys::SigningKey;
use aeolus_model::Time;
use aeolus_snapshot::section::Revocations;
use aeolus_snapshot::{
    Carried, Digest, Evidence, Freshness, Lag, Manifest, Position, Published, Root, Sections,
    Snapshot, Trust, publish, sign_freshness, verify_freshness,
};

use crate::build::{NOW, edition, key, organization, plane, root};

/// Which tokens are revoked: a bit each.
pub(super) type Bits = u8;

/// A signed manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Edition {
    pub(super) position: Position,
    pub(super) bits: Bits,
    /// When its revocations were read.
    pub(super) at: u8,
    /// The commit up to which everything else is in it, and when that was known to be the newest.
    pub(super) records: u64,
    pub(super) as_of: u8,
}

impl Edition {
    /// Everything of one position.
    pub(super) const fn whole(position: Position, bits: Bits, at: u8) -> Self {
        Self {
            position,
            bits,
            at,
            records: position.seq,
            as_of: at,
        }
    }

    pub(super) const fn lags(&self) -> bool {
        self.records < self.position.seq
    }
}

/// A signed word of when an edition was the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Word {
    pub(super) of: Edition,
    pub(super) at: u8,
    pub(super) as_of: u8,
}

/// The model's time is counted in steps of four days: what was signed two steps ago has ended.
pub(super) fn time(step: u8) -> Time {
    NOW.plus(Duration::from_secs(u64::from(step) * 4 * 86_400))
}

static ROOT: LazyLock<Root> = LazyLock::new(root);
static KEY: LazyLock<SigningKey> = LazyLock::new(|| key("snapshot"));

type Cache<K, V> = LazyLock<Mutex<HashMap<K, V>>>;

fn once<K: Hash + Eq + Clone, V: Clone>(
    cache: &Cache<K, V>,
    key: &K,
    work: impl FnOnce() -> V,
) -> V {
    if let Some(known) = cache.lock().unwrap().get(key) {
        return known.clone();
    }
    let made = work();
    cache.lock().unwrap().insert(key.clone(), made.clone());
    made
}

pub(super) fn published(of: Edition) -> Published {
    static MADE: Cache<Edition, Published> = LazyLock::new(Mutex::default);
    once(&MADE, &of, || {
        let mut sections = Sections::default();
        let revocations = Revocations {
            status: vec![of.bits; 8],
            ..Revocations::default()
        };
        sections.revocations.insert(organization(1), revocations);
        let edition = aeolus_snapshot::Edition {
            position: of.position,
            issued_at: time(of.at),
            lag: of.lags().then(|| Lag {
                records: of.records,
                as_of: time(of.as_of),
            }),
            ..edition(0)
        };
        publish(&edition, &sections, &KEY).unwrap()
    })
}

fn revocations(snapshot: &Snapshot) -> &Revocations {
    &snapshot.sections().revocations[&organization(1)]
}

/// What a gate judges an answer by, and with which revocations it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Offer {
    pub(super) manifest: Edition,
    pub(super) blobs: Edition,
    pub(super) floor: Option<Position>,
    /// None: at the load from disk, where no end counts.
    pub(super) now: Option<u8>,
    pub(super) carried: BTreeSet<Edition>,
}

/// The revocations in force if a gate takes the offer.
pub(super) fn verified(offer: &Offer) -> Option<Bits> {
    static JUDGED: Cache<Offer, Option<Bits>> = LazyLock::new(Mutex::default);
    once(&JUDGED, offer, || {
        let (named, sent) = (published(offer.manifest), published(offer.blobs));
        let find = |digest: &Digest| {
            let blob = sent.blobs.iter().find(|(name, _)| name == digest);
            blob.map(|(_, content)| content.clone())
        };
        let trust = Trust {
            root: &ROOT,
            plane: plane(1),
            floor: offer.floor,
        };
        let snapshot = match offer.now {
            Some(now) => Snapshot::verify(&trust, &named.manifest, &find, time(now)),
            None => Snapshot::reload(&trust, &named.manifest, &find),
        };
        let whole = |snapshot: &Snapshot| snapshot.missing_revocations().is_empty();
        let mut snapshot = snapshot.ok().filter(whole)?;
        let mut carried = Carried::default();
        for edition in &offer.carried {
            carried.add(organization(1), &evidence(*edition)?.1);
        }
        snapshot.carry(&carried);
        revocations(&snapshot).status.first().copied()
    })
}

/// What control reads of the evidence for an edition.
pub(super) fn evidence(of: Edition) -> Option<(Position, Revocations)> {
    static READ: Cache<Edition, Option<(Position, Revocations)>> = LazyLock::new(Mutex::default);
    once(&READ, &of, || {
        let published = published(of);
        let find = |digest: &Digest| {
            let blob = published.blobs.iter().find(|(name, _)| name == digest);
            blob.map(|(_, content)| content.clone())
        };
        let (opened, _) = Manifest::open(&ROOT, plane(1), &published.manifest).ok()?;
        let signed = (published.manifest.as_str(), &opened);
        let evidence = Evidence::new(organization(1), signed, &find).ok()?;
        evidence.open(&ROOT, plane(1)).ok()
    })
}

/// A statement as a gate reads it.
pub(super) fn heard(word: Word) -> Freshness {
    static SAID: Cache<Word, Freshness> = LazyLock::new(Mutex::default);
    once(&SAID, &word, || {
        let said = Freshness {
            plane: plane(1),
            position: word.of.position,
            manifest: digest(word.of),
            at: time(word.at),
            as_of: time(word.as_of),
        };
        let text = sign_freshness(&said, &KEY).unwrap();
        verify_freshness(&ROOT, plane(1), &text).unwrap()
    })
}

/// The name of a manifest.
pub(super) fn digest(of: Edition) -> Digest {
    static NAMES: Cache<Edition, Digest> = LazyLock::new(Mutex::default);
    once(&NAMES, &of, || {
        Digest::of(published(of).manifest.as_bytes())
    })
}
