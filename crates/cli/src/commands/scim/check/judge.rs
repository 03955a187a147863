//! What is wrong with an answer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::step::Expect;

/// Values by their names.
pub(super) type Values = BTreeMap<String, String>;

/// What came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media: String,
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
    pub(super) took: Duration,
}

impl Answer {
    /// Its body, if that is JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A text with values in place of their names; the name of one that is not there.
pub(super) fn filled(text: &str, values: &Values) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        let value = values.get(name).ok_or_else(|| name.to_owned())?;
        out = out + before + value;
        rest = behind;
    }
    Ok(out + rest)
}

/// The same in every text of JSON: a value that a server chose stays inside its text.
pub(super) fn filled_in(json: Value, values: &Values) -> Result<Value, String> {
    Ok(match json {
        Value::String(text) => Value::String(filled(&text, values)?),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| filled_in(item, values));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| Ok((name, filled_in(value, values)?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        other => other,
    })
}

/// Everything that is not as it has to be, each in a few words. A wrong status says enough: what else is missing
/// follows from it.
pub(super) fn judge(expected: &[Expect], answer: &Answer, values: &Values) -> Vec<String> {
    let json = answer.json();
    for expect in expected {
        if let Expect::Status(wanted) = expect
            && !wanted.contains(&answer.status)
        {
            return vec![status(wanted, answer, &json)];
        }
    }
    let each = expected.iter();
    each.filter_map(|expect| wrong(*expect, answer, &json, values))
        .collect()
}

/// What was answered in place of the right status, with the reason that the body gives.
fn status(wanted: &[u16], answer: &Answer, json: &Value) -> String {
    let wanted: Vec<String> = wanted.iter().map(u16::to_string).collect();
    let said = json.get("detail").and_then(Value::as_str).map(short);
    let said = said.map_or_else(String::new, |said| format!(": {said}"));
    format!(
        "answered {} where {} is needed{said}",
        answer.status,
        wanted.join(" or ")
    )
}

fn wrong(expect: Expect, answer: &Answer, json: &Value, values: &Values) -> Option<String> {
    let at = |place: &str| json.pointer(place);
    let shown =
        |place: &str| at(place).map_or_else(|| "missing".to_owned(), |v| short(&v.to_string()));
    let is = |place: &str, wanted: &str, fits: bool| {
        (!fits).then(|| format!("{} is {}, not {wanted}", named(place), shown(place)))
    };
    let full = |text: &str| filled(text, values).unwrap_or_else(|_| text.to_owned());
    match expect {
        Expect::Status(_) => None,
        Expect::Schema(urn) => {
            let named = json.get("schemas").and_then(Value::as_array);
            let there = named.is_some_and(|all| all.iter().any(|held| held == urn));
            (!there).then(|| format!("schemas does not name {urn}"))
        }
        Expect::Has(place) => {
            let there = at(place).is_some_and(|value| !is_empty(value));
            (!there).then(|| format!("{} is missing or empty", named(place)))
        }
        Expect::Lacks(place) => is(place, "absent", at(place).is_none_or(is_empty)),
        Expect::Is(place, text) => {
            let wanted = full(text);
            let fits = at(place).and_then(Value::as_str) == Some(&wanted);
            is(place, &format!("{wanted:?}"), fits)
        }
        Expect::Bool(place, wanted) => {
            let fits = at(place).and_then(Value::as_bool) == Some(wanted);
            is(place, &format!("the boolean {wanted}"), fits)
        }
        Expect::Number(place) => is(place, "a number", at(place).is_some_and(Value::is_u64)),
        Expect::Count(place, wanted) => {
            let fits = at(place).and_then(Value::as_u64) == Some(wanted);
            is(place, &wanted.to_string(), fits)
        }
        Expect::List(place) => is(place, "a list", at(place).is_some_and(Value::is_array)),
        Expect::Holds(place, text) => {
            let wanted = full(text);
            let there = one_has(at(place), "value", &wanted);
            (!there).then(|| format!("{} lacks the value {wanted}", named(place)))
        }
        Expect::Misses(place, text) => {
            let unwanted = full(text);
            let there = one_has(at(place), "value", &unwanted);
            there.then(|| format!("{} still has the value {unwanted}", named(place)))
        }
        Expect::Names(place, id) => {
            let there = one_has(at(place), "id", id);
            (!there).then(|| format!("{} does not name {id}", named(place)))
        }
        Expect::NoNulls => null_in(json, "").map(|place| format!("{place} is null")),
        Expect::Media => {
            let plain = answer.media.split(';').next().unwrap_or_default().trim();
            let fits = ["application/scim+json", "application/json"]
                .iter()
                .any(|known| plain.eq_ignore_ascii_case(known));
            (!fits).then(|| {
                format!(
                    "Content-Type is {:?}, not application/scim+json",
                    short(plain)
                )
            })
        }
        Expect::Location => {
            let there = answer.location.as_ref().is_some_and(|url| !url.is_empty());
            (!there).then(|| "the header Location is missing".to_owned())
        }
        Expect::Within(most) => {
            let took = answer.took.as_millis();
            (took > u128::from(most)).then(|| format!("took {took} ms, more than {most}"))
        }
    }
}

fn named(place: &str) -> String {
    let name = place.trim_start_matches('/');
    if name.is_empty() {
        "the answer".to_owned()
    } else {
        name.replace('/', ".")
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn one_has(list: Option<&Value>, name: &str, wanted: &str) -> bool {
    let items = list.and_then(Value::as_array);
    items.is_some_and(|items| {
        let held = |item: &Value| item.get(name).and_then(Value::as_str) == Some(wanted);
        items.iter().any(held)
    })
}

/// The first null, by its place.
fn null_in(value: &Value, place: &str) -> Option<String> {
    match value {
        Value::Null => Some(
            if place.is_empty() {
                "the answer"
            } else {
                place
            }
            .to_owned(),
        ),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(at, item)| null_in(item, &format!("{place}[{at}]")))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let dot = if place.is_empty() { "" } else { "." };
            null_in(member, &format!("{place}{dot}{name}"))
        }),
        _ => None,
    }
}

/// What somebody else wrote, on one line that is not long.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 160;
    let line: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    let cut = text.chars().count() > MOST;
    if cut { line + "…" } else { line }
}

#[cfg(test)]
mod tests;
