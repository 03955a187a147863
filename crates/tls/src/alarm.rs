//! A certificate ends, and whoever should renew it has not.

use std::time::Duration;

use aeolus_model::{Time, rfc3339};
use aeolus_pki::check::Rule;
use aeolus_pki::late;

use crate::kept::{Member, Role};

/// How near the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// It is [`late`] to renew it.
    Late,
    /// 7 days are left, or a twelfth of its life if that is less.
    Urgent,
    /// 1 day, or a 24th.
    Last,
    /// Nothing.
    Ended,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Alarm {
    /// The stage at a time; none while there is enough left. What is renewed in time, at two thirds of its
    /// life, never gets here.
    pub fn at(now: Time, from: Time, until: Time) -> Option<Self> {
        let life = until.since(from);
        let left = until.since(now);
        if now > until {
            return Some(Self::Ended);
        }
        let within = |days: u32, share: u32| left <= (DAY * days).min(life / share);
        if within(1, 24) {
            Some(Self::Last)
        } else if within(7, 12) {
            Some(Self::Urgent)
        } else if now >= late(from, until) {
            Some(Self::Late)
        } else {
            None
        }
    }

    /// What `aeolus pki check` finds in it.
    const fn rule(self) -> Rule {
        match self {
            Self::Late | Self::Urgent | Self::Last => Rule::LATE,
            Self::Ended => Rule::EXPIRED,
        }
    }
}

/// Says it, in the words of `aeolus pki check` where the certificate is our own.
pub(crate) fn say(member: &Member, stage: Alarm, now: Time) {
    let Member { name, subject, .. } = member;
    let ends = rfc3339(member.until.secs());
    let role = member.role.name();
    let rule = stage.rule();
    let (means, act) = match member.role {
        Role::Leaf | Role::Chain => (rule.means, rule.act),
        Role::Authority => (
            "Once it has expired, other programs refuse what it vouches for, and so do listeners that ask clients for certificates; where this one connects to, it still believes it.",
            "put its successor beside it now; `aeolus pki rotate-ca` does that for an authority of its own",
        ),
        Role::Signer => (
            "whoever looks at its dates believes nothing that its key signs once it has expired",
            "give whoever believes it the next one, from `aeolus key rotate` or `aeolus key import`, before then",
        ),
    };
    let Rule { code, what, .. } = rule;
    if stage == Alarm::Ended {
        tracing::error!(certificate = name, role, %subject, ends, "{code}: a certificate: {what}. {means} To do: {act}");
    } else {
        let left = spoken(member.until.since(now));
        tracing::warn!(certificate = name, role, %subject, ends, left, "{code}: a certificate: {what}. {means} To do: {act}");
    }
}

/// What is left, by its largest unit.
fn spoken(left: Duration) -> String {
    let seconds = left.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let unit = units.iter().find(|(unit, _)| seconds >= *unit);
    unit.map_or_else(
        || format!("{seconds} s"),
        |(unit, name)| format!("{} {name}", seconds / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f62_the_alarm_is_there_before_the_end_and_never_for_what_is_renewed_in_time() {
        let from = Time::from_secs(1_800_000_000);
        // Seconds of life, and what is left at each stage.
        let table = [
            (365 * 86_400, [30 * 86_400, 7 * 86_400, 86_400]),
            (90 * 86_400, [15 * 86_400, 7 * 86_400, 86_400]),
            (6 * 86_400, [86_400, 43_200, 21_600]),
            (60, [10, 5, 2]),
        ];
        for (life, stages) in table {
            let until = from.plus(Duration::from_secs(life));
            let at = |left: u64| Alarm::at(until.minus(Duration::from_secs(left)), from, until);
            for (left, stage) in stages
                .into_iter()
                .zip([Alarm::Late, Alarm::Urgent, Alarm::Last])
            {
                assert_eq!(at(left), Some(stage), "{life} {left}");
                assert!(at(left + 1) < Some(stage), "{life} {left}");
            }
            assert_eq!(at(life / 3), None, "{life}");
            assert_eq!(Alarm::at(until.plus(DAY), from, until), Some(Alarm::Ended));
        }
    }
}
