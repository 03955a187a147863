//! nginx.

use aeolus_doctor::{Kind, examine};

use crate::shipped::{Shipped, Without, codes, error, warning, without_lines};

const SHIPPED: Shipped = Shipped {
    kind: Kind::Nginx,
    file: "nginx/aeolus.conf",
};

const GUARDS: &[Without] = &[
    error(
        "DOC-NGINX-03",
        "location = /_aeolus_check {",
        "location = /other {",
    ),
    error("DOC-NGINX-04", "internal;", ""),
    error(
        "DOC-NGINX-05",
        "$scheme://$host:$server_port$request_uri",
        "$scheme://$http_host$request_uri",
    ),
    error(
        "DOC-NGINX-05",
        "$scheme://$host:$server_port$request_uri",
        "$scheme://$host$uri",
    ),
    error(
        "DOC-NGINX-05",
        "proxy_set_header X-Original-URL $scheme://$host:$server_port$request_uri;",
        "",
    ),
    error(
        "DOC-NGINX-06",
        "proxy_set_header X-Original-Method $request_method;",
        "",
    ),
    error(
        "DOC-NGINX-07",
        "/authz/nginx/00000000-0000-7000-8000-000000000000",
        "/authz/nginx/$host",
    ),
    error(
        "DOC-NGINX-08",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "",
    ),
    error(
        "DOC-NGINX-09",
        "proxy_set_header Upgrade $http_upgrade;",
        "",
    ),
    warning("DOC-NGINX-10", "proxy_set_header X-Forwarded-Uri \"\";", ""),
    warning(
        "DOC-NGINX-10",
        "proxy_set_header X-Forwarded-Host \"\";",
        "",
    ),
    warning(
        "DOC-NGINX-10",
        "proxy_set_header X-Forwarded-Method \"\";",
        "",
    ),
    warning(
        "DOC-NGINX-10",
        "proxy_set_header X-Forwarded-Proto \"\";",
        "",
    ),
    error("DOC-NGINX-11", "internal;", "internal; proxy_cache aeolus;"),
    warning("DOC-NGINX-12", "proxy_read_timeout 1s;", ""),
    warning(
        "DOC-NGINX-12",
        "proxy_connect_timeout 250ms;",
        "proxy_connect_timeout 60s;",
    ),
    warning("DOC-NGINX-13", "proxy_buffer_size 16k;", ""),
    warning("DOC-NGINX-14", "proxy_pass_request_body off;", ""),
    warning("DOC-NGINX-14", "proxy_set_header Content-Length \"\";", ""),
    warning(
        "DOC-NGINX-15",
        "proxy_set_header Connection \"\";\n        proxy_set_header Host aeolus-gate;",
        "",
    ),
    error(
        "DOC-NGINX-16",
        "proxy_set_header Authorization $aeolus_authorization;",
        "",
    ),
    error(
        "DOC-NGINX-16",
        "auth_request_set $aeolus_authorization $upstream_http_authorization;",
        "",
    ),
    error(
        "DOC-NGINX-16",
        "X-Aeolus-User $aeolus_user;",
        "X-Aeolus-User $http_x_aeolus_user;",
    ),
    error(
        "DOC-NGINX-16",
        "proxy_set_header X-Aeolus-Deployment $aeolus_deployment;",
        "",
    ),
    error(
        "DOC-NGINX-17",
        "Upgrade $aeolus_upgrade;",
        "Upgrade $http_upgrade;",
    ),
    error(
        "DOC-NGINX-17",
        "websocket websocket;",
        "websocket websocket; ~. $http_upgrade;",
    ),
    error(
        "DOC-NGINX-17",
        "map $http_upgrade $aeolus_upgrade    { default \"\"; websocket websocket; }",
        "",
    ),
    error(
        "DOC-NGINX-18",
        "Connection $aeolus_connection;",
        "Connection $http_connection;",
    ),
    error(
        "DOC-NGINX-19",
        "error_page 401 = @aeolus_sign_in;",
        "error_page 401 =200 /welcome;",
    ),
    error(
        "DOC-NGINX-19",
        "return 302 $aeolus_location;",
        "return 200;",
    ),
    error(
        "DOC-NGINX-20",
        "auth_request /_aeolus_check;",
        "auth_request /_aeolus_check; satisfy any;",
    ),
    warning(
        "DOC-NGINX-21",
        "if ($aeolus_bad_target) { return 400; }",
        "",
    ),
    warning("DOC-NGINX-21", "\"~#\" 1;", ""),
    warning("DOC-NGINX-21", "\"~\\\\\\\\\" 1;", ""),
    warning("DOC-NGINX-22", "proxy_set_header Cookie \"\";", ""),
    warning(
        "DOC-NGINX-23",
        "listen 80;",
        "listen 80; underscores_in_headers on;",
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
fn a_file_that_asks_nobody_is_found() {
    let examined = SHIPPED.with("auth_request /_aeolus_check;", "");
    assert_eq!(codes(&examined), ["DOC-NGINX-01"]);
    let empty = examine(Kind::Nginx, "", &|_: &str| None).unwrap();
    assert_eq!(codes(&empty), ["DOC-NGINX-01"]);
}

#[test]
fn another_way_to_the_same_airflow_is_found_and_named() {
    let around = "location /health { auth_request off; proxy_pass http://127.0.0.1:8080; }\n    location / {";
    let examined = SHIPPED.with("location / {", around);
    assert_eq!(codes(&examined), ["DOC-NGINX-02"]);
    assert!(examined.findings[0].at.ends_with("location /health"));
}

#[test]
fn a_guard_in_a_comment_or_in_another_server_does_not_count() {
    let commented = SHIPPED.with("internal;", "# internal;");
    assert_eq!(codes(&commented), ["DOC-NGINX-04"]);
    let elsewhere = without_lines("nginx/aeolus.conf", &["internal;"])
        + "\nserver { location = /_aeolus_check { internal; } }";
    let examined = examine(Kind::Nginx, &elsewhere, &|_: &str| None).unwrap();
    assert_eq!(codes(&examined), ["DOC-NGINX-04"]);
}

#[test]
fn guards_may_stand_in_an_included_file_next_to_it() {
    let text = without_lines("nginx/aeolus.conf", &["proxy_read_timeout 1s"])
        .replace("internal;", "internal; include /etc/nginx/times.conf;");
    let times = |name: &str| (name == "times.conf").then(|| "proxy_read_timeout 2s;".to_owned());
    assert_eq!(examine(Kind::Nginx, &text, &times).unwrap().findings, []);
    let examined = examine(Kind::Nginx, &text, &|_: &str| None).unwrap();
    assert_eq!(codes(&examined), ["DOC-NGINX-12"]);
    assert!(examined.notes[0].starts_with("/etc/nginx/times.conf was not looked at"));
}

#[test]
fn the_same_by_other_means_is_no_finding() {
    for (from, to) in [
        (
            "if ($aeolus_bad_target) { return 400; }",
            "if ($request_uri ~ \"[#\\\\\\\\]\") { return 400; }",
        ),
        (
            "$scheme://$host:$server_port$request_uri",
            "https://$host$request_uri",
        ),
        (
            "X-Forwarded-For $remote_addr;",
            "X-Forwarded-For $proxy_add_x_forwarded_for;",
        ),
        ("Upgrade $aeolus_upgrade;", "Upgrade \"\";"),
    ] {
        let examined = SHIPPED.with(from, to);
        assert_eq!(codes(&examined), [""; 0], "{to}");
    }
}

#[test]
fn without_websockets_the_check_need_not_know_of_upgrades() {
    let text = without_lines("nginx/aeolus.conf", &["proxy_set_header Upgrade"]);
    let examined = examine(Kind::Nginx, &text, &|_: &str| None).unwrap();
    assert_eq!(examined.findings, []);
}

const COMPAT: Shipped = Shipped {
    kind: Kind::Nginx,
    file: "nginx-compat/aeolus.conf",
};

#[test]
fn the_file_for_who_comes_from_the_original_has_every_guard_and_lacks_each_by_name() {
    COMPAT.has_every_guard();
    COMPAT.without_each(&[
        error(
            "DOC-NGINX-05",
            "https://$host$uri",
            "https://$http_host$uri",
        ),
        error(
            "DOC-NGINX-05",
            "proxy_set_header X-Auth-Request-Redirect $request_uri;",
            "",
        ),
        error(
            "DOC-NGINX-05",
            "X-Auth-Request-Redirect $request_uri",
            "X-Auth-Request-Redirect $http_x_path",
        ),
        error(
            "DOC-NGINX-07",
            "proxy_set_header X-Auth-Deployment \"\";",
            "",
        ),
        error(
            "DOC-NGINX-07",
            "X-Auth-Deployment \"\"",
            "X-Auth-Deployment $arg_d",
        ),
        error(
            "DOC-NGINX-16",
            "proxy_set_header X-Aeolus-User $aeolus_user;",
            "",
        ),
    ]);
}
