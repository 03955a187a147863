//! Examining what `deploy/` ships, whole and with something taken out.

use std::path::{Path, PathBuf};

use aeolus_doctor::{Examined, Kind, Severity, detect, examine};

/// What to take out and what to put there, and the finding that has to come of it.
pub(crate) struct Without {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
}

pub(crate) const fn error(code: &'static str, from: &'static str, to: &'static str) -> Without {
    Without {
        code,
        severity: Severity::Error,
        from,
        to,
    }
}

pub(crate) const fn warning(code: &'static str, from: &'static str, to: &'static str) -> Without {
    Without {
        severity: Severity::Warning,
        ..error(code, from, to)
    }
}

/// A shipped file, and how it may be changed before it and those beside it are read.
pub(crate) struct Shipped {
    pub(crate) kind: Kind,
    pub(crate) file: &'static str,
}

impl Shipped {
    fn path(&self) -> PathBuf {
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
        deploy.join(self.file)
    }

    /// Examines it with a change, in whichever of its folder's files that is to be made.
    pub(crate) fn with(&self, from: &str, to: &str) -> Examined {
        let path = self.path();
        let changed = |text: String| text.replace(from, to);
        let folder = path.parent().unwrap();
        let beside = |name: &str| Some(changed(std::fs::read_to_string(folder.join(name)).ok()?));
        let text = changed(std::fs::read_to_string(&path).unwrap());
        examine(self.kind, &text, &beside).unwrap()
    }

    pub(crate) fn has_every_guard(&self) {
        let examined = self.with("", "");
        assert_eq!(codes(&examined), [""; 0], "{}", self.file);
        assert_eq!(examined.notes, [""; 0], "{}", self.file);
    }

    pub(crate) fn without_each(&self, table: &[Without]) {
        let folder = self.path().parent().unwrap().to_owned();
        let files = std::fs::read_dir(folder).unwrap();
        let texts: Vec<String> = files
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        for row in table {
            let there = texts.iter().any(|text| text.contains(row.from));
            assert!(there, "{} is not in {} any more", row.from, self.file);
            let examined = self.with(row.from, row.to);
            assert_eq!(codes(&examined), [row.code], "without {}", row.from);
            let guard = examined.findings[0].guard;
            assert_eq!(guard.severity, row.severity, "{}", row.code);
            assert!(!guard.add.is_empty() && guard.means.ends_with('.'));
        }
    }
}

pub(crate) fn codes(examined: &Examined) -> Vec<&'static str> {
    let mut codes: Vec<_> = examined.findings.iter().map(|f| f.guard.code).collect();
    codes.dedup();
    codes
}

/// The text without the lines that contain one of these.
pub(crate) fn without_lines(file: &str, words: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let kept = text
        .lines()
        .filter(|line| !words.iter().any(|word| line.contains(word)));
    kept.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_shipped_file_is_recognised() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    for (file, kind) in [
        ("nginx/aeolus.conf", Kind::Nginx),
        ("caddy/Caddyfile", Kind::Caddy),
        ("traefik/traefik.yaml", Kind::Traefik),
        ("traefik/dynamic.yaml", Kind::Traefik),
        ("envoy-http/envoy.yaml", Kind::Envoy),
        ("envoy-grpc/envoy.yaml", Kind::Envoy),
        ("haproxy/haproxy.cfg", Kind::Haproxy),
        ("apache/aeolus.conf", Kind::Apache),
    ] {
        let text = std::fs::read_to_string(deploy.join(file)).unwrap();
        assert_eq!(detect(&text), Some(kind), "{file}");
    }
    assert_eq!(detect(""), None);
    assert_eq!(detect("hello: world"), None);
}
