//! How the id of an exchanged token tells which value of an API token it came of.

use super::Api;

impl Api {
    /// The id of a token that a value is exchanged for: the value's own, and something that tells the
    /// two apart. They share their place in the status list, so that they end together.
    pub fn exchanged_jti(&self, unique: &str) -> String {
        format!("{}.{unique}", self.jti)
    }

    /// Whether this is the value with an id, or what it was exchanged for.
    pub fn is_of(&self, value: &str) -> bool {
        let rest = self.jti.strip_prefix(value);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use aeolus_model::{Resource, TokenId};

    use super::super::ApiKind;
    use super::*;

    #[test]
    fn an_exchanged_token_is_of_its_value_and_of_no_other() {
        let id = TokenId::from_bytes([1; 16]);
        let value = Api {
            iss: "i".to_owned(),
            aud: "a".to_owned(),
            sub: id,
            client_id: id,
            iat: 0,
            nbf: 0,
            exp: 1,
            jti: "one".to_owned(),
            idx: 0,
            status: None,
            ent: Resource::System,
            surfaces: None,
            kind: ApiKind,
        };
        assert!(value.is_of("one"));
        assert!(!value.is_of("on") && !value.is_of("one.x") && !value.is_of("two"));
        let exchanged = Api {
            jti: value.exchanged_jti("x"),
            ..value
        };
        assert!(exchanged.is_of("one") && !exchanged.is_of("on") && !exchanged.is_of("x"));
    }
}
