//! When to order: by parts of a life and by what the authority suggests (RFC 9773), and after failures ever later.

use std::fmt;
use std::time::Duration;

use aeolus_model::{Rng, Time};
use aeolus_pki::{Certificate, San, due, late};

use crate::asked::Recorded;
use crate::state::{Failed, Kept};

/// Why a certificate is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is none, or half of one.
    Missing,
    /// What is there can't be used.
    Unusable,
    /// Another one lies there than this client wrote.
    Another,
    /// Other names, or another authority.
    AskedOtherwise,
    /// It is time.
    Due,
    /// It was asked to.
    Told,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there was none",
            Self::Unusable => "what was there could not be used",
            Self::Another => "what was there came from elsewhere",
            Self::AskedOtherwise => "other names or another authority are asked for",
            Self::Due => "it was due",
            Self::Told => "it was asked to",
        })
    }
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Need<'a> {
    /// Nothing.
    Nothing {
        /// When it is time.
        at: Time,
        /// What is good until then.
        certificate: &'a Certificate,
    },
    /// To order.
    Order(Why),
    /// To wait, after failures.
    Wait(&'a Failed),
}

/// What lies there, as far as this counts.
pub(crate) enum Lying<'a> {
    Nothing,
    Unusable,
    Pair(&'a Certificate),
}

/// Decides.
pub(crate) fn need<'a>(
    (asked, names): (&Recorded, &[San]),
    kept: Option<&'a Kept>,
    lying: &Lying<'a>,
    (now, anyway): (Time, bool),
) -> Need<'a> {
    let why = match lying {
        _ if anyway => return Need::Order(Why::Told),
        Lying::Nothing => Why::Missing,
        Lying::Unusable => Why::Unusable,
        Lying::Pair(certificate) => match judged((asked, names), kept, certificate, now) {
            Ok(at) => return Need::Nothing { at, certificate },
            Err(why) => why,
        },
    };
    // What failed for other names or another authority says nothing about these.
    let failed = kept.and_then(|kept| kept.failed.as_ref());
    match failed.filter(|failed| failed.asked == *asked) {
        Some(failed) if now < failed.until && failed.until <= now.plus(MOST) => Need::Wait(failed),
        _ => Need::Order(why),
    }
}

/// When a pair is to be replaced, or why at once.
fn judged(
    (asked, names): (&Recorded, &[San]),
    kept: Option<&Kept>,
    certificate: &Certificate,
    now: Time,
) -> Result<Time, Why> {
    let kept = kept.filter(|kept| kept.wrote(&certificate.fingerprint()));
    let kept = kept.ok_or(Why::Another)?;
    let is_for = |name: &San| certificate.names.iter().any(|own| own.covers(name));
    let same = kept
        .asked
        .as_ref()
        .is_some_and(|before| before.directory == asked.directory && before.names == asked.names);
    if !same || !names.iter().all(is_for) {
        return Err(Why::AskedOtherwise);
    }
    let relative = due(certificate.not_before, certificate.not_after);
    // Whatever was suggested, it is never late before it is tried.
    let late = late(certificate.not_before, certificate.not_after);
    let at = kept.renew_at.unwrap_or(relative).min(late);
    if now >= at { Err(Why::Due) } else { Ok(at) }
}

/// When a new certificate is renewed: up to a twentieth of its life earlier than [`due`], so that many that began
/// together don't end together.
pub(crate) fn renewal(from: Time, until: Time, rng: &dyn Rng) -> Time {
    due(from, until).minus(part(until.since(from) / 20, rng))
}

/// A moment of a window that an authority suggests (RFC 9773 §4.2); now, once that has begun and passed.
pub(crate) fn within((from, until): (Time, Time), rng: &dyn Rng) -> Time {
    from.plus(part(until.since(from), rng))
}

/// Let's Encrypt counts five failures of a name an hour.
const FIRST: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// However long an authority wants to be left alone, it is asked once a day: what it says may be a mistake, and the
/// certificate ends meanwhile.
const MOST: Duration = Duration::from_secs(24 * 3600);

/// When it is tried again after so many failures: 15 minutes, twice as long each time, 12 hours at most, a fifth of it
/// by chance; not before the authority allows, as far as that is within a day.
pub(crate) fn again(failures: u32, now: Time, allowed: Option<Time>, rng: &dyn Rng) -> Time {
    let doublings = failures.saturating_sub(1).min(16);
    let pause = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let at = now.plus(pause).plus(part(pause / 5, rng));
    allowed.map_or(at, |allowed| allowed.min(now.plus(MOST)).max(at))
}

/// A part of a length of time, by chance.
pub(crate) fn part(of: Duration, rng: &dyn Rng) -> Duration {
    let mut bytes = [0; 4];
    rng.fill(&mut bytes);
    let millis = of
        .as_millis()
        .saturating_mul(u128::from(u32::from_be_bytes(bytes)))
        >> 32;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
