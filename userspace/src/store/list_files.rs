use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{StoreError, create_directory};
use crate::config::Name;

const EXTENSION: &str = "list";

/// The texts of lists: one file each, replaced atomically.
#[derive(Debug)]
pub(super) struct ListFiles {
    directory: PathBuf,
}

impl ListFiles {
    pub(super) fn in_directory(directory: &Path) -> Result<Self, StoreError> {
        create_directory(directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    pub(super) fn path(&self, name: &Name) -> PathBuf {
        self.directory.join(format!("{name}.{EXTENSION}"))
    }

    /// After this returns the text is on the disk; at no moment is there half of it.
    pub(super) fn write(&self, name: &Name, text: &[u8]) -> Result<(), StoreError> {
        let path = self.path(name);
        let temporary = self.directory.join(format!("{name}.new"));
        let written = write_synced(&temporary, text)
            .and_then(|()| fs::rename(&temporary, &path))
            .and_then(|()| self.sync_directory());
        written.map_err(|source| {
            // Best effort: the next start removes it too.
            let _ = fs::remove_file(&temporary);
            StoreError::Io { what: "cannot write the list", path, source }
        })
    }

    pub(super) fn remove(&self, name: &Name) -> Result<(), StoreError> {
        let path = self.path(name);
        match fs::remove_file(&path).and_then(|()| self.sync_directory()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Io { what: "cannot remove the list", path, source })
            }
            _ => Ok(()),
        }
    }

    /// Removes the files of no known list: what a crash between two writes left behind.
    pub(super) fn retain(&self, known: &[Name]) -> Result<(), StoreError> {
        let listed = |source| StoreError::Io {
            what: "cannot read the directory",
            path: self.directory.clone(),
            source,
        };
        for entry in fs::read_dir(&self.directory).map_err(listed)? {
            let path = entry.map_err(listed)?.path();
            if known.iter().any(|name| self.path(name) == path) {
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

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

fn write_synced(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text)?;
    file.sync_all()
}
