//! What a request asks for.

use super::parse::{MAX_LIST, MAX_TEXT, Parse};
use super::{Flow, Mfa, SettingsError};
use crate::Protocol;

/// Parameters that a sign-in's security depends on. They are never taken from a configuration.
const RESERVED: [&str; 17] = [
    "access_token",
    "acr_values",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "id_token",
    "id_token_hint",
    "iss",
    "nonce",
    "redirect_uri",
    "registration",
    "request",
    "request_uri",
    "state",
];

impl Parse<'_> {
    /// `scopes`, or the parameter of that name; without `openid` there is no `id_token`.
    pub(super) fn scopes(&mut self) -> Vec<String> {
        let owned = |list: &[&str]| list.iter().map(|&scope| scope.to_owned()).collect();
        let written = match (&self.settings.scopes, self.param("scope")) {
            (Some(scopes), _) => scopes.clone(),
            (None, Some(text)) => owned(&text.split_ascii_whitespace().collect::<Vec<_>>()),
            (None, None) => return owned(self.profile.scopes),
        };
        let token = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let fits =
            |scope: &String| (1..=MAX_TEXT).contains(&scope.len()) && scope.bytes().all(token);
        if written.len() > MAX_LIST || !written.iter().all(fits) {
            let what = "lists up to 32 scopes, without spaces and quotes".to_owned();
            self.error(SettingsError::Text("scopes", what));
        }
        let open_id = self.profile.protocol == Protocol::OpenId;
        let mut scopes: Vec<String> = if open_id {
            owned(&["openid"])
        } else {
            Vec::new()
        };
        for scope in written {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    pub(super) fn params(&mut self) -> Vec<(String, String)> {
        let settings = self.settings;
        let mut params: Vec<(String, String)> = Vec::new();
        for (name, value) in self.profile.auth_url_params {
            if !settings.auth_url_params.contains_key(*name) {
                params.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        for (name, value) in &settings.auth_url_params {
            if RESERVED
                .iter()
                .any(|reserved| name.eq_ignore_ascii_case(reserved))
            {
                self.error(SettingsError::Reserved(name.clone()));
            }
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) {
                let what = format!("{name:?} is no name of a parameter");
                self.error(SettingsError::Text("authUrlParams", what));
            }
            self.text("authUrlParams", value);
            // These have meanings of their own above.
            if !matches!(name.as_str(), "response_type" | "response_mode" | "scope") {
                params.push((name.clone(), value.clone()));
            }
        }
        if settings.auth_url_params.len() > MAX_LIST {
            let what = "holds at most 32 parameters".to_owned();
            self.error(SettingsError::Text("authUrlParams", what));
        }
        params
    }

    pub(super) fn form_post(&mut self, flow: Flow) -> bool {
        let usual = match flow {
            Flow::Code => "query",
            Flow::Implicit(_) => "fragment",
        };
        match self.param("response_mode") {
            None => false,
            Some("form_post") => true,
            Some(mode) if mode == usual => false,
            Some(mode) => {
                let what =
                    format!("response_mode can't be {mode:?} here: use \"form_post\" or remove it");
                self.error(SettingsError::Contradiction("authUrlParams", what));
                false
            }
        }
    }

    pub(super) fn mfa(&mut self, flow: Flow) -> Option<Mfa> {
        let settings = self.settings;
        for value in &settings.acr_values {
            let fits = value.bytes().all(|b| b.is_ascii_graphic());
            if !fits || !(1..=MAX_TEXT).contains(&value.len()) {
                let what = format!("{value:?} is no value of acr");
                self.error(SettingsError::Text("acrValues", what));
            }
        }
        if !settings.require_mfa {
            if !settings.acr_values.is_empty() {
                let what = "means nothing without requireMfa: true".to_owned();
                self.error(SettingsError::Contradiction("acrValues", what));
            }
            return None;
        }
        let Some(proof) = &self.profile.mfa else {
            self.error(SettingsError::Mfa(self.profile.kind));
            return None;
        };
        if !flow.promises_id_token() {
            self.error(SettingsError::MfaUnproved);
        }
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Some(Mfa {
            acr_values: if settings.acr_values.is_empty() {
                owned(proof.acr_values)
            } else {
                settings.acr_values.clone()
            },
            amr: owned(proof.amr),
        })
    }
}
