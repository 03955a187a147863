//! The kill switch: a file on the plane that chooses the path of everything there.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_model::RolloutPath;
use tokio_util::sync::CancellationToken;

use crate::again::again;
use crate::replica::lock;

/// How often the file is looked at: whoever writes it is in a hurry.
const LOOK: Duration = Duration::from_millis(500);
/// More bytes are no path's name.
const MOST: u64 = 64;

/// The path that is chosen, if one is. A request reads one byte.
#[derive(Debug, Default)]
pub(crate) struct KillSwitch(AtomicU8);

impl KillSwitch {
    /// The path of every request, if the switch chooses one.
    pub(crate) fn chosen(&self) -> Option<RolloutPath> {
        let number = self.0.load(Ordering::Relaxed);
        let path = usize::from(number).checked_sub(1)?;
        RolloutPath::ALL.get(path).copied()
    }

    fn choose(&self, path: Option<RolloutPath>) {
        let number = path.map_or(0, |path| path as u8 + 1);
        self.0.store(number, Ordering::Relaxed);
    }
}

/// The file, and what it said last.
pub(crate) struct SwitchFile {
    path: PathBuf,
    fault: Mutex<Option<String>>,
}

impl SwitchFile {
    pub(crate) const fn new(path: PathBuf) -> Self {
        let fault = Mutex::new(None);
        Self { path, fault }
    }

    /// Looks again and again until told to stop.
    pub(crate) async fn run(self, rollouts: Arc<super::Rollouts>, stop: CancellationToken) {
        let work = move || self.look(&rollouts.switch);
        again(LOOK, "the kill switch", work, stop).await;
    }

    /// Reads the file. No file is no choice; what can't be read leaves the choice as it was, and is
    /// said once.
    pub(crate) fn look(&self, switch: &KillSwitch) {
        let read = self.read();
        let fault = read.as_ref().err().cloned();
        if let Ok(path) = read
            && path != switch.chosen()
        {
            switch.choose(path);
            let file = self.path.display();
            let path = path.map(tracing::field::display);
            tracing::warn!(%file, path, "the kill switch has changed; without a path rollouts choose");
        }
        let mut said = lock(&self.fault);
        if fault != *said {
            if let Some(why) = &fault {
                tracing::error!(
                    file = %self.path.display(),
                    why,
                    "the kill switch can't be read; what it said before stays in force"
                );
            }
            *said = fault;
        }
    }

    fn read(&self) -> Result<Option<RolloutPath>, String> {
        use std::io::Read as _;
        let file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let mut text = String::new();
        let read = file.take(MOST).read_to_string(&mut text);
        read.map_err(|error| error.to_string())?;
        let path = text
            .trim()
            .parse()
            .map_err(|_| "write `plane` or `central` into it, or remove it".to_owned())?;
        Ok(Some(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o4_the_file_chooses_and_nonsense_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kill-switch");
        let (file, switch) = (SwitchFile::new(path.clone()), KillSwitch::default());
        let after = |text: Option<&str>| {
            match text {
                Some(text) => std::fs::write(&path, text).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            file.look(&switch);
            switch.chosen()
        };
        assert_eq!(after(Some("central\n")), Some(RolloutPath::Central));
        assert_eq!(after(Some("plane")), Some(RolloutPath::Plane));
        for nonsense in ["", "off", "plane central", "\u{0}", &"plane".repeat(99)] {
            assert_eq!(
                after(Some(nonsense)),
                Some(RolloutPath::Plane),
                "{nonsense}"
            );
        }
        assert_eq!(after(None), None);
    }

    proptest::proptest! {
        #[test]
        fn o4_no_bytes_but_the_two_words_are_a_choice(bytes in proptest::collection::vec(0..=255_u8, 0..90)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("kill-switch");
            std::fs::write(&path, &bytes).unwrap();
            let word = std::str::from_utf8(&bytes).unwrap_or_default().trim();
            let wanted = RolloutPath::ALL.into_iter().find(|path| path.name() == word);
            let read = SwitchFile::new(path).read();
            proptest::prop_assert_eq!(read.ok().flatten(), wanted);
        }
    }
}
