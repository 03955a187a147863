//! Compressed content whose size is known before it is read.

use zstd::zstd_safe;

use crate::SectionError;

/// The largest section a gate takes, uncompressed: 256 MiB. Well above a plane of 100,000
/// deployments and a million tokens; low enough that nothing signed by mistake fills a machine.
pub const MAX_SECTION: u64 = 256 << 20;

const LEVEL: i32 = 3;

/// Compresses content. The frame states the content's size; equal content gives equal bytes.
pub fn compress(content: &[u8]) -> Result<Vec<u8>, SectionError> {
    if content.len() as u64 > MAX_SECTION {
        return Err(SectionError::TooLarge);
    }
    zstd::bulk::compress(content, LEVEL).map_err(|_| SectionError::Compression)
}

/// The most bytes that compressed content of this size takes: what a download may be cut at.
pub fn max_compressed(size: u64) -> u64 {
    let size = usize::try_from(size.min(MAX_SECTION)).unwrap_or(usize::MAX);
    zstd_safe::compress_bound(size) as u64
}

/// Expands one frame, at most to `limit` bytes: a frame that doesn't say its size, says more than
/// allowed, or holds more than it said, is refused before or while it expands.
pub(crate) fn expand(frame: &[u8], limit: u64) -> Result<Vec<u8>, SectionError> {
    let size = zstd_safe::get_frame_content_size(frame)
        .ok()
        .flatten()
        .ok_or(SectionError::Compression)?;
    if size > limit.min(MAX_SECTION) {
        return Err(SectionError::TooLarge);
    }
    let capacity = usize::try_from(size).map_err(|_| SectionError::TooLarge)?;
    let content = zstd::bulk::decompress(frame, capacity).map_err(|_| SectionError::Compression)?;
    if content.len() as u64 == size {
        Ok(content)
    } else {
        Err(SectionError::Compression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_equal_bytes() {
        let content = b"abc".repeat(1000);
        let frame = compress(&content).unwrap();
        assert_eq!(frame, compress(&content).unwrap());
        assert!(frame.len() as u64 <= max_compressed(content.len() as u64));
        assert_eq!(expand(&frame, 3000).unwrap(), content);
        assert_eq!(expand(&compress(b"").unwrap(), 0).unwrap(), b"");
    }

    #[test]
    fn a_bomb_does_not_expand() {
        let frame = compress(&vec![0; 10 << 20]).unwrap();
        assert!(frame.len() < 2000);
        assert_eq!(expand(&frame, 1 << 20), Err(SectionError::TooLarge));
    }

    #[test]
    fn a_frame_without_size_is_refused() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        std::io::Write::write_all(&mut encoder, b"abc").unwrap();
        let frame = encoder.finish().unwrap();
        assert_eq!(expand(&frame, 100), Err(SectionError::Compression));
        assert_eq!(expand(b"", 100), Err(SectionError::Compression));
        assert_eq!(
            expand(b"not zstd at all", 100),
            Err(SectionError::Compression)
        );
    }
}
