//! Caddy.

use aeolus_doctor::{Kind, examine};

use crate::shipped::{Shipped, Without, codes, error, warning};

const SHIPPED: Shipped = Shipped {
    kind: Kind::Caddy,
    file: "caddy/Caddyfile",
};

const GUARDS: &[Without] = &[
    error(
        "DOC-CADDY-03",
        "/authz/caddy/00000000-0000-7000-8000-000000000000?",
        "/authz/caddy/{host}?",
    ),
    error("DOC-CADDY-04", "respond @hop 400", ""),
    error(
        "DOC-CADDY-04",
        "(?i)(authorization|cookie|host|x-)",
        "(?i)(cookie|host)",
    ),
    error(
        "DOC-CADDY-04",
        "(?i)(authorization|cookie|host|x-)",
        "(authorization|cookie|host|x-)",
    ),
    error("DOC-CADDY-04", "respond @hop 400", "respond @hop 200"),
    error("DOC-CADDY-05", "copy_headers Authorization", "copy_headers"),
    error("DOC-CADDY-05", "X-Aeolus-Email", ""),
    warning("DOC-CADDY-06", "000000000000?", "000000000000"),
    warning("DOC-CADDY-07", "request_header -X-Forwarded-Uri", ""),
    warning("DOC-CADDY-07", "request_header -X-Forwarded-Method", ""),
    warning("DOC-CADDY-08", "request_header -X_*", ""),
    warning("DOC-CADDY-09", "dial_timeout 250ms", ""),
    warning("DOC-CADDY-09", "response_header_timeout 1s", ""),
    warning("DOC-CADDY-10", "header_up -Cookie", ""),
];

#[test]
fn the_shipped_file_has_every_guard() {
    SHIPPED.has_every_guard();
}

#[test]
fn the_want_of_each_guard_is_found_and_nothing_else() {
    SHIPPED.without_each(GUARDS);
}

#[test]
fn a_file_that_asks_nobody_is_found() {
    let text = "etl.example.com {\n\treverse_proxy 127.0.0.1:8080\n}\n";
    let examined = examine(Kind::Caddy, text, &|_: &str| None).unwrap();
    assert_eq!(codes(&examined), ["DOC-CADDY-01"]);
}

#[test]
fn another_way_to_the_same_airflow_is_found() {
    let examined = SHIPPED.with(
        "\thandle {\n",
        "\thandle /health {\n\t\treverse_proxy 127.0.0.1:8080\n\t}\n\thandle {\n",
    );
    assert_eq!(codes(&examined), ["DOC-CADDY-02"]);
}

#[test]
fn a_guard_in_a_snippet_counts_where_it_is_imported() {
    let text =
        "(hop) {\n@hop header_regexp Connection (?i)(authorization|x-)\nrespond @hop 400\n}\n";
    let examined = SHIPPED.with("respond @hop 400", "import hop");
    assert_eq!(codes(&examined), ["DOC-CADDY-04"]);
    let examined = SHIPPED.with(
        "etl.example.com {\n",
        &format!("{text}etl.example.com {{\nimport hop\n"),
    );
    assert_eq!(examined.findings, []);
}

#[test]
fn a_refusal_behind_the_application_is_no_guard() {
    let last = "flush_interval -1\n\t\t\t}\n\t\t\trespond @hop 400";
    let examined = SHIPPED.with("respond @hop 400", "").findings.len();
    assert_eq!(examined, 1);
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/caddy/Caddyfile");
    let text = std::fs::read_to_string(path)
        .unwrap()
        .replace("respond @hop 400", "");
    let text = text.replace("flush_interval -1\n\t\t\t}", last);
    let examined = examine(Kind::Caddy, &text, &|_: &str| None).unwrap();
    assert_eq!(codes(&examined), ["DOC-CADDY-04"]);
}
