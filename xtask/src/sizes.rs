//! File sizes. A file that no longer fits a reader's head is two files.

use anyhow::Result;

use crate::repo::Repo;

const CODE_LINES: usize = 400;
const TEST_LINES: usize = 800;

pub(crate) fn check(repo: &Repo) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in repo.files.iter().filter(|path| is_source(path)) {
        let text = repo.read(path)?;
        let lines = String::from_utf8_lossy(&text).lines().count();
        let (kind, limit) = if is_test(path) {
            ("test", TEST_LINES)
        } else {
            ("source", CODE_LINES)
        };
        if lines > limit {
            problems.push(format!(
                "{path} has {lines} lines; a {kind} file may have {limit}."
            ));
        }
    }
    Ok(problems)
}

fn is_source(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| matches!(extension, "rs" | "py"))
}

fn is_test(path: &str) -> bool {
    let mut parts = path.split('/');
    let file = parts.next_back();
    file == Some("tests.rs") || parts.any(|folder| folder == "tests")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::fixture;

    #[test]
    fn limits_by_kind_of_file() {
        let (code, test, long) = ("x\n".repeat(400), "x\n".repeat(800), "x\n".repeat(801));
        let over = "x\n".repeat(401);
        let (_folder, repo) = fixture::repo(&[
            ("crates/a/src/full.rs", code.as_str()),
            ("crates/a/src/over.rs", over.as_str()),
            ("crates/a/src/over/tests.rs", test.as_str()),
            ("crates/a/tests/it/main.rs", long.as_str()),
            ("airflow/src/contests.py", over.as_str()),
            ("airflow/tests/test_roles.py", test.as_str()),
            ("docs/long.md", long.as_str()),
        ]);
        assert_eq!(
            check(&repo).unwrap(),
            [
                "crates/a/src/over.rs has 401 lines; a source file may have 400.",
                "crates/a/tests/it/main.rs has 801 lines; a test file may have 800.",
                "airflow/src/contests.py has 401 lines; a source file may have 400.",
            ]
        );
    }
}
