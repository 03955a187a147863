//! Schemas and resource types (RFC 7643 §§4–8) as tables, from which everything else follows.

mod build;
mod common;
mod describe;
mod enterprise;
mod group;
mod resource_type;
mod target;
mod user;

use std::fmt;

pub use resource_type::{GROUP, RESOURCE_TYPES, ResourceType, USER};
pub(crate) use target::part;
pub use target::{NameError, Target};

/// What a value is (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    String,
    /// True or false.
    Boolean,
    /// A number.
    Decimal,
    /// A whole number.
    Integer,
    /// A moment, as RFC 3339 writes it.
    DateTime,
    /// Bytes in base64.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

/// Who may write a value (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Only the server.
    ReadOnly,
    /// Clients too.
    ReadWrite,
    /// Clients, once.
    Immutable,
    /// Clients, and nobody reads it.
    WriteOnly,
}

/// When a value is in an answer (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Whatever is asked for.
    Always,
    /// In no answer.
    Never,
    /// Unless others are asked for, or it is excluded.
    Default,
    /// When it is asked for by name.
    Request,
}

/// Among which resources a value is the only one of its kind (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// None.
    None,
    /// Those of this server; here: of one connection.
    Server,
    /// All there are.
    Global,
}

/// One attribute with its characteristics.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, in the case of answers.
    pub name: &'static str,
    /// For people who read the schema.
    pub description: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether it is a list.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether case matters when it is compared.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is in an answer.
    pub returned: Returned,
    /// Among which resources it is the only one.
    pub uniqueness: Uniqueness,
    /// Values that are usual. A hint: others are taken as well.
    pub canonical_values: &'static [&'static str],
    /// What a reference leads to.
    pub reference_types: &'static [&'static str],
    /// Attributes of a complex one.
    pub sub_attributes: &'static [Attribute],
}

/// One schema.
#[derive(Clone)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// What it has.
    pub attributes: &'static [Attribute],
}

/// URNs of schemas and messages.
pub mod uri {
    /// RFC 7643 §4.1.
    pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    /// RFC 7643 §4.2.
    pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
    /// RFC 7643 §4.3.
    pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    /// RFC 7643 §5.
    pub const SERVICE_PROVIDER_CONFIG: &str =
        "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    /// RFC 7643 §6.
    pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
    /// RFC 7643 §7.
    pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
    /// RFC 7644 §3.4.2.
    pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    /// RFC 7644 §3.4.3.
    pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
    /// RFC 7644 §3.5.2.
    pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    /// RFC 7644 §3.7.
    pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    /// RFC 7644 §3.7.
    pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
    /// RFC 7644 §3.12.
    pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
}

impl Attribute {
    /// Its sub-attribute of that name, in any case.
    pub fn sub(&self, name: &str) -> Option<&'static Self> {
        find(self.sub_attributes, name)
    }

    /// The sub-attribute that a comparison with the attribute itself means.
    pub fn value(&self) -> Option<&'static Self> {
        self.sub("value")
    }

    /// Whether a comparison or an order may depend on it. What is never shown isn't to be guessed either.
    pub fn comparable(&self) -> bool {
        self.returned != Returned::Never
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Schema {}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Schema {
    /// Its attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

/// Names are compared without regard to case (RFC 7643 §2.1).
fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
