//! A disk that is read only: what a simulated gate writes is forgotten.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use aeolus_gate::replica::fs::{Entry, Fs, SystemFs};

/// Reads what is there and takes every write for done. Hundreds of gates on one machine would measure
/// its disk, which in the field is many disks.
pub(crate) struct Unwritten;

impl Fs for Unwritten {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        SystemFs.read(path)
    }

    fn write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        SystemFs.list(path)
    }

    fn inspect(&self, path: &Path) -> io::Result<Entry> {
        SystemFs.inspect(path)
    }
}
