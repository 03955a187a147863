//! SCIM 2.0 (RFC 7643, 7644 and 9865): what is in the bodies is described at `/Schemas`.

use super::{delete, get, parameter, patch, post, put};
use crate::openapi::content::{Form, Parameter, Speaks};
use crate::openapi::operation::{Operation, Who};

const SCIM: &str = "application/scim+json";

const SHOWN: [Parameter; 2] = [
    parameter(
        "attributes",
        "Only these, by names with commas between.",
        Form::Text,
    ),
    parameter("excludedAttributes", "All but these.", Form::Text),
];

const LISTED: [Parameter; 6] = [
    parameter(
        "filter",
        "Such as `userName eq \"ada\"` (RFC 7644 §3.4.2.2).",
        Form::Text,
    ),
    parameter("sortBy", "An attribute.", Form::Text),
    parameter(
        "sortOrder",
        "Which come first.",
        Form::OneOf(&["ascending", "descending"]),
    ),
    parameter(
        "startIndex",
        "The first one's place, from 1.",
        Form::Number(1, 1_000_000),
    ),
    parameter("count", "At most so many.", Form::Number(0, 1_000)),
    parameter(
        "cursor",
        "`nextCursor` of the page before; empty for the first (RFC 9865).",
        Form::Text,
    ),
];

/// The operations of one resource type: its endpoint, their names, and what they do.
macro_rules! resources {
    ($endpoint:literal, $one:literal, $many:literal, $what:literal) => {
        [
            get(
                concat!("/v1/scim/v2/{connection}/", $endpoint),
                concat!("listScim", $many),
                concat!("Lists ", $what),
            )
            .query(&LISTED)
            .query(&SHOWN)
            .answers_other(200, Some(SCIM)),
            post(
                concat!("/v1/scim/v2/{connection}/", $endpoint),
                concat!("createScim", $one),
                concat!("Makes one of ", $what),
            )
            .query(&SHOWN)
            .takes_other(SCIM)
            .answers_other(201, Some(SCIM)),
            post(
                concat!("/v1/scim/v2/{connection}/", $endpoint, "/.search"),
                concat!("searchScim", $many),
                concat!("Lists ", $what, " by a body"),
            )
            .only_reads()
            .takes_other(SCIM)
            .answers_other(200, Some(SCIM)),
            get(
                concat!("/v1/scim/v2/{connection}/", $endpoint, "/{id}"),
                concat!("getScim", $one),
                concat!("Shows one of ", $what),
            )
            .query(&SHOWN)
            .answers_other(200, Some(SCIM))
            .cached(),
            put(
                concat!("/v1/scim/v2/{connection}/", $endpoint, "/{id}"),
                concat!("replaceScim", $one),
                concat!("Replaces one of ", $what),
            )
            .query(&SHOWN)
            .takes_other(SCIM)
            .answers_other(200, Some(SCIM))
            .conditional(),
            patch(
                concat!("/v1/scim/v2/{connection}/", $endpoint, "/{id}"),
                concat!("patchScim", $one),
                concat!("Changes one of ", $what),
            )
            .query(&SHOWN)
            .takes_other(SCIM)
            .answers_other(200, Some(SCIM))
            .also_nothing()
            .conditional(),
            delete(
                concat!("/v1/scim/v2/{connection}/", $endpoint, "/{id}"),
                concat!("deleteScim", $one),
                concat!("Deletes one of ", $what),
            )
            .answers_other(204, None)
            .conditional(),
        ]
    };
}

pub(super) fn provisioning() -> Vec<Operation> {
    let discovery = [
        (
            "/v1/scim/v2/{connection}/ServiceProviderConfig",
            "getServiceProviderConfig",
            "What can be done by SCIM",
        ),
        (
            "/v1/scim/v2/{connection}/ResourceTypes",
            "listResourceTypes",
            "What there is",
        ),
        (
            "/v1/scim/v2/{connection}/ResourceTypes/{id}",
            "getResourceType",
            "One of them",
        ),
        (
            "/v1/scim/v2/{connection}/Schemas",
            "listSchemas",
            "What is known of each",
        ),
        (
            "/v1/scim/v2/{connection}/Schemas/{id}",
            "getSchema",
            "One of them",
        ),
    ];
    let discovery = discovery
        .into_iter()
        .map(|(path, id, what)| get(path, id, what).answers_other(200, Some(SCIM)));
    let of_all = [
        post(
            "/v1/scim/v2/{connection}/.search",
            "searchScim",
            "Lists users and groups by a body",
        )
        .only_reads()
        .takes_other(SCIM)
        .answers_other(200, Some(SCIM)),
        post(
            "/v1/scim/v2/{connection}/Bulk",
            "bulkScim",
            "Does many things, each as if it came alone",
        )
        .takes_other(SCIM)
        .answers_other(200, Some(SCIM)),
    ];
    let users = resources!("Users", "User", "Users", "users");
    let groups = resources!("Groups", "Group", "Groups", "groups");
    users
        .into_iter()
        .chain(groups)
        .chain(of_all)
        .chain(discovery)
        .map(|operation| operation.by(Who::Provisioner).speaks(Speaks::Scim))
        .collect()
}
