//! The enterprise extension of the user (RFC 7643 §§4.3 and 8.7.1).

use super::build::{complex, link, text};
use super::{Attribute, Schema, uri};

pub(super) static SCHEMA: Schema = Schema {
    id: uri::ENTERPRISE_USER,
    name: "EnterpriseUser",
    description: "A person in an organization",
    attributes: &[
        text("employeeNumber", "The person's number in the organization"),
        text("costCenter", "The cost center"),
        text("organization", "The organization"),
        text("division", "The division"),
        text("department", "The department"),
        complex("manager", MANAGER, "Whom the person reports to"),
    ],
};

const MANAGER: &[Attribute] = &[
    text("value", "The manager's id").exact(),
    link("$ref", &["User"], "The manager's URL"),
    text("displayName", "The manager's name").read_only(),
];
