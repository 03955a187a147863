//! Who is told what a connection provisions (note 036), as the configuration says and as the database keeps it.

use aeolus_api::egress::is_askable;
use aeolus_keys::Kind;
use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_model::{ConnectionId, Rng, Secret};
use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::secret;

/// Longest `audience`.
const MAX_AUDIENCE: usize = 1_024;

/// Who is told what a connection provisions, as the configuration says.
#[derive(Clone, Debug)]
pub struct ScimEventsTo {
    /// Where security event tokens are pushed to (RFC 8935).
    pub endpoint: String,
    /// Their `aud`; absent: the endpoint.
    pub audience: Option<String>,
    /// The whole header Authorization; absent: the receiver believes signatures alone.
    pub authorization: Option<Secret<String>>,
}

impl ScimEventsTo {
    /// What is wrong with it: the member, and why.
    pub fn errors(&self) -> Vec<(&'static str, String)> {
        let mut errors = Vec::new();
        if !is_askable(&self.endpoint) {
            let why = "must be an https URL without a name, a password or a fragment in it; http is for this machine only";
            errors.push(("endpoint", why.to_owned()));
        }
        let audience = self.audience.as_deref();
        if audience.is_some_and(|text| text.trim().is_empty() || text.len() > MAX_AUDIENCE) {
            let why = format!("must have 1 to {MAX_AUDIENCE} bytes, or be left out");
            errors.push(("audience", why));
        }
        let fits = |text: &Secret<String>| {
            !text.expose().trim().is_empty()
                && HeaderValue::try_from(text.expose().as_str()).is_ok()
        };
        if self.authorization.as_ref().is_some_and(|text| !fits(text)) {
            let why = "must be a whole header Authorization, such as \"Bearer …\", on one line";
            errors.push(("authorization", why.to_owned()));
        }
        errors
    }
}

/// The same as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receiver {
    /// Where tokens are pushed to.
    pub(crate) endpoint: String,
    /// Their `aud`, where it isn't the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
    /// The header, sealed under the master key together with the endpoint that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorization: Option<String>,
}

impl Receiver {
    /// As it is kept from now on. What is the same stays as it was sealed.
    pub(super) fn of(
        wanted: &ScimEventsTo,
        (master, rng): (&MasterKey, &dyn Rng),
        (id, held): (ConnectionId, Option<&Self>),
    ) -> Result<Self, EnvelopeError> {
        let endpoint = wanted.endpoint.clone();
        let sealed = wanted.authorization.as_ref().map(|authorization| {
            let both = Secret::new(format!("{endpoint}\n{}", authorization.expose()));
            let held = held.and_then(|held| held.authorization.clone());
            let record = (id, Kind::SecurityEvent);
            secret::seal_unless_held((master, rng), record, both.expose(), held)
        });
        Ok(Self {
            audience: wanted.audience.clone(),
            authorization: sealed.transpose()?,
            endpoint,
        })
    }

    /// The `aud` of its tokens.
    pub(crate) fn audience(&self) -> &str {
        self.audience.as_deref().unwrap_or(&self.endpoint)
    }

    /// The whole header Authorization, if it wants one. What was sealed for another endpoint isn't given.
    pub(crate) fn authorization(
        &self,
        master: &MasterKey,
        id: ConnectionId,
    ) -> Result<Option<Secret<String>>, EnvelopeError> {
        let Some(sealed) = &self.authorization else {
            return Ok(None);
        };
        let opened = secret::open(master, (id, Kind::SecurityEvent), sealed)?;
        match opened.expose().split_once('\n') {
            Some((endpoint, header)) if endpoint == self.endpoint => {
                Ok(Some(Secret::new(header.to_owned())))
            }
            _ => Err(EnvelopeError::Tampered),
        }
    }
}

#[cfg(test)]
mod tests {
    use aeolus_testkit::SeededRng;

    use super::*;

    fn wanted(endpoint: &str, authorization: &str) -> ScimEventsTo {
        ScimEventsTo {
            endpoint: endpoint.to_owned(),
            audience: None,
            authorization: Some(Secret::new(authorization.to_owned())),
        }
    }

    #[test]
    fn scim_a_receiver_is_reached_by_https_with_a_header_that_can_be_sent() {
        let good = wanted("https://events.example.com/in", "Bearer abc");
        assert!(good.errors().is_empty());
        assert!(
            wanted("http://127.0.0.1:9/in", "Bearer a")
                .errors()
                .is_empty()
        );
        for endpoint in [
            "http://events.example.com",
            "ftp://a.test",
            "",
            "https://u:p@a.test/",
        ] {
            let errors = wanted(endpoint, "Bearer a").errors();
            assert_eq!(errors[0].0, "endpoint", "{endpoint}");
        }
        for header in ["", " ", "Bearer a\nX: y"] {
            let errors = wanted("https://a.test/", header).errors();
            assert_eq!(errors[0].0, "authorization", "{header:?}");
            assert!(header.trim().is_empty() || !errors[0].1.contains(header));
        }
        for audience in [" ".to_owned(), "x".repeat(MAX_AUDIENCE + 1)] {
            let bad = ScimEventsTo {
                audience: Some(audience),
                ..good.clone()
            };
            assert_eq!(bad.errors()[0].0, "audience");
        }
    }

    /// Whoever writes to the database gets the header sent nowhere else.
    #[test]
    fn scim_a_receivers_header_is_for_its_endpoint_and_connection_alone() {
        let rng = SeededRng::new("receiver");
        let master = MasterKey::new(&Secret::new([7; 32])).unwrap();
        let id = ConnectionId::from_bytes([1; 16]);
        let wanted = wanted("https://events.example.com/in", "Bearer abc");
        let kept = Receiver::of(&wanted, (&master, &rng), (id, None)).unwrap();
        assert!(!serde_json::to_string(&kept).unwrap().contains("abc"));
        let opened = kept.authorization(&master, id).unwrap().unwrap();
        assert_eq!(opened.expose(), "Bearer abc");
        assert_eq!(kept.audience(), "https://events.example.com/in");
        let same = Receiver::of(&wanted, (&master, &rng), (id, Some(&kept))).unwrap();
        assert_eq!(same, kept);
        let moved = Receiver {
            endpoint: "https://evil.test/".to_owned(),
            ..kept.clone()
        };
        assert_eq!(
            moved.authorization(&master, id).unwrap_err(),
            EnvelopeError::Tampered
        );
        let other = ConnectionId::from_bytes([2; 16]);
        assert!(kept.authorization(&master, other).is_err());
    }
}
