//! Sign-ins at several control planes, one of which commands use unless they are told otherwise.
//!
//! The first is kept in `credentials.json`, every other one in a file of its own in `contexts/`. The file `context`
//! names the current one; without it that is the first. Names follow from the URL, so that nobody has to think
//! of one.

use std::path::{Path, PathBuf};

use aeolus_keys::digest::sha256;

use crate::config::Environment;
use crate::credentials::{Keychain, Place};
use crate::files;
use crate::report::{Failure, Report};

const FIRST: &str = "credentials.json";
const OTHERS: &str = "contexts";
const CURRENT: &str = "context";

/// Where they are kept.
pub(crate) struct Contexts {
    folder: PathBuf,
    keychain: Option<Keychain>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Known {
    /// What it is called.
    pub(crate) name: String,
    /// Control's URL.
    pub(crate) url: String,
    /// When the session ends, or the token where there is none: seconds since the epoch.
    pub(crate) until: i64,
    /// Whether commands use it.
    pub(crate) current: bool,
    file: PathBuf,
}

impl Contexts {
    /// Those of whoever runs the command.
    pub(crate) fn of(environment: &Environment) -> Result<Self, Failure> {
        let config = environment
            .get("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(environment.get("HOME")?).join(".config")));
        let config = config.ok_or_else(|| {
            Report::new("CLI-0002", "there is no folder for the sign-in")
                .why("Neither XDG_CONFIG_HOME nor HOME is set.")
                .help("set one of them, or give --credentials FILE")
                .usage()
        })?;
        Ok(Self {
            folder: config.join("aeolus"),
            keychain: Keychain::of_session(environment),
        })
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Result<Vec<Known>, Failure> {
        let current = self.current_file()?;
        let mut files = vec![self.folder.join(FIRST)];
        if let Ok(entries) = std::fs::read_dir(self.folder.join(OTHERS)) {
            let paths = entries.flatten().map(|entry| entry.path());
            files.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "json")));
        }
        let mut all = Vec::new();
        for file in files {
            let Some((url, until)) = self.place(&file).about()? else {
                continue;
            };
            all.push(Known {
                name: name_of(&url).to_owned(),
                current: file == current,
                url,
                until,
                file,
            });
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// The current one.
    pub(crate) fn current(&self) -> Result<Place, Failure> {
        Ok(self.place(&self.current_file()?))
    }

    /// The one at a control plane.
    pub(crate) fn at(&self, url: &str) -> Result<Option<Place>, Failure> {
        let url = url.trim_end_matches('/');
        let found = self.all()?.into_iter().find(|known| known.url == url);
        Ok(found.map(|known| self.place(&known.file)))
    }

    /// Where a sign-in at a control plane is to be kept.
    pub(crate) fn for_new(&self, url: &str) -> Result<Place, Failure> {
        if let Some(place) = self.at(url)? {
            return Ok(place);
        }
        let first = self.place(&self.folder.join(FIRST));
        if first.about()?.is_none() {
            return Ok(first);
        }
        Ok(self.place(&self.folder.join(OTHERS).join(file_of(url))))
    }

    /// Makes one the current one.
    pub(crate) fn make_current(&self, place: &Place) -> Result<(), Failure> {
        let name = place.path().strip_prefix(&self.folder);
        let name = name.unwrap_or(Path::new(FIRST)).display().to_string();
        files::write_private(&self.folder.join(CURRENT), name.as_bytes())
    }

    /// Makes the one of this name, or URL, the current one.
    pub(crate) fn switch(&self, name: &str) -> Result<Known, Failure> {
        let all = self.all()?;
        let names: Vec<String> = all.iter().map(|known| known.name.clone()).collect();
        let is_meant =
            |known: &Known| known.name == name || known.url == name.trim_end_matches('/');
        let Some(found) = all.into_iter().find(is_meant) else {
            let report = Report::new("CLI-0036", format!("there is no context {name:?}"));
            let report = if names.is_empty() {
                report.help("run `aeolus login --url URL`")
            } else {
                report.help(format!("choose one of: {}", names.join(", ")))
            };
            return Err(report.usage());
        };
        self.make_current(&self.place(&found.file))?;
        Ok(found)
    }

    /// The file of the current one. What the pointer says is only believed if it is one of ours.
    fn current_file(&self) -> Result<PathBuf, Failure> {
        let said = files::read(&self.folder.join(CURRENT))?.unwrap_or_default();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        let other = said
            .strip_prefix(OTHERS)
            .and_then(|rest| rest.strip_prefix('/'))
            .filter(|file| !file.is_empty() && !file.contains('/'));
        Ok(match other {
            Some(file) => self.folder.join(OTHERS).join(file),
            None => self.folder.join(FIRST),
        })
    }

    fn place(&self, file: &Path) -> Place {
        let file = file.to_owned();
        match &self.keychain {
            Some(keychain) => Place::with_keychain(file, keychain.clone()),
            None => Place::file(file),
        }
    }
}

/// What people call the control plane at a URL.
fn name_of(url: &str) -> &str {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    bare.trim_end_matches('/')
}

/// Readable, and of its own for each URL.
fn file_of(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    let name: String = name_of(url).chars().map(plain).take(100).collect();
    let mark = sha256(url.as_bytes());
    let mark = mark.iter().take(4);
    let mark = mark.fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("{name}-{mark}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(contexts: &Contexts, url: &str) -> Place {
        let place = contexts.for_new(url).unwrap();
        files::folder(place.path().parent().unwrap()).unwrap();
        let stored = format!(r#"{{"url":"{url}","expiresAt":1,"accessToken":"a"}}"#);
        files::write_private(place.path(), stored.as_bytes()).unwrap();
        contexts.make_current(&place).unwrap();
        place
    }

    fn shown(contexts: &Contexts) -> Vec<String> {
        let all = contexts.all().unwrap();
        let mark = |known: &Known| if known.current { "*" } else { "" };
        all.iter()
            .map(|known| format!("{}{}", known.name, mark(known)))
            .collect()
    }

    #[test]
    fn each_control_plane_has_a_context_and_the_last_sign_in_is_current() {
        let folder = tempfile::tempdir().unwrap();
        let contexts = Contexts {
            folder: folder.path().join("aeolus"),
            keychain: None,
        };
        assert!(contexts.all().unwrap().is_empty());
        let first = keep(&contexts, "https://one.example");
        assert!(first.path().ends_with("aeolus/credentials.json"));
        keep(&contexts, "https://two.example:8443/x");
        let again = keep(&contexts, "https://one.example");
        assert_eq!(again, first);
        assert_eq!(shown(&contexts), ["one.example*", "two.example:8443/x"]);
        contexts.switch("two.example:8443/x").unwrap();
        assert_eq!(shown(&contexts), ["one.example", "two.example:8443/x*"]);
        assert!(
            contexts
                .current()
                .unwrap()
                .path()
                .to_string_lossy()
                .contains("two.example")
        );
        contexts.switch("https://one.example/").unwrap();
        assert!(contexts.switch("three").is_err());
        assert_eq!(shown(&contexts), ["one.example*", "two.example:8443/x"]);
        // Two that read alike are two.
        let twins = ["https://a.example:1", "https://a.example-1"].map(file_of);
        assert_ne!(twins[0], twins[1]);
    }

    #[test]
    fn the_pointer_leads_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let contexts = Contexts {
            folder: folder.path().to_owned(),
            keychain: None,
        };
        for said in ["contexts/../../x.json", "/etc/passwd", "contexts/", "", "x"] {
            std::fs::write(folder.path().join(CURRENT), said).unwrap();
            assert_eq!(
                contexts.current_file().unwrap(),
                folder.path().join(FIRST),
                "{said}"
            );
        }
    }
}
