use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{StoreError, create_directory};
use crate::config::Name;

const EXTENSION: &str = "list";

/// The texts of lists: one file for each text, which never changes.
#[derive(Debug)]
pub(super) struct ListFiles {
    directory: PathBuf,
}

impl ListFiles {
    pub(super) fn in_directory(directory: &Path) -> Result<Self, StoreError> {
        create_directory(directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// Keeps a text under its name and what is in it. After this returns it is on the disk; at no moment is there half of
    /// it. Returns the name of the file.
    pub(super) fn keep(&self, name: &Name, text: &[u8]) -> Result<String, StoreError> {
        let refused = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { what: "cannot write the list", path, source }
        };
        // Two texts that are not the same but have the same digest get different names.
        for copy in 0_u32.. {
            let file = file_name(name, digest(text), copy);
            let path = self.path(&file);
            match fs::read(&path) {
                Ok(there) if there == text => return Ok(file),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return self.write(name, &path, text).map(|()| file).map_err(refused(&path));
                }
                Err(error) => return Err(refused(&path)(error)),
            }
        }
        Err(refused(&self.directory)(io::ErrorKind::AlreadyExists.into()))
    }

    /// Keeps a file under a name and what is in it, as [`Self::keep`] does. What was written to it has to be on the disk.
    pub(super) fn adopt(&self, name: &Name, text: NamedTempFile) -> Result<String, StoreError> {
        let refused = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { what: "cannot keep the list", path, source }
        };
        let digest = digest_of(text.path()).map_err(refused(text.path()))?;
        for copy in 0_u32.. {
            let file = file_name(name, digest, copy);
            let path = self.path(&file);
            match is_same(text.path(), &path) {
                Ok(true) => return Ok(file),
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    text.persist(&path).map_err(|error| refused(&path)(error.error))?;
                    return self.sync_directory().map(|()| file).map_err(refused(&path));
                }
                Err(error) => return Err(refused(&path)(error)),
            }
        }
        Err(refused(&self.directory)(io::ErrorKind::AlreadyExists.into()))
    }

    /// Whether a text is that of `file`.
    pub(super) fn is(&self, file: &str, text: &Path) -> bool {
        is_same(&self.path(file), text).unwrap_or(false)
    }

    /// Removes the files that nobody needs: what a crash between two writes left behind, and texts of lists that are no
    /// longer in the history.
    pub(super) fn retain(&self, known: &BTreeSet<String>) -> Result<(), StoreError> {
        let listed = |source| StoreError::Io {
            what: "cannot read the directory",
            path: self.directory.clone(),
            source,
        };
        for entry in fs::read_dir(&self.directory).map_err(listed)? {
            let path = entry.map_err(listed)?.path();
            if path.file_name().and_then(|file| file.to_str()).is_some_and(|file| known.contains(file)) {
                continue;
            }
            fs::remove_file(&path).map_err(|source| StoreError::Io {
                what: "cannot remove",
                path,
                source,
            })?;
        }
        Ok(())
    }

    fn write(&self, name: &Name, path: &Path, text: &[u8]) -> io::Result<()> {
        let temporary = self.directory.join(format!("{name}.new"));
        let written = write_synced(&temporary, text)
            .and_then(|()| fs::rename(&temporary, path))
            .and_then(|()| self.sync_directory());
        if written.is_err() {
            // Best effort: the next start removes it too.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

/// `@` is in no name, so that no two names share a file.
fn file_name(name: &Name, digest: u64, copy: u32) -> String {
    let copy = if copy == 0 { String::new() } else { format!("-{copy}") };
    format!("{name}@{digest:016x}{copy}.{EXTENSION}")
}

/// FNV-1a. It need not withstand anybody: texts are compared as well.
fn digest(text: &[u8]) -> u64 {
    digested(EMPTY, text)
}

/// The digest of no text.
const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

fn digested(digest: u64, more: &[u8]) -> u64 {
    more.iter().fold(digest, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn digest_of(path: &Path) -> io::Result<u64> {
    let mut text = BufReader::new(File::open(path)?);
    let mut digest = EMPTY;
    loop {
        let block = text.fill_buf()?;
        if block.is_empty() {
            return Ok(digest);
        }
        digest = digested(digest, block);
        let read = block.len();
        text.consume(read);
    }
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let read = left.len().min(right.len());
        if left.get(..read) != right.get(..read) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
        one.consume(read);
        other.consume(read);
    }
}

fn write_synced(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let files = ListFiles::in_directory(directory.path()).unwrap();
        let name: Name = "scanners".parse().unwrap();
        let first = files.keep(&name, b"192.0.2.1").unwrap();
        assert_eq!(files.keep(&name, b"192.0.2.1").unwrap(), first);
        let second = files.keep(&name, b"192.0.2.2").unwrap();
        assert_ne!(second, first);
        // As if both had the same digest.
        fs::write(files.path(&second), "other").unwrap();
        let third = files.keep(&name, b"192.0.2.2").unwrap();
        assert!(third.ends_with("-1.list"), "{third}");
        files.retain(&BTreeSet::from([first.clone(), third.clone()])).unwrap();
        assert_eq!(fs::read(files.path(&first)).unwrap(), b"192.0.2.1");
        assert_eq!(fs::read(files.path(&third)).unwrap(), b"192.0.2.2");
        assert!(!files.path(&second).exists());
    }

    #[test]
    fn a_file_is_kept_as_a_text_is() {
        let directory = tempfile::tempdir().unwrap();
        let files = ListFiles::in_directory(&directory.path().join("lists")).unwrap();
        let name: Name = "scanners".parse().unwrap();
        let adopt = |text: &str| {
            let file = NamedTempFile::new_in(directory.path()).unwrap();
            fs::write(file.path(), text).unwrap();
            files.adopt(&name, file).unwrap()
        };
        let kept = files.keep(&name, b"192.0.2.1").unwrap();
        assert_eq!(adopt("192.0.2.1"), kept);
        let other = adopt("192.0.2.2");
        assert_eq!(files.keep(&name, b"192.0.2.2").unwrap(), other);
        fs::write(files.path(&other), "192.0.2.3").unwrap();
        assert!(adopt("192.0.2.2").ends_with("-1.list"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside");
    }
}
