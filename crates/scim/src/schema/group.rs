//! The group (RFC 7643 §§4.2 and 8.7.1).

use super::build::{complex, link, text};
use super::{Attribute, Schema, uri};

pub(super) static SCHEMA: Schema = Schema {
    id: uri::GROUP,
    name: "Group",
    description: "A group, which is a Team here",
    attributes: &[
        text(
            "displayName",
            "The group's name; compared without regard to case",
        )
        .required()
        .unique(),
        complex("members", MEMBERS, "Who is in the group").list(),
    ],
};

const MEMBERS: &[Attribute] = &[
    text("value", "The member's id").exact().immutable(),
    link("$ref", &["User"], "The member's URL").immutable(),
    text("type", "What the member is")
        .usually(&["User"])
        .immutable(),
    text("display", "The member's name").read_only(),
];
