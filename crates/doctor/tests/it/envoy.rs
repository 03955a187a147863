//! Envoy.

use aeolus_doctor::{Kind, examine};

use crate::shipped::{Shipped, Without, codes, error, warning};

const HTTP: Shipped = Shipped {
    kind: Kind::Envoy,
    file: "envoy-http/envoy.yaml",
};
const GRPC: Shipped = Shipped {
    kind: Kind::Envoy,
    file: "envoy-grpc/envoy.yaml",
};

/// In both forms.
const GUARDS: &[Without] = &[
    error(
        "DOC-ENVOY-03",
        "failure_mode_allow: false",
        "failure_mode_allow: true",
    ),
    error(
        "DOC-ENVOY-04",
        "failure_mode_allow: false",
        "filter_enabled: {default_value: {numerator: 50}}",
    ),
    warning(
        "DOC-ENVOY-05",
        "status_on_error: {code: ServiceUnavailable}",
        "",
    ),
    error("DOC-ENVOY-10", "use_remote_address: true", ""),
    error(
        "DOC-ENVOY-11",
        "upgrade_type: websocket",
        "upgrade_type: CONNECT",
    ),
    warning("DOC-ENVOY-12", "normalize_path: true", ""),
    warning(
        "DOC-ENVOY-12",
        "merge_slashes: true",
        "merge_slashes: false",
    ),
    warning(
        "DOC-ENVOY-13",
        "path_with_escaped_slashes_action: KEEP_UNCHANGED",
        "",
    ),
    warning(
        "DOC-ENVOY-14",
        "{headers_with_underscores_action: REJECT_REQUEST}",
        "{}",
    ),
    warning("DOC-ENVOY-16", "request_headers_to_remove: [cookie]", ""),
];

const OVER_HTTP: &[Without] = &[
    warning("DOC-ENVOY-06", ", timeout: 1s}", "}"),
    error(
        "DOC-ENVOY-20",
        "/authz/envoy/00000000-0000-7000-8000-000000000000",
        "/authz/envoy",
    ),
    error("DOC-ENVOY-21", "- {exact: upgrade}", ""),
    error("DOC-ENVOY-21", "- {exact: x-forwarded-for}", ""),
    error("DOC-ENVOY-21", "- {prefix: x-http-method}", ""),
    error("DOC-ENVOY-21", "- {exact: x-method-override}", ""),
    warning("DOC-ENVOY-22", "- {exact: cookie}", ""),
    warning("DOC-ENVOY-22", "- {exact: origin}", ""),
    warning("DOC-ENVOY-22", "- {exact: accept}", ""),
    warning("DOC-ENVOY-22", "- {prefix: sec-fetch-}", ""),
    error("DOC-ENVOY-23", "{exact: authorization}, ", ""),
    error(
        "DOC-ENVOY-23",
        ", {prefix: x-aeolus-}",
        ", {exact: x-aeolus-user}",
    ),
    warning("DOC-ENVOY-24", "- {exact: location}", ""),
];

const OVER_GRPC: &[Without] = &[
    warning(
        "DOC-ENVOY-06",
        "{cluster_name: aeolus-grpc}\n                        timeout: 1s",
        "{cluster_name: aeolus-grpc}",
    ),
    warning("DOC-ENVOY-07", "encode_raw_headers: true", ""),
    error(
        "DOC-ENVOY-15",
        "{deployment: 00000000-0000-7000-8000-000000000000}",
        "{}",
    ),
];

#[test]
fn the_shipped_files_have_every_guard() {
    HTTP.has_every_guard();
    GRPC.has_every_guard();
}

#[test]
fn the_want_of_each_guard_is_found_and_nothing_else() {
    HTTP.without_each(GUARDS);
    HTTP.without_each(OVER_HTTP);
    GRPC.without_each(GUARDS);
    GRPC.without_each(OVER_GRPC);
}

#[test]
fn a_file_that_asks_nobody_is_found() {
    let other = "envoy.extensions.filters.http.cors.v3.Cors";
    let examined = HTTP.with(
        "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n",
        &format!("{other}\n"),
    );
    assert_eq!(codes(&examined), ["DOC-ENVOY-01"]);
    assert_eq!(
        codes(&examine(Kind::Envoy, "{}", &|_: &str| None).unwrap()),
        ["DOC-ENVOY-01"]
    );
}

#[test]
fn another_way_to_the_same_airflow_is_found() {
    let examined = HTTP.with("route: {cluster: aeolus}", "route: {cluster: etl}");
    assert_eq!(codes(&examined), ["DOC-ENVOY-02"]);
    assert_eq!(examined.findings[0].at, "route /.aeolus/ of etl");
}
