//! Traefik.

use aeolus_doctor::{Kind, examine};

use crate::shipped::{Shipped, Without, codes, error, warning};

const SHIPPED: Shipped = Shipped {
    kind: Kind::Traefik,
    file: "traefik/traefik.yaml",
};

const GUARDS: &[Without] = &[
    error(
        "DOC-TRAEFIK-03",
        "/authz/traefik/00000000-0000-7000-8000-000000000000",
        "/authz/traefik/",
    ),
    error("DOC-TRAEFIK-04", "trustForwardHeader: false\n", "\n"),
    error(
        "DOC-TRAEFIK-04",
        "trustForwardHeader: false\n",
        "trustForwardHeader: true\n",
    ),
    error(
        "DOC-TRAEFIK-05",
        "[Authorization, X-Aeolus-User, ",
        "[X-Aeolus-User, ",
    ),
    error("DOC-TRAEFIK-05", ", X-Aeolus-Deployment]", "]"),
    warning("DOC-TRAEFIK-06", "preserveLocationHeader: true", ""),
    warning("DOC-TRAEFIK-07", "maxResponseBodySize: 65536", ""),
    error(
        "DOC-TRAEFIK-08",
        "headers: {customRequestHeaders: {X-Aeolus-Upgrade: websocket}}",
        "headers: {}",
    ),
    error(
        "DOC-TRAEFIK-08",
        "[etl-upgrade, aeolus-etl, etl-request]",
        "[aeolus-etl, etl-upgrade, etl-request]",
    ),
    warning("DOC-TRAEFIK-09", "Cookie: \"\"", "Via: \"\""),
    error("DOC-TRAEFIK-10", "insecure: false", "insecure: true"),
    warning("DOC-TRAEFIK-11", "aliasHeadersStrategy: reject", ""),
    warning("DOC-TRAEFIK-12", "allowEncodedBackSlash: false", ""),
    warning(
        "DOC-TRAEFIK-12",
        "allowEncodedNullCharacter: false",
        "allowEncodedNullCharacter: true",
    ),
    warning("DOC-TRAEFIK-12", "allowEncodedHash: false", ""),
    warning("DOC-TRAEFIK-12", "allowEncodedQuestionMark: false", ""),
];

#[test]
fn the_shipped_files_have_every_guard() {
    SHIPPED.has_every_guard();
}

#[test]
fn each_shipped_file_alone_lacks_nothing_of_its_own() {
    let dynamic = Shipped {
        file: "traefik/dynamic.yaml",
        ..SHIPPED
    };
    let examined = dynamic.with("", "");
    assert_eq!(examined.findings, []);
    assert!(examined.notes[0].contains("static configuration"));
    let moved = SHIPPED.with("dynamic.yaml", "elsewhere.yaml");
    assert_eq!(moved.findings, []);
    assert!(moved.notes[0].contains("was not looked at"));
}

#[test]
fn the_want_of_each_guard_is_found_and_nothing_else() {
    SHIPPED.without_each(GUARDS);
}

#[test]
fn routers_that_ask_nobody_are_found() {
    let none = SHIPPED.with("aeolus-etl, etl-request]", "etl-request]");
    assert_eq!(codes(&none), ["DOC-TRAEFIK-01"]);
    let one = SHIPPED.with(
        "[etl-upgrade, aeolus-etl, etl-request]",
        "[etl-upgrade, etl-request]",
    );
    assert_eq!(codes(&one), ["DOC-TRAEFIK-02", "DOC-TRAEFIK-08"]);
    assert_eq!(one.findings[0].at, "router etl-upgrade");
    assert_eq!(
        codes(&examine(Kind::Traefik, "http: {}", &|_: &str| None).unwrap()),
        ["DOC-TRAEFIK-01"]
    );
}

#[test]
fn a_chain_of_middlewares_counts() {
    let chained = SHIPPED.with(
        "middlewares: [aeolus-etl, etl-request]",
        "middlewares: [both@file]",
    );
    assert!(!chained.findings.is_empty());
    let text = "  middlewares:\n    both: {chain: {middlewares: [aeolus-etl, etl-request]}}\n    aeolus-etl:";
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/traefik/dynamic.yaml");
    let dynamic = std::fs::read_to_string(path).unwrap();
    let dynamic = dynamic.replace(
        "middlewares: [aeolus-etl, etl-request]",
        "middlewares: [both@file]",
    );
    let dynamic = dynamic.replace("  middlewares:\n    aeolus-etl:", text);
    assert_eq!(
        examine(Kind::Traefik, &dynamic, &|_: &str| None)
            .unwrap()
            .findings,
        []
    );
}
