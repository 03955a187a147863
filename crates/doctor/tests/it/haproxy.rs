//! HAProxy.

use aeolus_doctor::{Kind, examine};

use crate::shipped::{Shipped, Without, codes, error, warning};

const SHIPPED: Shipped = Shipped {
    kind: Kind::Haproxy,
    file: "haproxy/haproxy.cfg",
};

const REFUSAL: &str =
    "http-request deny deny_status 503 if !aeolus_pages !{ var(txn.aeolus_status) -m int 200 }";

const GUARDS: &[Without] = &[
    error("DOC-HAPROXY-03", "lua-load /etc/haproxy/aeolus.lua", ""),
    error(
        "DOC-HAPROXY-04",
        "127.0.0.1:8810 00000000-0000-7000-8000-000000000000",
        "127.0.0.1:8810 %[req.hdr(host)]",
    ),
    error("DOC-HAPROXY-06", REFUSAL, ""),
    error(
        "DOC-HAPROXY-06",
        REFUSAL,
        "http-request deny if { src 10.0.0.0/8 } !{ var(txn.aeolus_status) -m int 200 }",
    ),
    error(
        "DOC-HAPROXY-07",
        "-m reg -i (authorization|cookie|host|x-)",
        "-m found",
    ),
    error(
        "DOC-HAPROXY-07",
        "(authorization|cookie|host|x-)",
        "(cookie|host)",
    ),
    error("DOC-HAPROXY-07", "-m reg -i (auth", "-m reg (auth"),
    error(
        "DOC-HAPROXY-08",
        "!{ req.fhdr(upgrade) -m str -i websocket }",
        "{ req.fhdr(upgrade) -m str -i websocket }",
    ),
    error(
        "DOC-HAPROXY-09",
        "    acl aeolus_pages",
        "    http-request allow if { path /health }\n    acl aeolus_pages",
    ),
    warning("DOC-HAPROXY-10", "deny_status 503", ""),
    warning("DOC-HAPROXY-11", "{ req.fhdr_cnt(host) gt 1 } or ", ""),
    warning("DOC-HAPROXY-12", " or !{ path -m found }", ""),
    warning("DOC-HAPROXY-13", " or { pathq -m sub \"#\" }", ""),
    warning(
        "DOC-HAPROXY-14",
        "http-request del-header X-Forwarded- -m beg",
        "",
    ),
    warning(
        "DOC-HAPROXY-14",
        "http-request del-header X-Aeolus- -m beg",
        "",
    ),
    warning("DOC-HAPROXY-15", "http-request del-header X_ -m beg", ""),
    warning(
        "DOC-HAPROXY-16",
        "http-request del-header Cookie if !aeolus_pages",
        "",
    ),
    error("DOC-HAPROXY-17", "\"x-aeolus-email\", ", ""),
    warning("DOC-HAPROXY-18", ", timeout = 1000", ""),
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
    let examined = SHIPPED.with(
        "http-request lua.aeolus_check",
        "# http-request lua.aeolus_check",
    );
    assert_eq!(codes(&examined), ["DOC-HAPROXY-01"]);
}

#[test]
fn an_exception_for_more_than_the_gates_pages_is_found() {
    let examined = SHIPPED.with("path_beg /.aeolus/", "path_beg /.aeolus/ /static/");
    assert!(codes(&examined).contains(&"DOC-HAPROXY-05"));
}

#[test]
fn another_frontend_to_the_same_airflow_is_found() {
    let examined = SHIPPED.with(
        "backend etl\n    server",
        "frontend back\n    bind :81\n    default_backend etl\nbackend etl\n    server",
    );
    assert_eq!(codes(&examined), ["DOC-HAPROXY-02"]);
}

#[test]
fn a_script_that_is_not_there_is_noted() {
    let text =
        "global\n  lua-load /x/aeolus.lua\nfrontend a\n  http-request lua.aeolus_check 1 2\n";
    let examined = examine(Kind::Haproxy, text, &|_: &str| None).unwrap();
    assert!(examined.notes[0].starts_with("/x/aeolus.lua was not looked at"));
}

#[test]
fn unless_says_the_same() {
    let other = "http-request deny deny_status 503 unless { var(txn.aeolus_status) -m int 200 }";
    assert_eq!(SHIPPED.with(REFUSAL, other).findings, []);
}
