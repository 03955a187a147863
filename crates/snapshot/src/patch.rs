//! Patches: what changed in a section, in terms of its bytes.
//!
//! A section's canonical encoding is its protobuf fields sorted by field number, then by content. A
//! patch speaks of those fields by their place, so a reader applies it without knowing what a record
//! means, and records with fields newer than the reader keep them. The manifest's hash of the result
//! proves that base and patches belonged together.

use std::collections::BTreeMap;

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use crate::{MAX_SECTION, SectionError};

/// A patch as it travels (compressed like a base). The format is final.
#[derive(Clone, PartialEq, Message)]
pub struct Patch {
    /// Tombstones: places in the base, ascending.
    #[prost(uint32, repeated, tag = "1")]
    pub delete: Vec<u32>,
    /// Records: whole encoded fields, key included.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub put: Vec<Vec<u8>>,
    /// Parts of long byte strings.
    #[prost(message, repeated, tag = "3")]
    pub splice: Vec<Splice>,
}

/// Bytes that overwrite or extend a length-delimited field of the base, as status bits do.
#[derive(Clone, PartialEq, Message)]
pub struct Splice {
    /// The field's place in the base.
    #[prost(uint32, tag = "1")]
    pub index: u32,
    /// Where the bytes go in its content: not past its end.
    #[prost(uint64, tag = "2")]
    pub offset: u64,
    /// The bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub bytes: Vec<u8>,
}

/// One encoded field. Ordered by number, then content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Field<'a> {
    number: u32,
    content: &'a [u8],
    whole: &'a [u8],
    delimited: bool,
}

/// Sorts the fields of an encoded message into the canonical order.
pub fn canonical(encoded: &[u8]) -> Result<Vec<u8>, SectionError> {
    let mut fields = split(encoded)?;
    fields.sort_unstable();
    Ok(join(&fields))
}

/// What turns one canonical section into another.
pub fn diff(base: &[u8], new: &[u8]) -> Result<Vec<u8>, SectionError> {
    let (old, new) = (split(base)?, split(new)?);
    let mut patch = Patch::default();
    let mut added = Vec::new();
    let mut fresh = new.iter().peekable();
    for (index, field) in old.iter().enumerate() {
        let index = u32::try_from(index).map_err(|_| SectionError::TooLarge)?;
        while let Some(put) = fresh.next_if(|next| *next < field) {
            added.push(put);
        }
        if fresh.next_if_eq(&field).is_none() {
            patch.delete.push(index);
        }
    }
    added.extend(fresh);
    splice_lone_fields(&old, &mut added, &mut patch);
    patch.put = added.iter().map(|field| field.whole.to_vec()).collect();
    Ok(patch.encode_to_vec())
}

/// Applies a patch to a canonical section; the result is canonical.
pub fn apply(base: &[u8], patch: &[u8]) -> Result<Vec<u8>, SectionError> {
    let patch = Patch::decode(patch).map_err(|_| SectionError::Patch)?;
    let mut fields: Vec<Option<Field<'_>>> = split(base)?.into_iter().map(Some).collect();
    let mut spliced = Vec::new();
    for (index, runs) in grouped(&patch.splice) {
        let slot = slot(&mut fields, index)?;
        let field = slot.take().filter(|field| field.delimited);
        spliced.push(overwrite(field.ok_or(SectionError::Patch)?, &runs)?);
    }
    for index in &patch.delete {
        slot(&mut fields, *index)?
            .take()
            .ok_or(SectionError::Patch)?;
    }
    let mut fields: Vec<Field<'_>> = fields.into_iter().flatten().collect();
    for put in spliced.iter().chain(&patch.put) {
        match split(put)?.as_slice() {
            [field] => fields.push(*field),
            _ => return Err(SectionError::Patch),
        }
    }
    fields.sort_unstable();
    let size: usize = fields.iter().map(|field| field.whole.len()).sum();
    if size as u64 > MAX_SECTION {
        return Err(SectionError::TooLarge);
    }
    Ok(join(&fields))
}

fn slot<T>(fields: &mut [T], index: u32) -> Result<&mut T, SectionError> {
    let index = usize::try_from(index).map_err(|_| SectionError::Patch)?;
    fields.get_mut(index).ok_or(SectionError::Patch)
}

fn grouped(splices: &[Splice]) -> impl Iterator<Item = (u32, Vec<&Splice>)> {
    splices.chunk_by(|a, b| a.index == b.index).map(|runs| {
        (
            runs.first().map_or(0, |run| run.index),
            runs.iter().collect(),
        )
    })
}

