//! Certificates in files, in folders and at servers.

use std::path::{Path, PathBuf};

use aeolus_pki::check::{Role, Subject, examine, key_of};
use aeolus_pki::{Input, PublicKey, San};

use super::super::{bytes, input, unusable};
use super::manifests::{MAX_MANIFEST, manifest};
use super::shown::{Kind, Place};
use super::{Checker, live};
use crate::report::{Failure, Report};

impl Checker<'_> {
    /// Every file in it that may be a certificate; folders in it aren't entered.
    pub(super) async fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let before = (self.shown.count(), self.unread.len());
        for file in files(folder)? {
            if let Err(failure) = self.file(&file, true).await {
                self.unread.push(failure);
            }
        }
        if before == (self.shown.count(), self.unread.len()) {
            let mut empty = Place::new(Kind::File, folder.display().to_string(), &[]);
            empty.nothing(
                "no file in it has one (.crt, .cer, .cert, .pem, .der, .p12, .pfx, .yaml, .yml, .json)",
            );
            self.shown.add(empty);
        }
        Ok(())
    }

    /// One file, or standard input. Of a folder's, those without a certificate are left out.
    pub(super) async fn file(&mut self, path: &Path, of_folder: bool) -> Result<(), Failure> {
        let bytes = bytes(path, MAX_MANIFEST)?;
        let name = path.display().to_string();
        if let Some(text) = manifest(&bytes) {
            return self.manifest((&name, text), of_folder).await;
        }
        if of_folder && is_manifest_by_name(path) {
            return Ok(());
        }
        let read = aeolus_pki::read(&bytes, self.held.passphrase.as_ref());
        let read = read.map_err(|error| unusable(path, error))?;
        if read.certificates.is_empty() && of_folder {
            return Ok(());
        }
        let beside = self.beside(path, &read).unwrap_or_else(|failure| {
            self.unread.push(failure);
            None
        });
        let lists = self.lists(&read.certificates).await;
        let first = read.certificates.first();
        let own = first.and_then(|first| key_of(first, &read.keys));
        let held = self.subject();
        let subject = Subject {
            certificates: &read.certificates,
            key: held.key.or(own).or(beside.as_ref()),
            lists: &lists,
            ..held
        };
        let mut place = Place::new(Kind::File, name, &read.certificates);
        place.found(examine(&subject, self.now));
        if read.certificates.is_empty() {
            place.nothing("it has something else only");
        }
        let key = path.with_extension("key");
        for file in [path, &key]
            .into_iter()
            .filter(|file| (*file == key || !read.keys.is_empty()) && file.exists())
        {
            if let Ok(Some((_, mode))) = aeolus_tls::open_to(file) {
                place.open(file, mode);
            }
        }
        self.shown.add(place);
        Ok(())
    }

    /// `NAME.key` beside `NAME.crt`, unless the file has a key of its own.
    fn beside(&self, path: &Path, read: &Input) -> Result<Option<PublicKey>, Failure> {
        let key = path.with_extension("key");
        if self.held.key.is_some() || !read.keys.is_empty() || key == path || !key.exists() {
            return Ok(None);
        }
        let keys = input(&key, self.held.passphrase.as_ref())?.keys;
        Ok(keys.first().map(|key| key.public().clone()))
    }

    /// What a server sends for its own name, or for another one that is asked for.
    pub(super) async fn server(&mut self, place: &str) -> Result<(), Failure> {
        let asked = self.against.host.first().map(String::as_str);
        let live::Sent { name, chain, proof } = live::ask(place, asked).await?;
        let lists = self.lists(&chain).await;
        let own = San::parse(&name);
        let mut hosts = self.held.hosts.clone();
        hosts.extend(own.clone().ok().filter(|own| !hosts.contains(own)));
        let held = self.subject();
        let system = if held.trusted.is_empty() {
            live::system()
        } else {
            Vec::new()
        };
        let subject = Subject {
            certificates: &chain,
            role: Role::Served,
            hosts: &hosts,
            lists: &lists,
            trusted: if held.trusted.is_empty() {
                &system
            } else {
                held.trusted
            },
            ..held
        };
        let mut found = Place::new(Kind::Server, place.to_owned(), &chain);
        found.found(examine(&subject, self.now));
        if let Err(error) = own {
            found.nameless(&name, &error.to_string());
        }
        if chain.is_empty() {
            found.nothing("the server sent none");
        } else {
            found.proof(proof);
        }
        self.shown.add(found);
        Ok(())
    }
}

/// The files of a folder that may be certificates, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unread = |error: std::io::Error| {
        Report::new(
            "PKI-002",
            format!("{} can't be read: {error}", folder.display()),
        )
        .usage()
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let named = matches!(
            &*ending(&path),
            "crt" | "cer" | "cert" | "pem" | "der" | "p12" | "pfx"
        );
        if (named || is_manifest_by_name(&path)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_manifest_by_name(path: &Path) -> bool {
    matches!(&*ending(path), "yaml" | "yml" | "json")
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    ending.to_ascii_lowercase()
}
