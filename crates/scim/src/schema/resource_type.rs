//! Resource types (RFC 7643 §6).

use std::fmt;

use super::common::COMMON;
use super::{Attribute, Schema, enterprise, find, group, user};

/// What is at an endpoint.
pub struct ResourceType {
    /// Its id and name.
    pub name: &'static str,
    /// Where its resources are, below the base.
    pub endpoint: &'static str,
    /// For people.
    pub description: &'static str,
    /// What its resources are.
    pub schema: &'static Schema,
    /// What they may have besides. None is required.
    pub extensions: &'static [&'static Schema],
    /// The attribute that is a list of other resources. It is too long to be part of the tree.
    pub links: Option<&'static str>,
}

/// Users.
pub static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "People's accounts",
    schema: &user::SCHEMA,
    extensions: &[&enterprise::SCHEMA],
    links: None,
};

/// Groups.
pub static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    description: "Groups, which are Teams here",
    schema: &group::SCHEMA,
    extensions: &[],
    links: Some("members"),
};

/// All there are.
pub static RESOURCE_TYPES: [&ResourceType; 2] = [&USER, &GROUP];

impl PartialEq for ResourceType {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ResourceType {}

/// Its name: the tables below it would hide what a reader looks for.
impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl ResourceType {
    /// An attribute of its schema, or one that every resource has; the name in any case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.schema.attribute(name).or_else(|| find(COMMON, name))
    }

    /// The extension of that URN, in any case.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions
            .iter()
            .copied()
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// Whether this attribute is its list of other resources.
    pub(crate) fn is_link(&self, attribute: &Attribute) -> bool {
        self.links == Some(attribute.name)
    }

    /// Attributes a resource must have.
    pub(crate) fn required(&self) -> impl Iterator<Item = &'static Attribute> {
        self.schema
            .attributes
            .iter()
            .filter(|attribute| attribute.required)
    }
}
