//! How a section's new content travels: as a patch on what gates have, or as a base of its own.

use crate::blob::expand;
use crate::verify::{fetch, patched};
use crate::{Blobs, Digest, MAX_SECTION, SectionError, SectionRef, compress, patch};

/// The most patches in a list. A gate applies all of them to a section whenever it reads it, so their
/// number bounds its work.
const MAX_PATCHES: usize = 8;
/// What naming a patch costs: its hash in the manifest, which is sent to every gate as long as the
/// patch is in use, and doesn't compress.
const NAME: usize = 48;
/// Patches together may be as large as this part of their base; a gate without the base reads both.
const PART: usize = 4;

/// Where the content is, and the blobs that are new.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    pub(crate) section: SectionRef,
    pub(crate) blobs: Vec<(Digest, Vec<u8>)>,
}

/// A base.
pub(crate) fn whole(content: &[u8], hash: Digest) -> Result<Layers, SectionError> {
    let blob = compress(content)?;
    let base = Digest::of(&blob);
    let section = SectionRef {
        base,
        patches: Vec::new(),
        hash,
        size: content.len() as u64,
    };
    let blobs = vec![(base, blob)];
    Ok(Layers { section, blobs })
}

/// One more patch on the earlier content if that stays small, else one patch in place of all, else a
/// new base. An error if the earlier content can't be read: then only a base will do.
pub(crate) fn after(
    earlier: &SectionRef,
    blobs: Blobs<'_>,
    (content, hash): (&[u8], Digest),
) -> Result<Layers, SectionError> {
    let blob = fetch(&earlier.base, blobs)?;
    let room = blob.len() / PART;
    if room <= NAME {
        return whole(content, hash);
    }
    let base = expand(&blob, MAX_SECTION)?;
    let (old, held) = patched(&base, earlier, blobs)?;
    let layers = |patches: &[Digest], blob: Vec<u8>| {
        let added = Digest::of(&blob);
        let section = SectionRef {
            base: earlier.base,
            patches: patches.iter().copied().chain([added]).collect(),
            hash,
            size: content.len() as u64,
        };
        let blobs = vec![(added, blob)];
        Layers { section, blobs }
    };
    let count = earlier.patches.len();
    if count < MAX_PATCHES {
        let step = compress(&patch::diff(&old, content)?)?;
        if held + step.len() + NAME * (count + 1) <= room {
            return Ok(layers(&earlier.patches, step));
        }
    }
    let all = compress(&patch::diff(&base, content)?)?;
    if all.len() + NAME <= room {
        return Ok(layers(&[], all));
    }
    whole(content, hash)
}
