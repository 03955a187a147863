//! Request parameters, each at most once.

/// The parameters of a query or form body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

/// Why parameters can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParamsError {
    /// One was sent twice: whichever is taken, somebody else may have taken the other
    /// (RFC 6749 §3.1).
    #[error("the parameter {0:?} was sent more than once")]
    Duplicate(String),
    /// There are too many.
    #[error("too many parameters")]
    TooMany,
}

/// No request of ours has more.
const MAX: usize = 40;

impl Params {
    /// Reads `a=1&b=2`.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ParamsError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if pairs.iter().any(|(seen, _)| *seen == name) {
                return Err(ParamsError::Duplicate(name.into_owned()));
            }
            if pairs.len() == MAX {
                return Err(ParamsError::TooMany);
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// A parameter that was sent without a value.
    pub(crate) fn empty(&self) -> Option<&str> {
        let found = self.0.iter().find(|(_, value)| value.is_empty());
        found.map(|(name, _)| name.as_str())
    }

    /// A parameter's value. One without a value counts as not sent (RFC 6749 §3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o11_a_parameter_sent_twice_is_refused() {
        let twice = Params::parse(b"state=1&client_id=a&state=1");
        assert_eq!(twice, Err(ParamsError::Duplicate("state".into())));
        let escaped = Params::parse(b"state=1&st%61te=2");
        assert_eq!(escaped, Err(ParamsError::Duplicate("state".into())));
        let params = Params::parse(b"a=x%20y+z&b=").unwrap();
        assert_eq!(params.get("a"), Some("x y z"));
        assert_eq!(params.get("b"), None);
        assert_eq!(params.get("c"), None);
        assert_eq!(params.empty(), Some("b"));
        let many: Vec<String> = (0..41).map(|n| format!("p{n}=1")).collect();
        let many = many.join("&");
        assert_eq!(Params::parse(many.as_bytes()), Err(ParamsError::TooMany));
    }
}
