//! What a source's annotations ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::alias;
use super::glob::Globs;
use super::keys;
use super::selector::Selector;
use super::source::Refused;
use crate::client::{Namespace, Workload};
use crate::names::Name;

/// How annotations of the original are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As the original took them: any release's name counts as this one's, private keys go along. Both are warned of.
    #[default]
    Compat,
    /// By the rules of our own annotations.
    Strict,
}

/// How annotations are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The release whose namespaces are labelled with its name.
    pub release: Option<String>,
    /// Which namespaces an empty annotation means. Absent: those of the release.
    pub default_selector: Option<Selector>,
    /// How annotations of the original are taken.
    pub mode: Mode,
    /// Which labels of a source its copies have.
    pub labels: BTreeSet<String>,
}

/// To which namespaces. Each part that is there has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// Those with such labels.
    pub selector: Option<Selector>,
    /// Those with such names.
    pub names: Option<Globs>,
    /// Never those.
    pub exclude: Globs,
}

/// What happens where a Secret of that name is there that isn't ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// It stays; that is said.
    #[default]
    Skip,
    /// It becomes a copy, if its type is the same.
    Adopt,
    /// It stays; the run fails at its end.
    Fail,
}

/// What becomes of a copy that has no source any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays.
    Retain,
}

/// What a source asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Where it goes.
    pub whom: Whom,
    /// Which keys; none: all.
    pub keys: Option<BTreeSet<String>>,
    /// A private key may go along.
    pub private_key: bool,
    /// The copies' name; none: its own.
    pub name: Option<Name>,
    /// What happens at a Secret that isn't ours.
    pub on_conflict: OnConflict,
    /// What becomes of copies without a source.
    pub on_delete: OnDelete,
    /// What starts again when a copy changes.
    pub restart: Vec<Workload>,
    /// A certificate that isn't good goes too.
    pub invalid: bool,
    /// What should be said.
    pub warnings: Vec<Warning>,
}

/// What works, and shouldn't be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The annotation names another release than this one.
    OtherRelease(String),
    /// A private key goes to other namespaces, since the original did that.
    PrivateKey(String),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherRelease(named) => write!(
                f,
                "{} names the release {named:?}; it is taken for this one's, as the original did (--strict refuses it)",
                keys::VENDOR_SYNC
            ),
            Self::PrivateKey(key) => write!(
                f,
                "{key} is a private key and is copied, as the original did; say {}: \"true\" if that is meant, or name others with {}",
                keys::PRIVATE_KEY,
                keys::KEYS
            ),
        }
    }
}

impl Whom {
    /// Whether a namespace gets it.
    pub fn takes(&self, namespace: &Namespace) -> bool {
        self.why_not(namespace).is_none()
    }

    /// Why a namespace doesn't get it; none: it does. The cluster's own never get what is for every one.
    pub fn why_not(&self, namespace: &Namespace) -> Option<&'static str> {
        let name = namespace.name.as_str();
        let differs = |selector: &Selector| !selector.matches(&namespace.labels);
        let named_others = |names: &Globs| !names.matches(name);
        if self.selector.is_none() && self.names.is_none() {
            Some("the source names no namespace")
        } else if self.selector.as_ref().is_some_and(differs) {
            Some("its labels are not those that the source asks for")
        } else if self.names.as_ref().is_some_and(named_others) {
            Some("its name is none of those that the source asks for")
        } else if self.exclude.matches(name) {
            Some("the source excludes it")
        } else if name.starts_with("kube-") && self.is_broad() {
            Some("it is the cluster's own, which get nothing that is for every one")
        } else {
            None
        }
    }

    /// It doesn't choose by labels.
    fn is_broad(&self) -> bool {
        self.selector
            .as_ref()
            .is_none_or(|selector| *selector == Selector::default())
    }
}

