//! Public status lists: which values of tokens are no longer good, for whoever verifies them without a
//! gate (Token Status List, draft-ietf-oauth-status-list-21).
//!
//! An organization's indexes are cut into lists of [`LENGTH`], so that each is small however many values
//! there are, says nothing of how many, and has one size that is known before it is unpacked.

use aeolus_model::{OrganizationId, Time};
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use serde::{Deserialize, Serialize};

use crate::claims::{ClaimError, LEEWAY, check_times};
use crate::jws::{self, JwsError};
use crate::{KeyRing, Kind, base64url};

/// How many indexes a list has.
pub const LENGTH: u32 = 1 << 20;

/// The bytes of an unpacked list.
pub const BYTES: usize = (LENGTH / 8) as usize;

/// Seconds for which a list may be kept before it should be fetched again.
pub const TTL: u64 = 15;

/// Bits per value: good or not good.
const BITS: u8 = 1;

/// The effort of packing: the draft asks for the most there is, which costs milliseconds.
const LEVEL: u8 = 9;

/// The claim `status` of a token (§6.1). Its other members are other mechanisms'.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where it is said whether the token is still good.
    pub status_list: Place,
}

/// A place in a public list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The index in the list.
    pub idx: u32,
    /// The list.
    pub uri: String,
}

impl Place {
    /// Where the value at an index of an organization's revocations is. Tokens that don't carry the place say
    /// it by this rule.
    pub fn of(issuer: &str, organization: OrganizationId, index: u32) -> Self {
        Self {
            idx: index % LENGTH,
            uri: uri(issuer, organization, index / LENGTH),
        }
    }
}

/// The address of an organization's list `number`, counted from 0.
pub fn uri(issuer: &str, organization: OrganizationId, number: u32) -> String {
    format!("{issuer}/v1/status-lists/{organization}/{number}")
}

/// Packs bits (least significant first, 1 is "not good") as lists carry them.
pub fn pack(bits: &[u8]) -> String {
    base64url::encode(compress_to_vec_zlib(bits, LEVEL))
}

/// What a list says, to sign as [`Kind::StatusList`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Control's public URL.
    pub iss: String,
    /// The list's own address.
    pub sub: String,
    /// When it was made.
    pub iat: i64,
    /// From when on nobody may rely on it.
    pub exp: i64,
    /// [`TTL`].
    pub ttl: u64,
    /// The list.
    pub status_list: Packed,
}

/// A packed list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// Bits per value.
    bits: u8,
    /// As [`pack`] gives it.
    lst: String,
}

impl From<String> for Packed {
    fn from(lst: String) -> Self {
        Self { bits: BITS, lst }
    }
}

/// Why a list is refused. Whoever has an earlier one may go on with that until its end; a token whose state
/// nothing tells is to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusListError {
    /// Not signed, or not as a status list, or by a key for something else.
    #[error("the status list is refused: {0}")]
    Jws(#[from] JwsError),
    /// Expired, or made in the future.
    #[error("the status list's times are refused: {0}")]
    Times(ClaimError),
    /// It is another list than the token names.
    #[error("the status list is another one than the token names")]
    Other,
    /// Not one bit per value.
    #[error("the status list doesn't have one bit per value")]
    Bits,
    /// Not packed as it has to be.
    #[error("the status list can't be unpacked")]
    Packing,
    /// It is longer than a list can be.
    #[error("the status list is too long")]
    TooLong,
    /// The token's place lies outside: nothing is said of it.
    #[error("the token's place is not in the status list")]
    Outside,
}

/// A list that its issuer signed.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusList {
    bits: Vec<u8>,
    /// From when on nobody may rely on it, in seconds.
    pub expires_at: i64,
}

impl StatusList {
    /// Believes a list if a key for status lists signed it, if it is the one at `uri`, and now.
    pub fn verify(
        text: &[u8],
        ring: &KeyRing,
        uri: &str,
        now: Time,
    ) -> Result<Self, StatusListError> {
        let verified = ring.verify(Kind::StatusList, jws::parse_document(text)?)?;
        let claims: Claims = verified.claims()?;
        if claims.sub != uri {
            return Err(StatusListError::Other);
        }
        check_times(claims.iat, None, claims.exp, now, LEEWAY).map_err(StatusListError::Times)?;
        if claims.status_list.bits != BITS {
            return Err(StatusListError::Bits);
        }
        Ok(Self {
            bits: unpack(&claims.status_list.lst)?,
            expires_at: claims.exp,
        })
    }

    /// Whether the value at an index is revoked, deleted or past its grace. Past the end of the list is not
    /// "good": nothing is said of it (§8.3).
    pub fn is_revoked(&self, idx: u32) -> Result<bool, StatusListError> {
        let byte = usize::try_from(idx / 8).ok();
        let byte = byte.and_then(|at| self.bits.get(at));
        Ok(byte.ok_or(StatusListError::Outside)? >> (idx % 8) & 1 == 1)
    }
}

impl std::fmt::Debug for StatusList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatusList({} bytes)", self.bits.len())
    }
}

/// Unpacks into no more than a list has, whatever the packed text claims.
fn unpack(lst: &str) -> Result<Vec<u8>, StatusListError> {
    let packed = base64url::decode(lst).ok_or(StatusListError::Packing)?;
    let mut bits = vec![0; BYTES];
    let flags = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER
        | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    let (status, read, written) = decompress(&mut state, &packed, &mut bits, 0, flags);
    match status {
        TINFLStatus::Done if read == packed.len() => {
            bits.truncate(written);
            Ok(bits)
        }
        TINFLStatus::HasMoreOutput => Err(StatusListError::TooLong),
        _ => Err(StatusListError::Packing),
    }
}
