//! The one-time token that lets a gate join.

use aeolus_model::{PlaneId, Secret, Slug};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

const PREFIX: &str = "aeolus-join.";

/// What `aeolus plane add` prints and `aeolus gate enroll` reads: where control is, which root to
/// trust, and a secret that proves once that the gate was invited.
#[derive(Clone, Debug)]
pub struct JoinToken {
    /// Control's public URL.
    pub url: String,
    /// The plane to become a gate of.
    pub plane: PlaneId,
    /// The plane's name.
    pub name: Slug,
    /// Lower-case hex SHA-256 of the first root document: what makes control's answer believable
    /// before anything else is known.
    pub root_sha256: String,
    /// 256 bits, good for one enrolment within an hour. Never sent: only an HMAC under it is.
    pub secret: Secret<[u8; 32]>,
}

/// A text that is no join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a join token: paste the whole text that `aeolus plane add` printed, beginning with aeolus-join."
)]
pub struct JoinTokenError;

#[derive(Serialize, Deserialize)]
struct Wire {
    u: String,
    p: PlaneId,
    h: String,
    s: String,
    n: Slug,
}

impl JoinToken {
    /// The text form: a prefix and base64url JSON.
    pub fn encode(&self) -> Secret<String> {
        let wire = Wire {
            u: self.url.clone(),
            p: self.plane,
            h: self.root_sha256.clone(),
            s: URL_SAFE_NO_PAD.encode(self.secret.expose()),
            n: self.name.clone(),
        };
        let json = serde_json::to_vec(&wire).unwrap_or_default();
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json)))
    }

    /// Reads the text form; white space around it is forgiven, because it is pasted by people.
    pub fn parse(text: &str) -> Result<Self, JoinTokenError> {
        let body = text.trim().strip_prefix(PREFIX).ok_or(JoinTokenError)?;
        let json = URL_SAFE_NO_PAD.decode(body).map_err(|_| JoinTokenError)?;
        let wire: Wire = serde_json::from_slice(&json).map_err(|_| JoinTokenError)?;
        let secret = URL_SAFE_NO_PAD.decode(&wire.s).ok();
        let secret = secret.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if wire.h.len() != 64 || !wire.h.bytes().all(hex) {
            return Err(JoinTokenError);
        }
        Ok(Self {
            url: wire.u,
            plane: wire.p,
            name: wire.n,
            root_sha256: wire.h,
            secret: Secret::new(secret.ok_or(JoinTokenError)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_hides_its_secret() {
        let token = JoinToken {
            url: "http://127.0.0.1:8800".into(),
            plane: PlaneId::from_bytes([7; 16]),
            name: Slug::parse("eu-1").unwrap(),
            root_sha256: "ab".repeat(32),
            secret: Secret::new([9; 32]),
        };
        let text = token.encode();
        let read = JoinToken::parse(&format!("  {}\n", text.expose())).unwrap();
        assert_eq!(read.plane, token.plane);
        assert_eq!(read.secret.expose(), token.secret.expose());
        assert!(!format!("{read:?}").contains("9, 9"));
        for bad in ["", "aeolus-join.", "aeolus-join.e30", "x.y"] {
            assert!(JoinToken::parse(bad).is_err(), "{bad}");
        }
    }
}
