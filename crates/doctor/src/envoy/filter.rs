//! The filter that asks the gate, in either form.

use serde_json::Value;

use crate::finding::{Guard, Rule};
use crate::guards::soon;
use crate::yaml::{at, says, text};

pub(super) struct Filter<'a> {
    pub(super) filter: &'a Value,
}

impl<'a> Filter<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-ENVOY-03",
                "a gate that does not answer lets everything through",
                "Whoever can slow the gate down gets in, with whatever identity headers they send.",
                "failure_mode_allow: false",
            ),
            |at| !says(at.filter, "failure_mode_allow", true),
        ),
        Rule::new(
            Guard::error(
                "DOC-ENVOY-04",
                "only a part of the requests is asked about",
                "What filter_enabled leaves out reaches Airflow without a decision.",
                "no filter_enabled in the filter",
            ),
            |filter| {
                at(filter.filter, "filter_enabled").is_null()
                    && at(filter.filter, "filter_enabled_metadata").is_null()
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-05",
                "a gate that does not answer looks like a refusal",
                "Envoy says 403, and programs give up for good instead of trying again.",
                "status_on_error: {code: ServiceUnavailable}",
            ),
            |filter| {
                let code = at(filter.filter, "status_on_error.code");
                code.as_u64().is_some_and(|code| code >= 500)
                    || matches!(
                        code.as_str(),
                        Some(
                            "ServiceUnavailable"
                                | "BadGateway"
                                | "GatewayTimeout"
                                | "InternalServerError"
                        )
                    )
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-06",
                "the check's time is Envoy's default, or too long",
                "With 200 ms a busy machine refuses at random; without a limit a gate that hangs holds every request.",
                "timeout: 1s in server_uri or grpc_service",
            ),
            |at| {
                let places = ["http_service.server_uri.timeout", "grpc_service.timeout"];
                places.iter().any(|place| soon(text(at.filter, place), 0))
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-07",
                "over gRPC, repeated headers are joined and must be text",
                "Of two credentials the gate sees one text, and a byte that is no text fails the check.",
                "encode_raw_headers: true",
            ),
            |filter| {
                at(filter.filter, "grpc_service").is_null()
                    || says(filter.filter, "encode_raw_headers", true)
            },
        ),
    ];
}
