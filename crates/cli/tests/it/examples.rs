//! Every example of the repository is sound.

use std::path::{Path, PathBuf};

use crate::program::{aeolus, repository};

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_example_loads() {
    let mut files = Vec::new();
    yaml_files(&repository().join("examples"), &mut files);
    assert!(!files.is_empty());
    for file in files {
        let ran = aeolus(&["config", "check", file.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}: {}", file.display(), ran.err);
        assert!(ran.out.contains("a sound"), "{}", ran.out);
    }
}

#[test]
fn every_document_in_the_how_tos_loads() {
    let folder = repository().join("docs/how-to");
    let work = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let document = block.split("```").next().unwrap();
            if !document.starts_with("version:") {
                continue;
            }
            let file = work.path().join("fleet.yaml");
            std::fs::write(&file, document).unwrap();
            let ran = aeolus(&["config", "check", file.to_str().unwrap()]);
            assert_eq!(ran.code, 0, "{}: {}", path.display(), ran.err);
        }
    }
}
