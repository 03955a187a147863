//! Which paths of a deployment mean what: a built-in profile and the deployment's own rules.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Permission;

/// The kind of application behind a deployment's host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Airflow 3.
    #[default]
    Airflow3,
    /// Airflow 2.
    Airflow2,
    /// Only the deployment's own rules; everything else is private.
    Custom,
}

/// A request method a rule may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "RFC 9110 §9 and RFC 5789")]
pub enum Method {
    Get,
    Head,
    Options,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Every method that is ever let through. TRACE and CONNECT are not among them.
    pub const ALL: [Self; 7] = [
        Self::Get,
        Self::Head,
        Self::Options,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
    ];

    /// The method of a request line, case-sensitive (RFC 9110 §9.1).
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|method| method.name().as_bytes() == text)
    }

    /// As it stands in a request line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether the method only reads (RFC 9110 §9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }
}

/// What a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Requirement {
    /// A permission on the deployment.
    Permission(Permission),
    /// Nothing: anybody may ask. No identity is added.
    Public,
    /// The application authenticates by itself; credentials pass untouched, no identity is added.
    PassThrough,
}

impl TryFrom<String> for Requirement {
    type Error = crate::UnknownPermission;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "public" => Ok(Self::Public),
            "pass-through" => Ok(Self::PassThrough),
            name => name.parse().map(Self::Permission),
        }
    }
}

impl From<Requirement> for String {
    fn from(requirement: Requirement) -> Self {
        match requirement {
            Requirement::Permission(permission) => permission.name().to_owned(),
            Requirement::Public => "public".to_owned(),
            Requirement::PassThrough => "pass-through".to_owned(),
        }
    }
}

/// A path pattern: literal segments, `*` for one segment, a last `**` for any number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

/// A text that is no path pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a path pattern: begin with '/', use '*' for one whole segment and '**' only as the last one, and neither '%', '?', '#', '\\' nor empty, '.' or '..' segments"
)]
pub struct PathPatternError(String);

impl PathPattern {
    /// Parses a pattern.
    pub fn parse(text: &str) -> Result<Self, PathPatternError> {
        let error = || PathPatternError(text.to_owned());
        let rest = text.strip_prefix('/').ok_or_else(error)?;
        let count = rest.split('/').count();
        let fits = rest
            .split('/')
            .enumerate()
            .all(|(index, segment)| match segment {
                "" => rest.is_empty(),
                "*" => true,
                "**" => index + 1 == count,
                "." | ".." => false,
                literal => literal
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b"%?#\\*".contains(&b)),
            });
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(error())
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path, given as its segments, fits.
    pub fn matches<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> bool {
        let mut segments = segments.into_iter();
        for expected in self.segments() {
            match (expected, segments.next()) {
                ("**", _) => return true,
                ("*", Some(segment)) if !segment.is_empty() => {}
                (literal, Some(segment)) if literal == segment => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }

    /// Whether some path fits both patterns.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut own, mut others) = (self.segments(), other.segments());
        loop {
            match (own.next(), others.next()) {
                // A last `**` also fits nothing: `/a/**` is `/a` too.
                (Some("**"), _) | (_, Some("**")) | (None, None) => return true,
                (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
                _ => return false,
            }
        }
    }

    fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.strip_prefix('/').unwrap_or_default().split('/')
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PathPatternError;

    fn try_from(text: String) -> Result<Self, PathPatternError> {
        Self::parse(&text)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A deployment's own rule for some paths. The first that fits counts; rules can't open what the
/// profile refuses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathRule {
    /// Which paths.
    pub path: PathPattern,
    /// Which methods; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<Method>,
    /// What is asked for.
    pub require: Requirement,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_segments() {
        let fits = |pattern: &str, path: &str| {
            PathPattern::parse(pattern)
                .unwrap()
                .matches(path.strip_prefix('/').unwrap().split('/'))
        };
        assert!(fits("/plugin/x/**", "/plugin/x/a/b"));
        assert!(fits("/plugin/x/**", "/plugin/x/"));
        assert!(!fits("/plugin/x/**", "/plugin/xy"));
        assert!(fits("/a/*/c", "/a/b/c"));
        assert!(!fits("/a/*/c", "/a//c"));
        assert!(!fits("/a/*/c", "/a/b/c/d"));
        assert!(fits("/", "/"));
        assert!(fits("/**", "/anything/at/all"));
    }

    #[test]
    fn patterns_overlap_where_a_path_fits_both() {
        let overlap = |a: &str, b: &str| {
            let (a, b) = (
                PathPattern::parse(a).unwrap(),
                PathPattern::parse(b).unwrap(),
            );
            assert_eq!(a.overlaps(&b), b.overlaps(&a));
            a.overlaps(&b)
        };
        assert!(overlap("/a/b", "/a/*") && overlap("/a/**", "/*/b/c") && overlap("/**", "/"));
        assert!(overlap("/a/**", "/a") && overlap("/a/*/**", "/a/b"));
        assert!(!overlap("/a/b", "/a/c") && !overlap("/a", "/a/b") && !overlap("/a/**", "/b/**"));
    }

    #[test]
    fn patterns_that_could_be_misread_are_refused() {
        for bad in [
            "", "a", "/a%2fb", "/a?b", "/a/../b", "/a//b", "/**/a", "/a*", "/a\\b", "/é",
        ] {
            assert!(PathPattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn m10_trace_and_connect_are_no_methods() {
        assert_eq!(Method::parse(b"TRACE"), None);
        assert_eq!(Method::parse(b"CONNECT"), None);
        assert_eq!(Method::parse(b"get"), None);
        assert_eq!(Method::parse(b"GET"), Some(Method::Get));
    }
}
