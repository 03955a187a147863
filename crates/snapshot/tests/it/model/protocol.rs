//! Who does what in which order.

use std::collections::BTreeSet;

use aeolus_snapshot::{MANIFEST_LIFE, Position, covers};
use stateright::{Model, Property};

use super::bytes::{Bits, Edition, Offer, Word, digest, evidence, heard, time, verified};

pub(super) const STEPS_BACK: &str = "no gate steps back";
pub(super) const OLDER: &str = "nothing older is published over something newer";
pub(super) const FORGOTTEN: &str = "a known revocation is never forgotten";
pub(super) const YOUNGER: &str = "age never exceeds the signed truth";
pub(super) const REPLAYED: &str = "a replayed or mixed answer is never applied";
pub(super) const HELD_BACK: &str = "no gate's time is held back by a week, nor twice by one word";

/// The tokens that may be revoked.
const TOKENS: [Bits; 2] = [0b01, 0b10];
/// The gate that may crash; the other one may be cut off, and writes at once.
const CRASHES: usize = 0;

/// A rule left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    NoFloor,
    NoCompareAndSet,
    Forgetful,
    AnyManifest,
    AlwaysFresh,
    NoHash,
    NoEnd,
    /// Of control: older records come over newer ones.
    AnyRecords,
    /// Of control: newer revocations make old records fresh.
    LagIsFresh,
    /// A statement that is said again sets the clock again.
    SaidAgain,
    /// Only a statement of what is in force counts as said.
    OwnAlone,
    /// How far the clock was set back before is forgotten.
    EachStep,
}

pub(super) struct Protocol {
    mistake: Option<Mistake>,
    /// Whether something else than revocations changes, once, and revocations don't wait for it.
    changes: bool,
    /// Whether all that happens is that time passes and a gate is told of it, late.
    clocks: bool,
    /// How far time goes at once, and in all.
    tick: u8,
    last: u8,
}

/// What a backup saves and a restore sets back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Database {
    feed: Position,
    revoked: Bits,
    /// The last commit that changed something else than revocations.
    records: u64,
    published: Option<Edition>,
    /// A gate has proved a restore: nothing is published until an operator recovers.
    stopped: bool,
}