fn overwrite(field: Field<'_>, runs: &[&Splice]) -> Result<Vec<u8>, SectionError> {
    let mut content = field.content.to_vec();
    for run in runs {
        let start = usize::try_from(run.offset).map_err(|_| SectionError::Patch)?;
        let tail = content.get_mut(start..).ok_or(SectionError::Patch)?;
        let (inside, beyond) = run.bytes.split_at(tail.len().min(run.bytes.len()));
        if let Some(target) = tail.get_mut(..inside.len()) {
            target.copy_from_slice(inside);
        }
        content.extend_from_slice(beyond);
    }
    let mut whole = Vec::with_capacity(content.len() + 10);
    encode_key(field.number, WireType::LengthDelimited, &mut whole);
    encode_varint(content.len() as u64, &mut whole);
    whole.extend_from_slice(&content);
    Ok(whole)
}

/// Replaces "delete the only field of this number, put another" by its differing bytes, where that
/// is shorter.
fn splice_lone_fields(old: &[Field<'_>], added: &mut Vec<&Field<'_>>, patch: &mut Patch) {
    let (olds, news) = (alone(old.iter()), alone(added.iter().copied()));
    let mut kept = Vec::new();
    for index in std::mem::take(&mut patch.delete) {
        let before = usize::try_from(index).ok().and_then(|i| old.get(i));
        let runs = before.and_then(|before| {
            olds.get(&before.number).copied().flatten()?;
            let next = news.get(&before.number).copied().flatten()?;
            let both = before.delimited && next.delimited;
            let runs = both.then(|| runs(index, before.content, next.content))??;
            // A field that isn't encoded the shortest way can't be rebuilt from its content.
            let rebuilt = overwrite(*before, &runs.iter().collect::<Vec<_>>());
            (rebuilt.as_deref() == Ok(next.whole)).then_some(runs)
        });
        match (runs, before) {
            (Some(runs), Some(before)) => {
                patch.splice.extend(runs);
                added.retain(|field| field.number != before.number);
            }
            _ => kept.push(index),
        }
    }
    patch.delete = kept;
}

/// The fields that are the only ones of their number.
fn alone<'f, 'a>(
    fields: impl Iterator<Item = &'f Field<'a>>,
) -> BTreeMap<u32, Option<&'f Field<'a>>> {
    let mut alone = BTreeMap::new();
    for field in fields {
        let only = alone.entry(field.number).or_insert(Some(field));
        if only.is_some_and(|only| !std::ptr::eq(only, field)) {
            *only = None;
        }
    }
    alone
}

/// The differing runs of two byte strings, or none where sending the whole is no longer.
fn runs(index: u32, old: &[u8], new: &[u8]) -> Option<Vec<Splice>> {
    const OVERHEAD: usize = 16;
    let shared = new.get(..old.len())?;
    let mut runs: Vec<Splice> = Vec::new();
    let differing = shared.iter().zip(old).enumerate();
    for (at, (byte, _)) in differing.filter(|(_, (a, b))| a != b) {
        match runs.last_mut() {
            Some(run) if at as u64 == run.offset + run.bytes.len() as u64 => run.bytes.push(*byte),
            _ => runs.push(Splice {
                index,
                offset: at as u64,
                bytes: vec![*byte],
            }),
        }
    }
    if let Some(beyond) = new.get(old.len()..).filter(|beyond| !beyond.is_empty()) {
        runs.push(Splice {
            index,
            offset: old.len() as u64,
            bytes: beyond.to_vec(),
        });
    }
    let cost: usize = runs.iter().map(|run| run.bytes.len() + OVERHEAD).sum();
    (cost < new.len()).then_some(runs)
}

fn join(fields: &[Field<'_>]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|field| field.whole)
        .copied()
        .collect()
}

fn split(encoded: &[u8]) -> Result<Vec<Field<'_>>, SectionError> {
    let mut fields = Vec::new();
    let mut rest = encoded;
    while !rest.is_empty() {
        let start = rest;
        let (number, wire) = decode_key(&mut rest).map_err(|_| SectionError::Encoding)?;
        let (skip, delimited) = match wire {
            WireType::Varint => {
                let before = rest;
                decode_varint(&mut rest).map_err(|_| SectionError::Encoding)?;
                let taken = before.len() - rest.len();
                rest = before;
                (taken, false)
            }
            WireType::SixtyFourBit => (8, false),
            WireType::ThirtyTwoBit => (4, false),
            WireType::LengthDelimited => {
                let length = decode_varint(&mut rest).map_err(|_| SectionError::Encoding)?;
                let length = usize::try_from(length).map_err(|_| SectionError::Encoding)?;
                (length, true)
            }
            WireType::StartGroup | WireType::EndGroup => return Err(SectionError::Encoding),
        };
        let (content, after) = rest.split_at_checked(skip).ok_or(SectionError::Encoding)?;
        let (whole, _) = start.split_at(start.len() - after.len());
        fields.push(Field {
            number,
            content,
            whole,
            delimited,
        });
        rest = after;
    }
    Ok(fields)
}
