//! A private key's file that others may read.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aeolus_pki::check::{Rule, Severity};

/// What is said of one, by `aeolus pki check` and by whoever serves it.
pub const OPEN_KEY: Rule = Rule {
    code: "PKI-150",
    severity: Severity::Error,
    what: "a private key that others may read",
    means: "Every program on this machine can pose as whoever it belongs to.",
    act: "chmod 0600, and issue it again with a new key if others may have read it",
};

/// Who may do something with a key's file beside its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// The members of its group.
    Group,
    /// Everybody.
    Everybody,
}

/// Who else may do something with a key's file, and its mode; nobody where Kubernetes mounts it.
pub fn open_to(key: &Path) -> io::Result<Option<(Others, u32)>> {
    let mode = Permissions::mode(&std::fs::metadata(key)?.permissions()) & 0o777;
    let others = if mode & 0o007 != 0 {
        Others::Everybody
    } else if mode & 0o070 != 0 {
        Others::Group
    } else {
        return Ok(None);
    };
    Ok((!is_mounted(key)).then_some((others, mode)))
}

/// A symbolic link may lead to others; the kernel follows 40.
const LINKS: usize = 40;

/// Whether a path leads through `..data`, by which the kubelet replaces a volume's files in one step. They are 0644
/// where nobody says otherwise, and nobody but the pod's containers reaches them.
fn is_mounted(path: &Path) -> bool {
    let mut at = path.to_owned();
    for _ in 0..LINKS {
        if at.iter().any(|part| part == "..data") {
            return true;
        }
        let (Ok(to), Some(folder)) = (std::fs::read_link(&at), at.parent()) else {
            return false;
        };
        at = folder.join(to);
    }
    false
}

/// Says of a key that is served that everybody may read it. A group is often how a service gets its key.
pub(crate) fn say(name: &'static str, key: &Path) {
    if let Ok(Some((Others::Everybody, mode))) = open_to(key) {
        let Rule {
            code,
            what,
            means,
            act,
            ..
        } = OPEN_KEY;
        let (key, mode) = (key.display(), format!("{mode:03o}"));
        tracing::warn!(certificate = name, %key, mode, "{code}: {what}. {means} To do: {act}");
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_key_is_open_by_its_mode_unless_kubernetes_mounts_it() {
        let folder = tempfile::tempdir().unwrap();
        let volume = folder.path().join("..2026_12_01");
        std::fs::create_dir(&volume).unwrap();
        let file = volume.join("tls.key");
        std::fs::write(&file, "").unwrap();
        symlink("..2026_12_01", folder.path().join("..data")).unwrap();
        symlink("..data/tls.key", folder.path().join("tls.key")).unwrap();
        symlink("tls.key", folder.path().join("again.key")).unwrap();
        symlink("..2026_12_01/tls.key", folder.path().join("own.key")).unwrap();
        for (mode, expected) in [
            (0o600, None),
            (0o400, None),
            (0o640, Some(Others::Group)),
            (0o660, Some(Others::Group)),
            (0o604, Some(Others::Everybody)),
            (0o602, Some(Others::Everybody)),
            (0o644, Some(Others::Everybody)),
        ] {
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let expected = expected.map(|others| (others, mode));
            for path in ["..2026_12_01/tls.key", "own.key"] {
                let found = open_to(&folder.path().join(path)).unwrap();
                assert_eq!(found, expected, "{path} {mode:o}");
            }
            for path in ["tls.key", "again.key", "..data/tls.key"] {
                let found = open_to(&folder.path().join(path)).unwrap();
                assert_eq!(found, None, "{path} {mode:o}");
            }
        }
        symlink("round.key", folder.path().join("round.key")).unwrap();
        for path in ["round.key", "none.key"] {
            assert!(open_to(&folder.path().join(path)).is_err());
        }
    }
}
