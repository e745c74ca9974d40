//! Whether a file is still the one that was read.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What every change of a file's content changes: the file behind the name, its size, or its times. The time of the
/// last change of the inode cannot be set by hand, as that of the content can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileStamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

/// File systems keep times in steps of up to 2 seconds (FAT). A younger file may change again within the same step.
const STEP: Duration = Duration::from_secs(2);

impl FileStamp {
    /// Reads a file. The stamp is that of what was read; there is none where a later change might bear the same one.
    pub(super) fn around<T>(path: &Path, read: impl FnOnce() -> T) -> (T, Option<Self>) {
        Self::around_at(SystemTime::now(), path, read)
    }

    fn around_at<T>(now: SystemTime, path: &Path, read: impl FnOnce() -> T) -> (T, Option<Self>) {
        let before = Self::of(path).filter(|stamp| stamp.is_older_than(now, STEP));
        let content = read();
        (content, before.filter(|stamp| stamp.is_of(path)))
    }

    /// Whether the file there is the one that was read, unchanged.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        Self::of(path).as_ref() == Some(self)
    }

    /// The stamp of a file as it is now. Regular files only: to open a pipe is to take something out of it.
    pub(super) fn of(path: &Path) -> Option<Self> {
        if !fs::metadata(path).ok()?.is_file() {
            return None;
        }
        // An open asks the server again where a name alone is answered from the cache of a network file system.
        let metadata = File::open(path).and_then(|file| file.metadata()).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    fn is_older_than(&self, now: SystemTime, age: Duration) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let youngest = now.saturating_sub(age).as_secs();
        u64::try_from(self.changed.0).is_ok_and(|changed| changed < youngest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(path: &Path) -> FileStamp {
        FileStamp::of(path).unwrap()
    }

    fn in_seconds(seconds: u64) -> SystemTime {
        SystemTime::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn every_change_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, "192.0.2.1\n").unwrap();
        let before = stamp(&path);
        assert!(before.is_of(&path));

        // The same size and the same time of the content.
        let file = File::options().write(true).open(&path).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&path, "192.0.2.2\n").unwrap();
        file.set_modified(modified).unwrap();
        assert_eq!(before.modified, stamp(&path).modified);
        assert!(!before.is_of(&path), "written in place");

        let before = stamp(&path);
        let other = folder.path().join("other");
        fs::write(&other, "192.0.2.2\n").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(!before.is_of(&path), "another file under the name");

        fs::remove_file(&path).unwrap();
        assert!(!before.is_of(&path), "gone");
        assert_eq!(FileStamp::of(folder.path()), None, "no file");
    }

    #[test]
    fn a_young_file_has_no_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, "").unwrap();
        assert_eq!(FileStamp::around(&path, || 7), (7, None));
        assert_eq!(FileStamp::around_at(in_seconds(1), &path, || 7), (7, None));
        assert_eq!(FileStamp::around_at(in_seconds(10), &path, || 7), (7, Some(stamp(&path))));
        let set_back = SystemTime::UNIX_EPOCH;
        assert_eq!(FileStamp::around_at(set_back, &path, || 7), (7, None));
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_has_no_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, "192.0.2.1\n").unwrap();
        let read = FileStamp::around_at(in_seconds(10), &path, || fs::write(&path, "192.0.2.1\n192.0.2.2\n"));
        assert_eq!(read.1, None);
        let read = FileStamp::around_at(in_seconds(10), &path, || fs::remove_file(&path));
        assert_eq!(read.1, None);
    }
}
