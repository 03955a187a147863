//! `aeolus doctor` on files: what it says, and how it ends.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::program::{aeolus, repository};

const SHIPPED: &[&str] = &[
    "nginx/aeolus.conf",
    "caddy/Caddyfile",
    "traefik/traefik.yaml",
    "traefik/dynamic.yaml",
    "envoy-http/envoy.yaml",
    "envoy-grpc/envoy.yaml",
    "haproxy/haproxy.cfg",
    "apache/aeolus.conf",
];

#[test]
fn every_shipped_configuration_has_every_guard() {
    for file in SHIPPED {
        let path = repository().join("deploy").join(file);
        let ran = aeolus(&["doctor", "--proxy", path.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{file}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("no guard is missing"), "{}", ran.out);
    }
}

/// The shipped nginx file with a part of it replaced.
fn changed(from: &str, to: &str) -> (tempfile::TempDir, String) {
    let text = std::fs::read_to_string(repository().join("deploy/nginx/aeolus.conf")).unwrap();
    assert!(text.contains(from));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.conf");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn an_error_is_named_explained_and_ends_with_1() {
    let (_folder, path) = changed("internal;", "");
    let ran = aeolus(&["doctor", "--proxy", &path]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    for word in [
        "DOC-NGINX-04",
        "error",
        "location = /_aeolus_check",
        "add: internal;",
    ] {
        assert!(ran.out.contains(word), "{word} is not in {}", ran.out);
    }
}

#[test]
fn a_warning_is_named_and_ends_with_0() {
    let (_folder, path) = changed("proxy_read_timeout 1s;", "");
    let ran = aeolus(&["doctor", "--proxy", &path, "--output", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("[{\"proxy\":"), "{}", ran.out);
    for word in [
        "\"kind\":\"nginx\"",
        "\"code\":\"DOC-NGINX-12\"",
        "\"severity\":\"warning\"",
    ] {
        assert!(ran.out.contains(word), "{word} is not in {}", ran.out);
    }
}

#[test]
fn several_files_are_one_run() {
    let (_folder, path) = changed("internal;", "");
    let sound = repository().join("deploy/caddy/Caddyfile");
    let ran = aeolus(&[
        "doctor",
        "--proxy",
        sound.to_str().unwrap(),
        "--proxy",
        &path,
    ]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("no guard is missing") && ran.out.contains("DOC-NGINX-04"));
}

#[test]
fn without_a_proxy_it_says_what_is_missing() {
    let ran = aeolus(&["doctor"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--proxy <FILE|URL>"), "{}", ran.err);
}

#[test]
fn what_can_not_be_examined_is_the_fault_of_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.conf");
    let path = path.to_str().unwrap();
    for (text, more, code) in [
        ("hello", &[][..], "CLI-0020"),
        ("server {", &["--kind", "nginx"][..], "CLI-0021"),
    ] {
        std::fs::write(path, text).unwrap();
        let ran = aeolus(&[&["doctor", "--proxy", path], more].concat());
        assert_eq!(ran.code, 2, "{}", ran.out);
        assert!(ran.err.contains(code), "{}", ran.err);
    }
    assert_eq!(aeolus(&["doctor", "--proxy", "/nowhere/x"]).code, 2);
    let ran = aeolus(&["doctor", "--proxy", "ftp://etl.example.com"]);
    assert!(ran.code == 2 && ran.err.contains("CLI-0022"), "{}", ran.err);
}

#[test]
fn a_proxy_that_is_not_there_is_not_a_sound_one() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ran = aeolus(&["doctor", "--proxy", &format!("http://{free}")]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("CLI-0023"), "{}", ran.err);
}

#[test]
fn an_application_without_a_gate_is_found_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let ran = aeolus(&["doctor", "--proxy", &format!("http://{address}/etl/")]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    for code in ["DOC-PROBE-01", "DOC-PROBE-05", "DOC-PROBE-16"] {
        assert!(ran.out.contains(code), "{}", ran.out);
    }
}
