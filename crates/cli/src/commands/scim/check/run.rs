//! Going through a sequence, and leaving nothing behind.

use aeolus_api::egress::EgressError;
use serde_json::Value;

use super::carrier::{Carrier, Sent};
use super::credential::Credential;
use super::judge::{Answer, Values, filled, filled_in, judge, short};
use super::line::Line;
use super::step::{Ask, Step, delete, get};
use crate::args::ScimProfile;

/// So many requests in a row without an answer, and the rest is not tried.
const PATIENCE: u32 = 3;
const CLEAN: &str = "delete what the check has made";

/// A run against one endpoint.
pub(super) struct Run<'c, C> {
    pub(super) carrier: &'c C,
    pub(super) base: String,
    pub(super) credential: Credential,
    pub(super) profile: ScimProfile,
    pub(super) values: Values,
    pub(super) lines: Vec<Line>,
    /// What this run has made and not deleted: its name, and where it is.
    made: Vec<(&'static str, String)>,
    /// Whether something may have been made that nobody knows the id of.
    unsure: bool,
    unanswered: u32,
}

impl<'c, C: Carrier> Run<'c, C> {
    pub(super) fn new(
        carrier: &'c C,
        base: String,
        (credential, profile): (Credential, ScimProfile),
        values: Values,
    ) -> Self {
        Self {
            carrier,
            base,
            credential,
            profile,
            values,
            lines: Vec::new(),
            made: Vec::new(),
            unsure: false,
            unanswered: 0,
        }
    }

    /// Every step, each with its line.
    pub(super) async fn go(&mut self, steps: impl Iterator<Item = &Step>) {
        for step in steps {
            let line = self.take(step).await;
            self.lines.push(line);
        }
    }

    async fn take(&mut self, step: &Step) -> Line {
        if self.unanswered >= PATIENCE {
            let why = "the endpoint doesn't answer any more".to_owned();
            return Line::skip(step.code, step.what, why);
        }
        // Whoever interrupts a request that makes something doesn't know what has become of it.
        let before = self.unsure;
        self.unsure |= step.ask.method == "POST";
        let answer = match self.ask(&step.ask).await {
            Ok(answer) => answer,
            Err(Unasked::Lacks(name)) => {
                self.unsure = before;
                let why = format!("there is no {name}: a step before has failed");
                return Line::skip(step.code, step.what, why);
            }
            Err(Unasked::Error(error)) => {
                self.unanswered += 1;
                let found = short(&error.to_string());
                return Line::fail(step.code, step.what, (found, step.means));
            }
        };
        self.unanswered = 0;
        self.unsure = before;
        self.note(step, &answer);
        let found = judge(step.expect, &answer, &self.values);
        match (found.is_empty(), step.optional) {
            (true, _) => Line::pass(step.code, step.what),
            (false, true) => Line::warn(step.code, step.what, (found.join("; "), step.means)),
            (false, false) => Line::fail(step.code, step.what, (found.join("; "), step.means)),
        }
    }

    /// Keeps what is to be kept of an answer.
    fn note(&mut self, step: &Step, answer: &Answer) {
        if !(200..300).contains(&answer.status) {
            return;
        }
        if let Some(ended) = step.ends {
            self.made.retain(|(name, _)| *name != ended);
        }
        let Some(keep) = step.keep else {
            return;
        };
        let json = answer.json();
        let Some(id) = json.pointer(keep.at).and_then(Value::as_str) else {
            self.unsure |= keep.made;
            return;
        };
        self.values.insert(keep.name.to_owned(), id.to_owned());
        if keep.made {
            self.made
                .push((keep.name, format!("{}/{id}", step.ask.path)));
        }
    }

