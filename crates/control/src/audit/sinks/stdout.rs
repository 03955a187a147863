//! Standard output.

use std::io::Write as _;

use tokio::task::JoinHandle;

/// The one write at a time. Whoever reads may stop reading: then a thread waits, and never a second one.
#[derive(Default)]
pub(super) struct Stdout(Option<JoinHandle<std::io::Result<()>>>);

impl Stdout {
    /// Writes whole lines, once what is still being written is out. May be given up half-way.
    pub(super) async fn write(&mut self, text: &[u8]) -> std::io::Result<()> {
        self.finish().await?;
        let text = text.to_owned();
        self.0 = Some(tokio::task::spawn_blocking(move || {
            let mut out = std::io::stdout().lock();
            out.write_all(&text)?;
            out.flush()
        }));
        self.finish().await
    }

    async fn finish(&mut self) -> std::io::Result<()> {
        let Some(writing) = &mut self.0 else {
            return Ok(());
        };
        let written = writing.await;
        self.0 = None;
        written.map_err(std::io::Error::other)?
    }
}
