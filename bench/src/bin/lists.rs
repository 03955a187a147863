//! What a public status list costs: `lists` packs, signs and verifies full ones with ever more revoked
//! values in them, and prints a line for each.

use std::io::Write as _;

use aeolus_keys::status_list::{BYTES, Claims, LENGTH, StatusList, TTL, pack, uri};
use aeolus_keys::{Alg, KeyRing, Kind, SigningKey, SystemRng};
use aeolus_model::{OrganizationId, Rng as _, Time};
use anyhow::ensure;
use tokio::time::Instant;

const ISSUER: &str = "https://control.example.com";
const NOW: i64 = 1_800_000_000;
/// Of ten thousand values.
const REVOKED: [u32; 5] = [0, 10, 100, 1_000, 5_000];

fn main() -> anyhow::Result<()> {
    let key = SigningKey::generate(Alg::EdDsa, &SystemRng)?;
    let mut ring = KeyRing::default();
    ring.insert(Kind::StatusList, key.public().clone())?;
    let uri = uri(ISSUER, OrganizationId::from_bytes([1; 16]), 0);
    let mut out = std::io::stdout().lock();
    for share in REVOKED {
        let bits = some(share);
        let begun = Instant::now();
        let lst = pack(&bits);
        let packed = begun.elapsed();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: uri.clone(),
            iat: NOW,
            exp: NOW + 86_400,
            ttl: TTL,
            status_list: lst.into(),
        };
        let begun = Instant::now();
        let list = key.sign(Kind::StatusList, &claims)?;
        let signed = begun.elapsed();
        let begun = Instant::now();
        let read = StatusList::verify(list.as_bytes(), &ring, &uri, Time::from_secs(NOW))?;
        let verified = begun.elapsed();
        ensure!(read.is_revoked(0)? == (bits.first().is_some_and(|byte| byte & 1 == 1)));
        writeln!(
            out,
            "lists: values={LENGTH} revoked_per_10000={share} bytes={} pack_us={} sign_us={} verify_us={}",
            list.len(),
            packed.as_micros(),
            signed.as_micros(),
            verified.as_micros()
        )?;
    }
    Ok(())
}

/// A list in which about so many of ten thousand values are revoked.
fn some(share: u32) -> Vec<u8> {
    let mut bits = vec![0_u8; BYTES];
    let mut random = vec![0_u8; 8 * 4 * BYTES];
    SystemRng.fill(&mut random);
    for (at, draw) in random.as_chunks::<4>().0.iter().enumerate() {
        let revoked = u32::from_le_bytes(*draw) % 10_000 < share;
        if let Some(byte) = bits.get_mut(at / 8) {
            *byte |= u8::from(revoked) << (at % 8);
        }
    }
    bits
}
