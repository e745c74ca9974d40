//! Changes of bans on their way into the database.
//!
//! A change is appended here before it is answered: one `write`, which outlives the process. The database takes many of
//! them in one transaction, later. What a killed daemon left here, the next one brings into the database when it opens it.
//!
//! Two files, so that changes can be added while those before are brought into the database: `bans.spool` takes new ones,
//! `bans.spool.old` holds those that are on their way. Bringing a change into the database twice is harmless as long as all
//! that came after it follow again, and they do: a file goes only as a whole, the older one first.

mod record;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::BanChange;
use crate::store::StoreError;

const NAME: &str = "bans.spool";
const OLD_NAME: &str = "bans.spool.old";

/// The two files.
#[derive(Debug)]
pub(in crate::store) struct Spool {
    path: PathBuf,
    old: PathBuf,
    file: File,
    length: u64,
    /// Nothing can be added: something stands at the end that is no record, or the file is not where it belongs.
    torn: bool,
}

impl Spool {
    /// Opens the files of a directory. Also returns what they hold, oldest first.
    pub(in crate::store) fn open(directory: &Path) -> Result<(Self, Vec<BanChange>), StoreError> {
        let (path, old) = (directory.join(NAME), directory.join(OLD_NAME));
        let mut changes = left_in(&old)?;
        changes.extend(left_in(&path)?);
        let file = append_to(&path).map_err(|source| failed("cannot open", &path, source))?;
        let length = file.metadata().map_err(|source| failed("cannot read", &path, source))?.len();
        // What a write that was broken off left must not stand before the next record.
        Ok((Self { path, old, file, length, torn: length > 0 }, changes))
    }

    /// Takes a change. When this returns it survives the end of the process.
    pub(in crate::store) fn append(&mut self, change: &BanChange) -> Result<(), StoreError> {
        self.write(&record::of(change)).map_err(|source| failed("cannot write", &self.path, source))
    }

    /// What was taken until now goes to the old file, unless there still is one.
    pub(in crate::store) fn turn(&mut self) -> Result<(), StoreError> {
        if self.length == 0 || self.old.exists() {
            return Ok(());
        }
        fs::rename(&self.path, &self.old).map_err(|source| failed("cannot rename", &self.path, source))?;
        match append_to(&self.path) {
            Ok(file) => {
                (self.file, self.length, self.torn) = (file, 0, false);
                Ok(())
            }
            Err(source) => {
                // Or what is added from now on would go with the old file.
                self.torn |= fs::rename(&self.old, &self.path).is_err();
                Err(failed("cannot open", &self.path, source))
            }
        }
    }

    /// The database has what is in the old file.
    pub(in crate::store) fn drop_old(&self) -> Result<(), StoreError> {
        match fs::remove_file(&self.old) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(failed("cannot remove", &self.old, source))
            }
            _ => Ok(()),
        }
    }

    /// The database has everything.
    pub(in crate::store) fn clear(&mut self) -> Result<(), StoreError> {
        self.drop_old()?;
        if self.length > 0 {
            self.file.set_len(0).map_err(|source| failed("cannot empty", &self.path, source))?;
            (self.length, self.torn) = (0, false);
        }
        Ok(())
    }

    #[cfg(test)]
    pub(in crate::store) fn refuse(&mut self) {
        self.torn = true;
    }

    fn write(&mut self, record: &[u8]) -> io::Result<()> {
        if self.torn {
            return Err(io::Error::other(
                "an earlier change could not be written whole, and what there is of it is in the way",
            ));
        }
        match self.file.write_all(record) {
            Ok(()) => {
                self.length += record.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.torn = self.file.set_len(self.length).is_err();
                Err(error)
            }
        }
    }
}

/// The changes in a file, up to the first that was not written whole: nobody was told that it was made.
fn left_in(path: &Path) -> Result<Vec<BanChange>, StoreError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed("cannot read", path, source)),
    }
    let mut rest = bytes.as_slice();
    let mut changes = Vec::new();
    while let Some(body) = record::next(&mut rest) {
        let unknown = || StoreError::Spool { path: path.to_owned() };
        changes.push(record::read(body).ok_or_else(unknown)?);
    }
    Ok(changes)
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { what, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
