//! A file that is appended to, and renamed when it is large.

use std::io::SeekFrom;
use std::path::PathBuf;

use tokio::fs;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use crate::config::AuditFile;

/// The file. It is opened for each batch, so whatever else renames or removes it needs to tell nobody.
pub(super) struct File(AuditFile);

impl File {
    pub(super) const fn new(config: AuditFile) -> Self {
        Self(config)
    }

    /// Appends whole lines; they are on disk afterwards.
    pub(super) async fn append(&self, text: &[u8]) -> std::io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.create(true).read(true).append(true);
        // It names people and addresses.
        options.mode(0o600);
        let mut file = options.open(&self.0.path).await?;
        let size = file.metadata().await?.len();
        if size > 0 && size.saturating_add(text.len() as u64) > self.0.max_bytes {
            drop(file);
            self.rename().await?;
            file = options.open(&self.0.path).await?;
        } else if size > 0 {
            // A process that was killed may have left half a line.
            file.seek(SeekFrom::End(-1)).await?;
            if file.read_u8().await? != b'\n' {
                file.write_all(b"\n").await?;
            }
        }
        file.write_all(text).await?;
        // What is still under way fails here; syncing alone would not say so.
        file.flush().await?;
        file.sync_data().await
    }

    /// `PATH.1` is the newest of the old ones. The oldest is removed.
    async fn rename(&self) -> std::io::Result<()> {
        for number in (1..self.0.keep).rev() {
            missing_is_fine(fs::rename(self.numbered(number), self.numbered(number + 1)).await)?;
        }
        if self.0.keep == 0 {
            return fs::remove_file(&self.0.path).await;
        }
        fs::rename(&self.0.path, self.numbered(1)).await
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.0.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn missing_is_fine(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_large_file_is_renamed_and_half_a_line_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.ndjson");
        let file = File::new(AuditFile {
            path: path.clone(),
            max_bytes: 10,
            keep: 2,
        });
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name));
        for text in ["1\n", "2\n"] {
            file.append(text.as_bytes()).await.unwrap();
        }
        assert_eq!(read("audit.ndjson").unwrap(), "1\n2\n");
        std::fs::write(&path, "1\nha").unwrap();
        file.append(b"2\n").await.unwrap();
        assert_eq!(read("audit.ndjson").unwrap(), "1\nha\n2\n");
        for text in ["a\n", "b2345678\n", "c2345678\n", "d2345678\n"] {
            file.append(text.as_bytes()).await.unwrap();
        }
        assert_eq!(read("audit.ndjson").unwrap(), "d2345678\n");
        assert_eq!(read("audit.ndjson.1").unwrap(), "c2345678\n");
        assert_eq!(read("audit.ndjson.2").unwrap(), "b2345678\n");
        assert!(read("audit.ndjson.3").is_err());
        // Somebody else renamed it.
        std::fs::rename(&path, folder.path().join("moved")).unwrap();
        file.append(b"e\n").await.unwrap();
        assert_eq!(read("audit.ndjson").unwrap(), "e\n");
    }
}
