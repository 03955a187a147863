//! What container registries and their clients say to control: scopes of the token protocol, and its answer
//! (CNCF Distribution, "Token Scope Documentation" and "Token Authentication Specification").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name of a repository that registries take.
const MAX_NAME: usize = 255;
/// The longest type of a resource or name of an action that is read.
const MAX_WORD: usize = 32;
/// More actions than anybody knows.
const MAX_ACTIONS: usize = 16;

/// A repository: components of `a-z` and `0-9`, with single separators inside, joined by `/`.
///
/// There is no `..`, no empty component, no upper case and no host in it: a name has one spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

/// A text that names no repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the name of a repository: up to 255 characters, components of a-z and 0-9, with '.', '_', '__' or '-' inside, joined by '/'"
)]
pub struct RepositoryError;

impl Repository {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its components.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, RepositoryError> {
        let fits = text.len() <= MAX_NAME && text.split('/').all(is_component);
        fits.then(|| Self(text.to_owned())).ok_or(RepositoryError)
    }
}

impl TryFrom<String> for Repository {
    type Error = RepositoryError;

    fn try_from(text: String) -> Result<Self, RepositoryError> {
        text.parse()
    }
}

impl From<Repository> for String {
    fn from(name: Repository) -> Self {
        name.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`.
pub fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = text.split(is_word).filter(|between| !between.is_empty());
    let ends = text.starts_with(is_word) && text.ends_with(is_word);
    ends && separators
        .into_iter()
        .all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

/// What somebody wants to do with something: `repository:acme/sales/etl/airflow:pull,push`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The kind of thing, `repository` being the one that is known here.
    pub kind: String,
    /// Its name, which only a repository's must be one.
    pub name: String,
    /// What is wanted, as it was written.
    pub actions: Vec<String>,
}

/// A text that is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Not `TYPE:NAME:ACTION[,ACTION]`.
    #[error("a scope is TYPE:NAME:ACTION[,ACTION], such as repository:acme/sales/etl/airflow:pull")]
    Form,
    /// The name of a repository that can't be one.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl Scope {
    /// The repository that it is about, if it is about one.
    pub fn repository(&self) -> Option<Repository> {
        let name = (self.kind == REPOSITORY).then(|| self.name.parse().ok());
        name.flatten()
    }
}

/// The one kind of thing that access is given to.
pub const REPOSITORY: &str = "repository";

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let (kind, rest) = text.split_once(':').ok_or(ScopeError::Form)?;
        let (name, actions) = rest.rsplit_once(':').ok_or(ScopeError::Form)?;
        let actions: Vec<String> = actions.split(',').map(str::to_owned).collect();
        let graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_action = |text: &String| {
            let word = text.bytes().all(|byte| byte.is_ascii_lowercase());
            (word && (1..=MAX_WORD).contains(&text.len())) || text == "*"
        };
        let fits = is_kind(kind)
            && (1..=MAX_NAME).contains(&name.len())
            && graphic(name)
            && actions.len() <= MAX_ACTIONS
            && actions.iter().all(is_action);
        if !fits {
            return Err(ScopeError::Form);
        }
        if kind == REPOSITORY {
            name.parse::<Repository>()?;
        }
        Ok(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions,
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, .. } = self;
        write!(f, "{kind}:{name}:{}", self.actions.join(","))
    }
}

/// `repository`, or with a class, `repository(plugin)`.
fn is_kind(text: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    let (kind, class) = text.strip_suffix(')').map_or((text, None), |inner| {
        inner
            .split_once('(')
            .map_or(("", None), |(kind, class)| (kind, Some(class)))
    });
    text.len() <= MAX_WORD && word(kind) && class.is_none_or(word)
}

/// The answer of the token endpoint. Its token is a secret: don't log it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegistryToken {
    /// The token for the registry.
    pub token: String,
    /// The same, as clients of OAuth2 read it.
    pub access_token: String,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// When it was made (RFC 3339).
    pub issued_at: String,
    /// What it allows: of what was asked, what was granted.
    pub scope: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repositorys_name_has_one_spelling() {
        for good in [
            "a",
            "acme/sales/etl/airflow",
            "a.b/c_d/e__f/g---h/0",
            &"a".repeat(255),
        ] {
            assert_eq!(good.parse::<Repository>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            ".",
            "..",
            "a/../b",
            "a/./b",
            "A",
            "a/B",
            "a b",
            "a:5000/b",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a._b",
            "a%2fb",
            "a\\b",
            "a\0",
            "é",
            "а",
            "a/*",
            "*",
            "a\u{202e}b",
            "a\u{ff0f}b",
            &"a".repeat(256),
        ] {
            assert_eq!(bad.parse::<Repository>(), Err(RepositoryError), "{bad:?}");
        }
    }

    #[test]
    fn a_scope_is_read_whole_or_not_at_all() {
        let scope: Scope = "repository:acme/etl:pull,push".parse().unwrap();
        assert_eq!(scope.actions, ["pull", "push"]);
        assert_eq!(scope.repository().unwrap().as_str(), "acme/etl");
        for other in [
            "registry:catalog:*",
            "repository(plugin):a/b:pull",
            "image:h:5000/x:*",
        ] {
            let scope: Scope = other.parse().unwrap();
            assert_eq!(
                (scope.repository(), scope.to_string()),
                (None, other.to_owned())
            );
        }
        for bad in [
            "",
            "repository",
            "repository:a",
            "repository::pull",
            ":a:pull",
            "repository:a:",
            "repository:a:,",
            "repository:a:pull,",
            "repository:a:pull,,push",
            "repository:a:Pull",
            "repository:a: pull",
            "repository:a:**",
            "repository:../a:pull",
            "repository:a:pu*",
            "Repository:a:pull",
            "repository():a:pull",
            "(plugin):a:pull",
            "repository(:a:pull",
            "repository:h:5000/a:pull",
            "repository:a\n:pull",
            "registry:cat alog:*",
            "repository:a:p\u{0456}ll",
        ] {
            assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
        }
        let many = format!("repository:a:{}", ["pull"; 17].join(","));
        assert_eq!(many.parse::<Scope>(), Err(ScopeError::Form));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_as_it_was(text in "\\PC{0,80}|[a-z()]{1,12}:[a-z0-9./_-]{1,30}:[a-z,*]{1,20}") {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string(), text);
                if let Some(name) = scope.repository() {
                    prop_assert!(name.components().all(is_component));
                    prop_assert!(!name.as_str().contains(".."));
                }
            }
        }
    }
}
