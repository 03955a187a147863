//! Attributes that every resource has without a schema saying so (RFC 7643 §3.1).

use super::Attribute;
use super::build::{complex, link, moment, text};

pub(super) const COMMON: &[Attribute] = &[
    link(
        "schemas",
        &["uri"],
        "The schemas the resource has values of",
    )
    .list()
    .read_only()
    .always(),
    text(
        "id",
        "The resource's name here, given by this server and never reused",
    )
    .exact()
    .unique()
    .read_only()
    .always(),
    text("externalId", "The resource's name at the client").exact(),
    complex("meta", META, "About the record of the resource").read_only(),
];

const META: &[Attribute] = &[
    text("resourceType", "The name of its resource type")
        .exact()
        .read_only(),
    moment("created", "When it was made here").read_only(),
    moment("lastModified", "When it last changed here").read_only(),
    link("location", &["uri"], "Its URL").read_only(),
    text("version", "Its entity tag").exact().read_only(),
];
