//! A resource as one canonical tree, and the body of a POST or PUT as one.

use serde_json::{Map, Value};

use crate::error::{Error, Reason};
use crate::json::distinct;
use crate::limits::Limits;
use crate::member::{Member, members};
use crate::schema::{Attribute, Mutability, ResourceType, Schema};
use crate::text::fold;
use crate::value::{Rules, weight};

/// The attributes of a resource that clients write. Without the list of its links, `id` and `meta`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    kind: &'static ResourceType,
    tree: Map<String, Value>,
}

/// The body of a POST or PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What is in the tree.
    pub resource: Resource,
    /// Who is in the group: each once, in the order sent. None where the body doesn't say; empty where it says that
    /// nobody is.
    pub members: Option<Vec<Member>>,
}

impl Document {
    /// Reads a body. What only the server writes, `id` above all, and what no schema here has is left out.
    pub fn read(kind: &'static ResourceType, body: Value, rules: Rules<'_>) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::new(
                Reason::InvalidSyntax,
                format!("A {} is an object.", kind.name),
            ));
        };
        distinct(&body)?;
        let mut document = Self {
            resource: Resource::from_tree(kind, Map::new()),
            members: None,
        };
        for (name, value) in body {
            if name.eq_ignore_ascii_case("schemas") {
                check_schemas(kind, &value, rules)?;
            } else if let Some(schema) = kind.extension(&name) {
                document.resource.read_extension(schema, value, rules)?;
            } else if let Some(attribute) = kind.attribute(&name) {
                document.attribute(attribute, value, rules)?;
            }
        }
        document.resource.complete(rules.limits)?;
        Ok(document)
    }

    fn attribute(
        &mut self,
        attribute: &'static Attribute,
        value: Value,
        rules: Rules<'_>,
    ) -> Result<(), Error> {
        if self.resource.kind.is_link(attribute) {
            self.members = Some(members(value, rules)?);
            return Ok(());
        }
        put(&mut self.resource.tree, attribute, value, rules)
    }
}

impl Resource {
    /// A tree that [`Resource::tree`] gave, from where it was kept.
    pub fn from_tree(kind: &'static ResourceType, tree: Map<String, Value>) -> Self {
        Self { kind, tree }
    }

    /// What it is.
    pub fn kind(&self) -> &'static ResourceType {
        self.kind
    }

    /// Its attributes by name, those of an extension in an object under its URN.
    pub fn tree(&self) -> &Map<String, Value> {
        &self.tree
    }

    /// The same, to be kept.
    pub fn into_tree(self) -> Map<String, Value> {
        self.tree
    }

    /// The user's name, as it was sent.
    pub fn user_name(&self) -> Option<&str> {
        self.text("userName")
    }

    /// The client's own name of it.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// The group's name, or the user's as it is shown.
    pub fn display_name(&self) -> Option<&str> {
        self.text("displayName")
    }

    /// Whether the user may use anything here. Only an explicit `false` says no.
    pub fn active(&self) -> bool {
        self.tree.get("active") != Some(&Value::Bool(false))
    }

    /// E-mail addresses, the primary one first, as they were sent.
    pub fn emails(&self) -> Vec<&str> {
        let values = self.tree.get("emails").and_then(Value::as_array);
        let mut emails: Vec<&Value> = values.into_iter().flatten().collect();
        emails.sort_by_key(|email| email.get("primary") != Some(&Value::Bool(true)));
        emails
            .into_iter()
            .filter_map(|email| email.get("value")?.as_str())
            .collect()
    }

    /// By what the resource's name is looked up: see [`fold`].
    pub fn name_key(&self) -> Option<String> {
        self.user_name().or_else(|| self.display_name()).map(fold)
    }

    /// The schemas it has values of (RFC 7643 §3).
    pub fn schemas(&self) -> impl Iterator<Item = &'static str> {
        let extensions = self.kind.extensions.iter().map(|schema| schema.id);
        let used = extensions.filter(|id| self.tree.contains_key(*id));
        std::iter::once(self.kind.schema.id).chain(used)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.tree.get(name)?.as_str()
    }

    /// Refuses a resource without what it must have, and one that is too large.
    pub(crate) fn complete(&self, limits: &Limits) -> Result<(), Error> {
        for attribute in self.kind.required() {
            if !self.tree.contains_key(attribute.name) {
                return Err(Error::new(
                    Reason::InvalidValue,
                    format!("A {} has to have a \"{}\".", self.kind.name, attribute.name),
                ));
            }
        }
        if weight(self.tree.values()) > limits.resource {
            let most = limits.resource;
            return Err(Error::new(
                Reason::InvalidValue,
                format!(
                    "All texts of a {} together may have {most} bytes.",
                    self.kind.name
                ),
            ));
        }
        Ok(())
    }

    fn read_extension(
        &mut self,
        schema: &'static Schema,
        value: Value,
        rules: Rules<'_>,
    ) -> Result<(), Error> {
        let given = match value {
            Value::Null => return Ok(()),
            Value::Object(given) => given,
            _ => return Err(no_extension(schema)),
        };
        distinct(&given)?;
        let mut kept = Map::new();
        for (name, value) in given {
            if let Some(attribute) = schema.attribute(&name) {
                put(&mut kept, attribute, value, rules)?;
            }
        }
        if !kept.is_empty() {
            self.tree.insert(schema.id.to_owned(), Value::Object(kept));
        }
        Ok(())
    }
}

pub(crate) fn no_extension(schema: &Schema) -> Error {
    Error::new(
        Reason::InvalidValue,
        format!("The values of {} are an object.", schema.id),
    )
}

/// Keeps what a client may write and somebody may read.
fn put(
    into: &mut Map<String, Value>,
    attribute: &'static Attribute,
    value: Value,
    rules: Rules<'_>,
) -> Result<(), Error> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(());
    }
    let value = rules.whole(attribute, value)?;
    if let (Some(value), true) = (value, attribute.mutability != Mutability::WriteOnly) {
        into.insert(attribute.name.to_owned(), value);
    }
    Ok(())
}

fn check_schemas(kind: &ResourceType, value: &Value, rules: Rules<'_>) -> Result<(), Error> {
    let own = |name: &Value| {
        name.as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case(kind.schema.id))
    };
    let names_own = value.as_array().is_some_and(|named| named.iter().any(own));
    if names_own || !rules.profile.checks_schemas {
        return Ok(());
    }
    Err(Error::new(
        Reason::InvalidSyntax,
        format!(
            "\"schemas\" of a {} has to name {}.",
            kind.name, kind.schema.id
        ),
    ))
}
