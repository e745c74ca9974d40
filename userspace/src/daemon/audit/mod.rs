//! Who changed what, one JSON object a line, appended to a file beside the store.
//!
//! A line is written with one `write` before the command is answered: it survives the end of the daemon, however it ends.
//! [`AuditLog::keep_up`] brings the lines to the disk about once a second; a loss of power can take back those of the last
//! seconds. A line that cannot be written stops no change: it is counted, and the log of the daemon says so.

mod read;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::read::read_audit;

use crate::api::types::AuditEntry;

const FILE_NAME: &str = "audit.log";
/// A file that has grown to this size is put aside.
const LARGEST: u64 = 8 << 20;
/// How many files are kept besides the one that is written to.
const KEPT: u32 = 5;

/// The audit log of one state directory.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    largest: u64,
    open: Mutex<Open>,
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    file: Option<File>,
    size: u64,
    /// Something was written that may not be on the disk.
    dirty: bool,
}

impl AuditLog {
    /// The log in this directory. Nothing is opened yet.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self {
            path: directory.join(FILE_NAME),
            largest: LARGEST,
            open: Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// Appends a line. When that fails it says so in the daemon's log, and counts it.
    pub fn write(&self, entry: &AuditEntry) {
        if let Err(error) = self.try_write(entry) {
            self.failures.fetch_add(1, Ordering::Relaxed);
            let (path, action, what) = (self.path.display(), &entry.action, &entry.what);
            tracing::error!(%path, %error, action, what, "NOT IN THE AUDIT LOG; the change itself was made");
        }
    }

    /// As [`AuditLog::write`], for somebody who wants to know.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn try_write(&self, entry: &AuditEntry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut open = self.open();
        if open.size.saturating_add(line.len() as u64) > self.largest {
            self.put_aside(&mut open)?;
        }
        let (file, size) = if let Some(file) = open.file.take() {
            (file, open.size)
        } else {
            let file = File::options().append(true).create(true).open(&self.path)?;
            let size = file.metadata()?.len();
            (file, size)
        };
        // A file that failed is opened anew for the next line: it may have been removed, or the disk mounted again.
        (&file).write_all(&line)?;
        *open = Open { file: Some(file), size: size + line.len() as u64, dirty: true };
        Ok(())
    }

    /// Brings the lines to the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_up(&self) -> io::Result<()> {
        let file = {
            let mut open = self.open();
            if !std::mem::take(&mut open.dirty) {
                return Ok(());
            }
            open.file.as_ref().map(File::try_clone).transpose()?
        };
        // Nobody who writes a line waits for the disk.
        file.map_or(Ok(()), |file| file.sync_data())
    }

    /// How many lines could not be written.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// The file that is written to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `audit.log` becomes `audit.log.1`, and so on; the oldest goes.
    fn put_aside(&self, open: &mut Open) -> io::Result<()> {
        if let Some(file) = open.file.take() {
            file.sync_data()?;
        }
        *open = Open::default();
        for number in (0..KEPT).rev() {
            match fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file of this number; 0 is the one that is written to.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    if number > 0 {
        name.push(format!(".{number}"));
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan};
    use tempfile::TempDir;

    use super::*;
    use crate::api::types::Who;

    fn entry(number: i64) -> AuditEntry {
        AuditEntry {
            time: Timestamp::from_second(1_000 + number).unwrap(),
            who: Who { user: "alice".to_owned(), ..Who::default() },
            action: "ban".to_owned(),
            what: format!("192.0.2.{number}"),
            from: None,
            to: None,
            number: None,
        }
    }

    fn whats(directory: &TempDir, last: usize, since: Option<Timestamp>) -> Vec<String> {
        let path = directory.path().join(FILE_NAME);
        read_audit(&path, last, since).unwrap().into_iter().map(|entry| entry.what).collect()
    }

    #[test]
    fn lines_are_appended_also_by_others() {
        let directory = TempDir::new().unwrap();
        let [first, second] = [(), ()].map(|()| AuditLog::in_directory(directory.path()));
        first.write(&entry(1));
        second.write(&entry(2));
        first.write(&entry(3));
        first.keep_up().unwrap();
        assert_eq!(whats(&directory, 10, None), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
        assert_eq!(whats(&directory, 1, None), ["192.0.2.3"]);
        let since = Timestamp::from_second(1_000).unwrap() + 2.seconds();
        assert_eq!(whats(&directory, 10, Some(since)), ["192.0.2.2", "192.0.2.3"]);
        assert_eq!(first.failures(), 0);
    }

    #[test]
    fn files_are_put_aside_by_size() {
        let directory = TempDir::new().unwrap();
        let length = serde_json::to_vec(&entry(1)).unwrap().len() as u64 + 1;
        let log = AuditLog { largest: 2 * length, ..AuditLog::in_directory(directory.path()) };
        (1..=9).for_each(|number| log.write(&entry(number)));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5);
        let all: Vec<String> = (1..=9).map(|number| format!("192.0.2.{number}")).collect();
        assert_eq!(whats(&directory, 100, None), all, "in order, over all files");
        // The next daemon sees how large the file is.
        let log = AuditLog { largest: 2 * length, ..AuditLog::in_directory(directory.path()) };
        (1..=9).for_each(|number| log.write(&entry(number)));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 6, "the oldest is gone");
        assert_eq!((log.failures(), whats(&directory, 1, None)), (0, vec!["192.0.2.9".to_owned()]));
    }

    #[test]
    fn a_line_that_cannot_be_written_is_counted() {
        let directory = TempDir::new().unwrap();
        let missing = directory.path().join("missing");
        let log = AuditLog::in_directory(&missing);
        log.write(&entry(1));
        assert_eq!(log.failures(), 1);
        fs::create_dir(&missing).unwrap();
        log.write(&entry(2));
        assert_eq!(log.failures(), 1, "and tried again with the next");
        assert_eq!(read_audit(log.path(), 10, None).unwrap().len(), 1);
    }

    #[test]
    fn a_line_of_which_half_was_written_hides_no_other() {
        let directory = TempDir::new().unwrap();
        let log = AuditLog::in_directory(directory.path());
        fs::write(log.path(), "{\"time\": \"2030\n").unwrap();
        log.write(&entry(1));
        assert_eq!(whats(&directory, 10, None), ["192.0.2.1"]);
    }
}