/// What a gate has in force.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    edition: Edition,
    /// Control's last time that belongs to it: what is known of time after a crash.
    signed: u8,
    /// When everything in it was the newest.
    as_of: u8,
    /// Editions whose revocations go on, because control has forgotten them.
    carried: BTreeSet<Edition>,
    /// What is refused.
    refused: Bits,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Gate {
    memory: Option<Known>,
    disk: Option<Known>,
    /// The gate's time, what it would be if it had never been set back, and control's last time.
    clock: u8,
    furthest: u8,
    signed: Option<u8>,
    /// Whether control has to be reminded of what it signed.
    reminds: bool,
    /// For the properties: the latest word that this gate has heard.
    latest: Option<u8>,
    /// For the properties: what this gate knew, and what of it survived a crash.
    knew: Bits,
    kept: Bits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Line {
    Whole,
    Cut,
    Healed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    now: u8,
    database: Database,
    backup: Option<Database>,
    restored: bool,
    publishers: [Option<Edition>; 2],
    gates: [Gate; 2],
    /// The second gate's.
    line: Line,
    /// An answer of control that somebody has recorded, whenever it was.
    recorded: Option<(Edition, Word)>,
    /// What was the newest when: position, revocations, records, time.
    truth: BTreeSet<(Position, Bits, u64, u8)>,
    /// Properties that a step has broken.
    broken: BTreeSet<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Revoke(Bits),
    /// Something else changes.
    Change,
    Backup,
    Restore,
    Recover,
    Tick,
    Read(usize),
    /// Reads revocations, for the records that are published.
    Hurry(usize),
    Commit(usize),
    Poll(usize),
    Remind(usize),
    Persist(usize),
    Crash(usize),
    Cut,
    Heal,
    Record,
    Replay(usize),
    ReplayWord(usize),
    Mix(usize, Edition, Edition),
}

impl State {
    /// Whether an edition has everything that there was at some moment of a time.
    fn was_newest(&self, edition: Edition, at: u8) -> bool {
        self.truth.iter().any(|(position, bits, records, when)| {
            let same = (edition.position, edition.bits) == (*position, *bits);
            let more = position.epoch == edition.position.epoch
                && *position <= edition.position
                && bits & edition.bits == *bits;
            *when == at && *records <= edition.records && (same || (edition.lags() && more))
        })
    }

    fn breaks(&mut self, property: &'static str, broken: bool) {
        if broken {
            self.broken.insert(property);
        }
    }
}

impl Protocol {
    pub(super) const fn new(mistake: Option<Mistake>) -> Self {
        Self {
            mistake,
            changes: false,
            clocks: false,
            tick: 2,
            last: 2,
        }
    }

    /// With records beside revocations, in two lanes.
    pub(super) const fn with_lanes(mistake: Option<Mistake>) -> Self {
        Self {
            changes: true,
            ..Self::new(mistake)
        }
    }

    /// With a gate whose time is what it was told.
    pub(super) const fn with_clocks(mistake: Option<Mistake>) -> Self {
        Self {
            clocks: true,
            tick: 1,
            last: 4,
            ..Self::new(mistake)
        }
    }

    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Control's signed word: true of now only if what is published is what the feed is at.
    fn word(&self, state: &State, of: Edition) -> Word {
        let database = &state.database;
        let whole = of.records >= database.records || self.makes(Mistake::LagIsFresh);
        let newest = of.position == database.feed && whole && !database.stopped;
        let as_of = if newest || self.makes(Mistake::AlwaysFresh) {
            state.now
        } else {
            of.as_of
        };
        let at = state.now;
        Word { of, at, as_of }
    }

    /// A gate judges a manifest with content that came with it. Whether anything changed.
    fn take(&self, state: &mut State, gate: usize, manifest: Edition, blobs: Edition) -> bool {
        let gate = &mut state.gates[gate];
        let floor = gate.memory.as_ref().map(|known| known.edition.position);
        if floor == Some(manifest.position) {
            return false;
        }
        let mut carried = BTreeSet::new();
        if let Some(old) = &gate.memory {
            carried.clone_from(&old.carried);
            let epochs = old.edition.position.epoch != manifest.position.epoch;
            let (new, earlier) = (evidence(manifest), evidence(old.edition));
            let (Some((_, new)), Some((_, earlier))) = (new, earlier) else {
                return false;
            };
            if epochs || !covers(&new, &earlier) {
                carried.insert(old.edition);
            }
        }
        if self.makes(Mistake::Forgetful) {
            carried.clear();
        }
        let offer = Offer {
            manifest,
            blobs: if self.makes(Mistake::NoHash) {
                manifest
            } else {
                blobs
            },
            floor: floor.filter(|_| !self.makes(Mistake::NoFloor)),
            now: Some(gate.clock).filter(|_| !self.makes(Mistake::NoEnd)),
            carried,
        };
        let Some(refused) = verified(&offer) else {
            return false;
        };
        gate.reminds |= !offer.carried.is_empty();
        let times = |known: &Known| (known.signed, known.as_of);
        let (signed, as_of) = gate.memory.as_ref().map_or((0, 0), times);
        gate.memory = Some(Known {
            edition: manifest,
            signed: signed.max(manifest.at),
            as_of: as_of.max(manifest.as_of),
            carried: offer.carried,
            refused,
        });
        gate.signed = gate.signed.max(Some(manifest.at));
        gate.knew |= manifest.bits;
        state.breaks(STEPS_BACK, Some(manifest.position) < floor);
        // Judged by a clock that may be as far behind.
        let life = MANIFEST_LIFE * if self.clocks { 2 } else { 1 };
        let ended = time(manifest.at).plus(life) <= time(state.now);
        state.breaks(REPLAYED, blobs.bits != manifest.bits || ended);
        true
    }

    /// A gate judges a statement.
    fn hear(&self, state: &mut State, gate: usize, word: Word) -> bool {
        let said = heard(word);
        let gate = &mut state.gates[gate];
        let before = gate.clone();
        let reached = if self.makes(Mistake::EachStep) {
            gate.clock
        } else {
            gate.furthest
        };
        if said.at.plus(MANIFEST_LIFE) <= time(reached) || Some(word.at) < gate.signed {
            return false;
        }
        let mut twice = false;
        if Some(word.at) > gate.signed || self.makes(Mistake::SaidAgain) {
            twice = gate.clock > word.at && Some(word.at) <= gate.latest;
            gate.clock = word.at;
            gate.furthest = gate.furthest.max(word.at);
        }
        gate.latest = gate.latest.max(Some(word.at));
        let known = gate.memory.as_mut();
        let own = known.as_ref().map(|known| known.edition);
        let any = self.makes(Mistake::AnyManifest);
        let same = own.is_some_and(|own| said.manifest == digest(own) || any);
        let position = own.map(|own| own.position);
        let mine = Some(said.position) == position && same;
        if mine || !self.makes(Mistake::OwnAlone) {
            gate.signed = Some(word.at);
        }
        if let Some(known) = known.filter(|_| mine) {
            known.signed = word.at;
            known.as_of = known.as_of.max(word.as_of);
        } else if Some(said.position) <= position {
            gate.reminds = true;
        }
        let news = *gate != before;
        state.breaks(HELD_BACK, twice);
        news
    }

    fn poll(&self, state: &mut State, gate: usize) -> bool {
        let Some(published) = state.database.published else {
            return false;
        };
        let known = state.gates[gate].memory.as_ref();
        let after = known.map(|known| known.edition.position);
        let epoch = state.database.feed.epoch;
        if after.is_some_and(|after| after > published.position && after.epoch >= epoch) {
            // What a gate says is not believed: it is asked for what control has signed.
            let news = !state.gates[gate].reminds;
            state.gates[gate].reminds = true;
            return news;
        }
        let word = self.word(state, published);
        let heard = self.hear(state, gate, word);
        let newer = after < Some(published.position);
        let taken = newer && self.take(state, gate, published, published);
        self.hear(state, gate, word) | taken | heard
    }

    /// Control reads what it once signed. It was of this epoch and is no more: a restore.
    fn remind(state: &mut State, gate: usize) {
        let gate = &mut state.gates[gate];
        gate.reminds = false;
        let Some(known) = &gate.memory else { return };
        let database = &mut state.database;
        for edition in known.carried.iter().chain([&known.edition]) {
            let Some((position, revocations)) = evidence(*edition) else {
                continue;
            };
            let bits = revocations.status.first().copied().unwrap_or_default();
            let unknown = database.revoked | bits != database.revoked;
            let ahead = database.published.is_none_or(|published| {
                let fork = position == published.position && digest(*edition) != digest(published);
                position > published.position || fork
            });
            database.stopped |= position.epoch == database.feed.epoch && (unknown || ahead);
            if unknown {
                database.revoked |= bits;
                database.feed.seq += 1;
            }
        }
    }

    fn commit(&self, state: &mut State, publisher: usize) -> bool {
        let Some(edition) = state.publishers[publisher].take() else {
            return false;
        };
        let held = state.database.published;
        let older = held.is_some_and(|held| held.position >= edition.position);
        let less = |held: &Edition| {
            held.position.epoch == edition.position.epoch && held.records > edition.records
        };
        let less = held.as_ref().is_some_and(less);
        if less && !self.makes(Mistake::AnyRecords) && !self.makes(Mistake::NoCompareAndSet) {
            return true;
        }
        if older && !self.makes(Mistake::NoCompareAndSet) {
            if !less && edition.records > held.map_or(0, |held| held.records) {
                Self::commit_late(state, edition);
            }
            return true;
        }
        let back = held.is_some_and(|held| held.position > edition.position);
        state.breaks(OLDER, back || less);
        state.database.published = Some(edition);
        true
    }

    /// Revocations went out while everything was read: it is published with those of now.
    fn commit_late(state: &mut State, read: Edition) {
        let (now, database) = (state.now, &mut state.database);
        if database.stopped || database.feed.epoch != read.position.epoch {
            return;
        }
        if database.published.map(|held| held.position) == Some(database.feed) {
            database.feed.seq += 1;
        }
        let whole = Edition::whole(database.feed, database.revoked, now);
        let lags = database.records > read.records;
        database.published = Some(if lags {
            Edition {
                records: read.records,
                as_of: read.as_of,
                ..whole
            }
        } else {
            whole
        });
    }

    /// The newest revocations with the records that are published.
    fn urgent(state: &State) -> Option<Edition> {
        let (database, held) = (&state.database, state.database.published?);
        let whole = Edition::whole(database.feed, database.revoked, state.now);
        let exact = held.records >= database.records;
        let records = Edition {
            records: held.records,
            as_of: held.as_of,
            ..whole
        };
        let may = held.position.epoch == database.feed.epoch && held.bits != database.revoked;
        Some(if exact { whole } else { records }).filter(|_| may)
    }

    fn step(&self, state: &mut State, action: &Action) -> bool {
        match *action {
            Action::Revoke(token) => {
                state.database.revoked |= token;
                state.database.feed.seq += 1;
            }
            Action::Change => {
                state.database.feed.seq += 1;
                state.database.records = state.database.feed.seq;
            }
            Action::Backup => state.backup = Some(state.database.clone()),
            Action::Restore => {
                if let Some(backup) = state.backup.clone() {
                    state.database = backup;
                    state.restored = true;
                    // No control runs while its database is replaced: what a publisher had read
                    // before would be a past that never was.
                    state.publishers = [None; 2];
                }
            }
            Action::Recover => {
                state.database.feed.epoch += 1;
                state.database.feed.seq += 1;
                state.database.records = state.database.feed.seq;
                state.database.stopped = false;
            }
            Action::Tick => {
                state.now += self.tick;
                for gate in &mut state.gates {
                    gate.clock += self.tick;
                    gate.furthest += self.tick;
                }
            }
            Action::Read(publisher) => {
                let database = &state.database;
                let read = Edition::whole(database.feed, database.revoked, state.now);
                state.publishers[publisher] = Some(read);
            }
            Action::Hurry(publisher) => state.publishers[publisher] = Self::urgent(state),
            Action::Commit(publisher) => return self.commit(state, publisher),
            Action::Poll(gate) => return self.poll(state, gate),
            Action::Remind(gate) => Self::remind(state, gate),
            Action::Persist(gate) => {
                let gate = &mut state.gates[gate];
                gate.disk.clone_from(&gate.memory);
                gate.kept = gate.knew;
            }
            Action::Crash(gate) => {
                let gate = &mut state.gates[gate];
                gate.memory.clone_from(&gate.disk);
                (gate.clock, gate.furthest) = (state.now, state.now);
                gate.signed = gate.memory.as_ref().map(|known| known.signed);
                gate.latest = gate.signed;
                gate.knew = gate.kept;
                // What is carried is offered to control again.
                let carries = |known: &Known| !known.carried.is_empty();
                gate.reminds = gate.memory.as_ref().is_some_and(carries);
            }
            Action::Cut => state.line = Line::Cut,
            Action::Heal => state.line = Line::Healed,
            Action::Record => {
                let published = state.database.published;
                let answer = published.map(|published| (published, self.word(state, published)));
                let news = state.recorded != answer;
                state.recorded = answer;
                return news;
            }
            Action::Replay(gate) => {
                return state
                    .recorded
                    .is_some_and(|(it, _)| self.take(state, gate, it, it));
            }
            Action::ReplayWord(gate) => {
                return state
                    .recorded
                    .is_some_and(|(_, word)| self.hear(state, gate, word));
            }
            Action::Mix(gate, manifest, blobs) => return self.take(state, gate, manifest, blobs),
        }
        true
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let feed = Position { epoch: 1, seq: 1 };
        let first = Edition::whole(feed, 0, 0);
        let database = Database {
            feed,
            revoked: 0,
            records: feed.seq,
            published: Some(first),
            stopped: false,
        };
        vec![State {
            now: 0,
            database,
            backup: None,
            restored: false,
            publishers: [None; 2],
            gates: Default::default(),
            line: Line::Whole,
            recorded: None,
            truth: [(feed, 0, feed.seq, 0)].into(),
            broken: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let database = &state.database;
        if state.recorded.is_none() || self.clocks {
            actions.push(Action::Record);
        }
        // One revocation before a restore, any after it: what is lost, and what comes instead.
        let which = TOKENS
            .iter()
            .filter(|token| database.revoked & **token == 0);
        let all = state.restored || database.revoked == 0;
        let which = which.take(if state.restored { TOKENS.len() } else { 1 });
        actions.extend(which.filter(|_| all).map(|token| Action::Revoke(*token)));
        // What a restore changes is the same for records as for revocations, which it is tried with.
        if self.changes && database.records == 1 && state.backup.is_none() {
            actions.push(Action::Change);
        }
        let held = database.published.map(|published| published.position);
        let lags = database.published.is_some_and(|published| {
            published.records < database.records && published.position.epoch == database.feed.epoch
        });
        for publisher in 0..2 {
            match state.publishers[publisher] {
                Some(_) => actions.push(Action::Commit(publisher)),
                // The second one is as the first: it begins only while that is at work.
                None if publisher == 1 && state.publishers[0].is_none() => {}
                None if !database.stopped && (held < Some(database.feed) || lags) => {
                    actions.push(Action::Read(publisher));
                    if self.changes && Self::urgent(state).is_some() {
                        actions.push(Action::Hurry(publisher));
                    }
                }
                None => {}
            }
        }
        match (&state.backup, state.restored) {
            (None, _) if self.clocks => {}
            (None, _) => actions.push(Action::Backup),
            (Some(backup), false) if backup != database => actions.push(Action::Restore),
            _ => {}
        }
        // An operator who has restored the backup need not wait for a gate's proof.
        let known = state.restored && database.feed.epoch == 1;
        if database.stopped || known {
            actions.push(Action::Recover);
        }
        if state.now < self.last {
            actions.push(Action::Tick);
        }
        match state.line {
            Line::Whole if self.clocks => {}
            Line::Whole => actions.push(Action::Cut),
            Line::Cut => actions.push(Action::Heal),
            Line::Healed => {}
        }
        let gates = if self.clocks { 1 } else { state.gates.len() };
        for (at, gate) in state.gates.iter().enumerate().take(gates) {
            if at == 0 || state.line != Line::Cut {
                actions.push(Action::Poll(at));
                if gate.reminds {
                    actions.push(Action::Remind(at));
                }
            }
            if at == CRASHES && gate.disk != gate.memory {
                actions.extend([Action::Persist(at), Action::Crash(at)]);
            }
            if let Some((one, _)) = state.recorded {
                actions.extend([Action::Replay(at), Action::ReplayWord(at)]);
                let other = database.published.filter(|other| *other != one);
                if let Some(other) = other.filter(|_| !self.clocks) {
                    actions.extend([Action::Mix(at, one, other), Action::Mix(at, other, one)]);
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        if !self.step(&mut state, &action) {
            return None;
        }
        let database = &state.database;
        let newest = (database.feed, database.revoked, database.records, state.now);
        state.truth.insert(newest);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(STEPS_BACK, |_, state: &State| {
                !state.broken.contains(STEPS_BACK)
            }),
            Property::always(OLDER, |_, state: &State| !state.broken.contains(OLDER)),
            Property::always(FORGOTTEN, |_, state: &State| {
                let forgets = |gate: &Gate| {
                    let refused = gate.memory.as_ref().map_or(0, |known| known.refused);
                    gate.knew & !refused != 0
                };
                !state.gates.iter().any(forgets)
            }),
            Property::always(YOUNGER, |_, state: &State| {
                let known = state.gates.iter().filter_map(|gate| gate.memory.as_ref());
                known
                    .map(|known| (known.edition, known.as_of))
                    .all(|(edition, as_of)| state.was_newest(edition, as_of))
            }),
            Property::always(REPLAYED, |_, state: &State| {
                !state.broken.contains(REPLAYED)
            }),
            Property::always(HELD_BACK, |_, state: &State| {
                let right = |gate: &Gate| time(gate.clock).plus(MANIFEST_LIFE) > time(state.now);
                state.gates.iter().all(right) && !state.broken.contains(HELD_BACK)
            }),
            Property::sometimes(
                "a restore is found out and recovered from",
                |_, state: &State| {
                    let second = |gate: &Gate| {
                        let known = gate.memory.as_ref();
                        known.is_some_and(|known| known.edition.position.epoch == 2)
                    };
                    state.gates.iter().all(second)
                },
            ),
        ]
    }
}
