//! Keys as people read them.

use aeolus_api::key::{Key, KeyPurpose, KeyState};
use aeolus_model::Time;

use crate::moments::ahead;
use crate::ui::Table;

/// One line each.
pub(super) fn table(keys: &[Key], now: Time) -> Table {
    let mut table = Table::new(&[
        "PURPOSE",
        "KID",
        "STATE",
        "SINCE",
        "NEXT",
        "NEEDED BY",
        "UNTIL",
    ]);
    for key in keys {
        table.row([
            key.purpose.name().to_owned(),
            key.kid.clone(),
            key.state.name().to_owned(),
            moment(key.since, now),
            next(key, now),
            needed_by(key),
            until(key, now),
        ]);
    }
    table
}

/// Whose tokens need keys, one line per organization.
pub(super) fn needs(keys: &[Key], now: Time) -> Table {
    let mut table = Table::new(&["PURPOSE", "KID", "ORGANIZATION", "NEEDED BY", "UNTIL"]);
    for key in keys {
        let row = |place: &str, needed: String, until: String| {
            let purpose = key.purpose.name().to_owned();
            [purpose, key.kid.clone(), place.to_owned(), needed, until]
        };
        if key.needed.organizations.is_empty() {
            table.row(row("-", needed_by(key), until(key, now)));
        }
        for place in &key.needed.organizations {
            let needed = format!("{} tokens", place.tokens);
            table.row(row(&place.name, needed, moment(place.until, now)));
        }
    }
    table
}

/// What ends with a key.
pub(super) fn ending(key: &Key) -> String {
    match (key.state, key.needed.tokens) {
        (KeyState::Announced, _) | (_, Some(0)) => "nothing that is good".to_owned(),
        (_, Some(count)) => counted(key.purpose, count),
        (_, None) => "what it signed in the last minutes".to_owned(),
    }
}

fn counted(purpose: KeyPurpose, count: u64) -> String {
    match purpose {
        KeyPurpose::Access => {
            format!("the access tokens of up to {count} sessions (the sessions go on)")
        }
        _ => format!("{count} tokens"),
    }
}

fn needed_by(key: &Key) -> String {
    match key.needed.tokens {
        Some(0) => "nobody".to_owned(),
        Some(count) if key.purpose == KeyPurpose::Access => format!("up to {count} sessions"),
        Some(count) => format!("{count} tokens"),
        None => "what it signed last".to_owned(),
    }
}

fn until(key: &Key, now: Time) -> String {
    key.needed
        .until
        .map_or_else(|| "-".to_owned(), |at| moment(at, now))
}

fn next(key: &Key, now: Time) -> String {
    let Some(next) = &key.next else {
        return "-".to_owned();
    };
    let at = Time::from_secs(next.at);
    let at = if at <= now {
        "now".to_owned()
    } else {
        ahead(at, now)
    };
    let mut text = format!("{} {at}", next.step.name());
    if next.needs.is_some() {
        text.push_str(", needs a root document");
    }
    if !next.waits_for.is_empty() {
        text.push_str(", waits for ");
        text.push_str(&next.waits_for.join(" "));
        if let Some(latest) = next.at_the_latest {
            text.push_str(" until ");
            text.push_str(&ahead(Time::from_secs(latest), now));
        }
    }
    text
}

fn moment(secs: i64, now: Time) -> String {
    ahead(Time::from_secs(secs), now)
}

#[cfg(test)]
mod tests {
    use aeolus_api::key::{KeyNeeds, KeyStep, NextStep};

    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);

    fn key(purpose: KeyPurpose, tokens: Option<u64>) -> Key {
        Key {
            purpose,
            kid: "k".to_owned(),
            state: KeyState::Announced,
            since: NOW.secs() - 60,
            next: Some(NextStep {
                step: KeyStep::Activate,
                at: NOW.secs() - 1,
                at_the_latest: Some(NOW.secs() + 3600),
                waits_for: vec!["eu-1".to_owned()],
                needs: None,
            }),
            needed: KeyNeeds {
                tokens,
                ..KeyNeeds::default()
            },
            jwk: serde_json::Value::Null,
        }
    }

    #[test]
    fn a_key_that_waits_says_for_whom() {
        let shown = next(&key(KeyPurpose::Api, Some(0)), NOW);
        assert_eq!(shown, "activate now, waits for eu-1 until in 1 h");
    }

    #[test]
    fn what_ends_is_said_in_what_people_have() {
        let active = |purpose, tokens| Key {
            state: KeyState::Active,
            ..key(purpose, tokens)
        };
        assert_eq!(ending(&active(KeyPurpose::Api, Some(12))), "12 tokens");
        assert!(ending(&active(KeyPurpose::Access, Some(3))).contains("up to 3 sessions"));
        assert!(ending(&active(KeyPurpose::Id, None)).contains("last minutes"));
        assert_eq!(
            ending(&key(KeyPurpose::Api, Some(0))),
            "nothing that is good"
        );
    }
}
