//! Apache.

use aeolus_doctor::Kind;

use crate::shipped::{Shipped, Without, codes, error, warning};

const SHIPPED: Shipped = Shipped {
    kind: Kind::Apache,
    file: "apache/aeolus.conf",
};

const GUARDS: &[Without] = &[
    error(
        "DOC-APACHE-01",
        "AuthnzFcgiCheckAuthnProvider",
        "# AuthnzFcgiCheckAuthnProvider",
    ),
    error("DOC-APACHE-02", "Require valid-user", ""),
    error(
        "DOC-APACHE-02",
        "Require valid-user",
        "Require valid-user\nRequire ip 10.0.0.0/8",
    ),
    error(
        "DOC-APACHE-03",
        "SetEnvIf Request_URI \"^\" AEOLUS_DEPLOYMENT=",
        "# ",
    ),
    error(
        "DOC-APACHE-04",
        "RewriteCond %{HTTP:Connection} \"(authorization|cookie|host|x-)\" [NC]\n    RewriteRule ^ - [R=400,L]",
        "",
    ),
    error(
        "DOC-APACHE-05",
        "RewriteCond %{HTTP:Upgrade} !^(websocket)?$ [NC]\n    RewriteRule ^ - [R=400,L]",
        "",
    ),
    error(
        "DOC-APACHE-06",
        "RequestHeader set Authorization \"expr=%{reqenv:AEOLUS_TOKEN}\"",
        "",
    ),
    error(
        "DOC-APACHE-06",
        "RequestHeader set X-Aeolus-Email \"expr=%{reqenv:AEOLUS_EMAIL}\"",
        "",
    ),
    error(
        "DOC-APACHE-07",
        "SetEnvIf Upgrade \".+\" AEOLUS_UPGRADE=websocket",
        "",
    ),
    warning("DOC-APACHE-08", "CGIPassAuth On", ""),
    warning("DOC-APACHE-09", "TraceEnable Off", ""),
    warning("DOC-APACHE-09", "HttpProtocolOptions Strict", ""),
    warning("DOC-APACHE-09", "MergeSlashes Off", "MergeSlashes On"),
    warning(
        "DOC-APACHE-09",
        "AllowEncodedSlashes NoDecode",
        "AllowEncodedSlashes On",
    ),
    warning("DOC-APACHE-10", "RequestHeader unset Cookie", ""),
    warning("DOC-APACHE-11", "RequestHeader unset X_Aeolus_Email", ""),
    warning(
        "DOC-APACHE-12",
        "\"http://127.0.0.1:8080/\" nocanon",
        "\"http://127.0.0.1:8080/\"",
    ),
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
fn a_guard_of_the_main_server_does_not_count_in_a_virtual_host() {
    let examined = SHIPPED.with("RewriteEngine On", "RewriteEngine Off");
    assert_eq!(codes(&examined), ["DOC-APACHE-04", "DOC-APACHE-05"]);
}