impl Wish {
    /// Reads annotations. None: it is no source.
    pub fn read(
        annotations: &BTreeMap<String, String>,
        rules: &Rules,
    ) -> Option<Result<Self, Refused>> {
        let has = |key: &str| annotations.contains_key(key);
        if has(keys::SYNC) || has(keys::NAMESPACES) {
            return Some(own(annotations, rules));
        }
        let value = annotations.get(keys::VENDOR_SYNC)?;
        Some(alias::whom(value, rules).and_then(|(whom, warnings)| {
            let mut wish = common(annotations)?;
            wish.whom = Whom {
                exclude: wish.whom.exclude,
                ..whom
            };
            wish.warnings = warnings;
            Ok(wish)
        }))
    }
}

fn own(annotations: &BTreeMap<String, String>, rules: &Rules) -> Result<Wish, Refused> {
    let mut wish = common(annotations)?;
    let get = |key: &str| annotations.get(key).map(|value| value.trim());
    wish.whom.names = match get(keys::NAMESPACES) {
        Some(text) => Some(Globs::parse(text).map_err(|error| wrong(keys::NAMESPACES, &error))?),
        None => None,
    };
    wish.whom.selector = match get(keys::SYNC) {
        None => None,
        Some("*") => Some(Selector::default()),
        // Names say enough.
        Some("") if wish.whom.names.is_some() => None,
        Some("") => Some(rules.selector()?),
        Some(text) => Some(Selector::parse(text).map_err(|error| wrong(keys::SYNC, &error))?),
    };
    Ok(wish)
}

/// What is the same whoever's annotation makes it a source.
fn common(annotations: &BTreeMap<String, String>) -> Result<Wish, Refused> {
    let get = |key: &str| annotations.get(key).map(|value| value.trim());
    let flag = |key: &'static str| match get(key) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(wrong(key, &"it is neither \"true\" nor \"false\"")),
    };
    let exclude = match get(keys::EXCLUDE) {
        Some(text) => Globs::parse(text).map_err(|error| wrong(keys::EXCLUDE, &error))?,
        None => Globs::default(),
    };
    let items = |text: &str| -> Vec<String> {
        text.split(',').map(|item| item.trim().to_owned()).collect()
    };
    let chosen = get(keys::KEYS).map(items);
    if chosen.iter().flatten().any(String::is_empty) {
        return Err(wrong(
            keys::KEYS,
            &"there is nothing between two of its commas",
        ));
    }
    let name = get(keys::NAME).map(Name::parse).transpose();
    let restart = get(keys::RESTART).map(items).unwrap_or_default();
    let restart = restart
        .iter()
        .map(|one| one.parse())
        .collect::<Result<_, _>>();
    Ok(Wish {
        whom: Whom {
            exclude,
            ..Whom::default()
        },
        keys: chosen.map(BTreeSet::from_iter),
        private_key: flag(keys::PRIVATE_KEY)?,
        name: name.map_err(|error| wrong(keys::NAME, &error))?,
        on_conflict: match get(keys::ON_CONFLICT) {
            None | Some("skip") => OnConflict::Skip,
            Some("adopt") => OnConflict::Adopt,
            Some("fail") => OnConflict::Fail,
            Some(_) => {
                return Err(wrong(
                    keys::ON_CONFLICT,
                    &"it is none of skip, adopt and fail",
                ));
            }
        },
        on_delete: match get(keys::ON_DELETE) {
            None | Some("delete") => OnDelete::Delete,
            Some("retain") => OnDelete::Retain,
            Some(_) => return Err(wrong(keys::ON_DELETE, &"it is neither delete nor retain")),
        },
        restart: restart.map_err(|error| wrong(keys::RESTART, &error))?,
        invalid: flag(keys::INVALID)?,
        warnings: Vec::new(),
    })
}

fn wrong(key: &'static str, why: &dyn fmt::Display) -> Refused {
    Refused::Annotation {
        key,
        why: why.to_string(),
    }
}

impl Rules {
    /// Which namespaces are meant where nothing is said.
    pub(super) fn selector(&self) -> Result<Selector, Refused> {
        match (&self.default_selector, &self.release) {
            (Some(selector), _) => Ok(selector.clone()),
            (None, Some(release)) => alias::of_release(release),
            (None, None) => Err(Refused::NoDefault),
        }
    }
}

#[cfg(test)]
mod tests;