    /// One request.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Answer, Unasked> {
        let body = match ask.body {
            "" => String::new(),
            text => {
                let json: Value = serde_json::from_str(text).unwrap_or_default();
                filled_in(json, &self.values)
                    .map_err(Unasked::Lacks)?
                    .to_string()
            }
        };
        let path = self.path(ask.path).map_err(Unasked::Lacks)?;
        self.send(ask, format!("{}{path}", self.base), body).await
    }

    async fn send(&self, ask: &Ask, url: String, body: String) -> Result<Answer, Unasked> {
        let sent = Sent {
            method: ask.method,
            url,
            media: ask.media,
            body,
            authorization: self.credential.header(ask.shows),
        };
        self.carrier.send(&sent).await.map_err(Unasked::Error)
    }

    /// A path with its query as this provider writes it. A server's id stays one part of the path.
    fn path(&self, path: &str) -> Result<String, String> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut parts = Vec::new();
        for part in path.split('/') {
            parts.push(encoded(&filled(part, &self.values)?, false));
        }
        let path = parts.join("/");
        if query.is_empty() {
            return Ok(path);
        }
        let mut pairs = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plus = self.profile == ScimProfile::Microsoft;
            let value = encoded(&filled(value, &self.values)?, plus);
            pairs.push(if value.is_empty() {
                name.to_owned()
            } else {
                format!("{name}={value}")
            });
        }
        Ok(format!("{path}?{}", pairs.join("&")))
    }

    /// The first request, which says whether the endpoint is reached at all.
    pub(super) async fn first(&self) -> Result<Answer, EgressError> {
        self.first_at(&self.base).await
    }

    /// The same at another place.
    pub(super) async fn first_at(&self, base: &str) -> Result<Answer, EgressError> {
        let ask = get("/Users?count=1&startIndex=1");
        let url = format!("{base}{}", ask.path);
        match self.send(&ask, url, String::new()).await {
            Ok(answer) => Ok(answer),
            Err(Unasked::Error(error)) => Err(error),
            Err(Unasked::Lacks(_)) => Err(EgressError::Url),
        }
    }

    /// Deletes everything that this run has made, groups before their members; says what is left.
    pub(super) async fn clean(&mut self) -> Vec<String> {
        if self.unsure {
            self.look_around().await;
        }
        self.made
            .sort_by_key(|(_, place)| place.starts_with("/Users"));
        let mut left = Vec::new();
        for (_, place) in std::mem::take(&mut self.made) {
            if let Err(why) = self.remove(&place).await {
                left.push(format!("{place}: {why}"));
            }
        }
        if left.is_empty() {
            self.lines.push(Line::pass("CLEAN", CLEAN));
        } else {
            let help = "delete it by hand: everything of the check is called aeolus-check-…";
            self.lines
                .push(Line::fail("CLEAN", CLEAN, (left.join("; "), help)));
        }
        left
    }

    /// Finds what was made by requests whose answers never came, by the names that only this run gives.
    async fn look_around(&mut self) {
        const PLACES: [(&str, &str, &[&str]); 2] = [
            ("/Users", "userName", &["login", "first login", "renamed"]),
            ("/Groups", "displayName", &["group name", "group name 2"]),
        ];
        for (place, attribute, names) in PLACES {
            for name in names {
                let Some(value) = self.values.get(*name) else {
                    continue;
                };
                let filter = encoded(&format!("{attribute} eq \"{value}\""), false);
                let url = format!("{}{place}?filter={filter}", self.base);
                let Ok(answer) = self.send(&get(place), url, String::new()).await else {
                    continue;
                };
                let json = answer.json();
                let one = json.pointer("/totalResults").and_then(Value::as_u64) == Some(1);
                let id = json.pointer("/Resources/0/id").and_then(Value::as_str);
                let named = json.pointer(&format!("/Resources/0/{attribute}"));
                // A server that doesn't understand the filter shows somebody else.
                let ours = named.and_then(Value::as_str) == Some(value);
                if let Some(id) = id.filter(|_| one && ours) {
                    let found = format!("{place}/{id}");
                    if !self.made.iter().any(|(_, known)| *known == found) {
                        self.made.push(("found", found));
                    }
                }
            }
        }
    }

    /// Deletes one, with a second try.
    async fn remove(&self, place: &str) -> Result<(), String> {
        let (kind, id) = place.rsplit_once('/').unwrap_or((place, ""));
        let url = format!("{}{kind}/{}", self.base, encoded(id, false));
        let mut why = String::new();
        for _ in 0..2 {
            match self.send(&delete(""), url.clone(), String::new()).await {
                Ok(answer) if matches!(answer.status, 200..=299 | 404) => return Ok(()),
                Ok(answer) => why = format!("answered {}", answer.status),
                Err(Unasked::Error(error)) => why = short(&error.to_string()),
                Err(Unasked::Lacks(name)) => why = name,
            }
        }
        Err(why)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unasked {
    /// A value is missing that a step before should have kept.
    Lacks(String),
    Error(EgressError),
}

/// Percent-encoded; `plus` for spaces as forms have them.
fn encoded(text: &str, plus: bool) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    if plus {
        encoded
    } else {
        encoded.replace('+', "%20")
    }
}

#[cfg(test)]
mod tests;
