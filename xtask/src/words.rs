//! Forbidden words: what works on one developer's machine only.

use anyhow::Result;

use crate::repo::Repo;

/// This file has to spell them.
const EXEMPT: &str = "xtask/src/words.rs";

struct Word {
    text: &'static str,
    /// An absolute path counts only where a path starts, so `$DIR/work/` and URLs are fine.
    starts_path: bool,
    why: &'static str,
}

const WORDS: &[Word] = &[
    Word {
        text: "/work/",
        starts_path: true,
        why: MACHINE,
    },
    Word {
        text: "/root/",
        starts_path: true,
        why: MACHINE,
    },
    Word {
        text: "/Users/",
        starts_path: true,
        why: MACHINE,
    },
    Word {
        text: "/home/",
        starts_path: true,
        why: MACHINE,
    },
    Word {
        text: "../shared",
        starts_path: false,
        why: "it lies outside the repository",
    },
    Word {
        text: "--index-url",
        starts_path: false,
        why: REGISTRY,
    },
    Word {
        text: "--extra-index-url",
        starts_path: false,
        why: REGISTRY,
    },
    Word {
        text: "--trusted-host",
        starts_path: false,
        why: REGISTRY,
    },
    Word {
        text: "replace-with",
        starts_path: false,
        why: REGISTRY,
    },
];

const MACHINE: &str = "it is a path of one machine";
const REGISTRY: &str = "which registry or mirror is used belongs to the environment";

pub(crate) fn check(repo: &Repo) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in repo.files.iter().filter(|path| *path != EXEMPT) {
        let link = repo.root.join(path);
        let bytes = if link.is_symlink() {
            link.read_link()?.into_os_string().into_encoded_bytes()
        } else {
            repo.read(path)?
        };
        if bytes.contains(&0) {
            continue;
        }
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            let words = WORDS.iter().filter(|word| !word.is_endpoint_in(path));
            for word in words.filter(|word| word.occurs_in(line)) {
                let Word { text, why, .. } = word;
                problems.push(format!(
                    "{path}:{}: \"{text}\" is not allowed: {why}.",
                    number + 1
                ));
            }
        }
    }
    Ok(problems)
}

impl Word {
    /// `/Users/{id}` is what SCIM (RFC 7644 §3.2) calls an endpoint of its own.
    fn is_endpoint_in(&self, path: &str) -> bool {
        self.text == "/Users/" && path.contains("scim")
    }

    fn occurs_in(&self, line: &str) -> bool {
        line.match_indices(self.text).any(|(at, _)| {
            let before = line.get(..at).and_then(|head| head.chars().next_back());
            !self.starts_path || before.is_none_or(starts_a_path)
        })
    }
}

fn starts_a_path(before: char) -> bool {
    before.is_whitespace() || "\"'`=:(<[,@".contains(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::fixture;

    fn problems(text: &str) -> Vec<String> {
        let (_folder, repo) = fixture::repo(&[("a.sh", text)]);
        check(&repo).unwrap()
    }

    #[test]
    fn paths_of_one_machine_are_named_with_their_line() {
        assert_eq!(
            problems("set -e\ncd /root/aeolus\n"),
            ["a.sh:2: \"/root/\" is not allowed: it is a path of one machine."]
        );
        for line in [
            "\"/work/x\"",
            "P=/home/ann/x",
            "see ../shared/notes",
            "file:/work/x",
        ] {
            assert_eq!(problems(line).len(), 1, "{line}");
        }
    }

    #[test]
    fn paths_below_another_folder_are_fine() {
        for line in [
            "$DIR/work/x",
            "https://example.com/home/x",
            "{}/root/cert",
            "~/work/x",
            "",
        ] {
            assert!(problems(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn endpoints_of_scim_are_no_paths_of_a_machine() {
        let text = "get(\"/Users/ann\")";
        let (_folder, repo) = fixture::repo(&[("scim/one.rs", text), ("one.rs", text)]);
        let found = check(&repo).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found.iter().all(|problem| problem.starts_with("one.rs:1:")));
    }

    #[test]
    fn registries_belong_to_the_environment() {
        assert_eq!(
            problems("pip install --index-url https://mirror.example x").len(),
            1
        );
    }

    #[test]
    fn binary_files_are_not_read_as_text() {
        assert!(problems("\0 /root/ ").is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_judged_by_their_target() {
        let (folder, mut repo) = fixture::repo(&[]);
        std::os::unix::fs::symlink("/root/secret", folder.path().join("link")).unwrap();
        repo.files.push("link".to_owned());
        assert_eq!(check(&repo).unwrap().len(), 1);
    }
}
