//! What was read of a list.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;

use crate::daemon::clock;
use crate::daemon::file_stamp::FileStamp;
use crate::feeds::{
    AddressRanges, BadLineReport, DangerReport, Dangerous, DisjointRanges, Format, Guard, GuardError,
    Guarded, ListError, ParsedList, ReadListError, Reading, read_list,
};

/// What was read of a list.
#[derive(Clone, Debug)]
pub struct ListContent {
    /// The addresses.
    pub ranges: Arc<DisjointRanges>,
    /// How many lines named some.
    pub entries: usize,
    /// Lines that were left out because they can't be read.
    pub skipped: BadLineReport,
    /// Entries that were left out because they are dangerous.
    pub left_out: DangerReport,
    /// The format, where all files have the same.
    pub format: Option<Format>,
    /// The size of the text, unpacked.
    pub bytes: u64,
    /// When it was read, or fetched.
    pub loaded: Timestamp,
    /// The files that it was read from, in order.
    pub(in crate::daemon) files: Vec<ReadFile>,
}

impl Default for ListContent {
    fn default() -> Self {
        Self {
            ranges: Arc::default(),
            entries: 0,
            skipped: BadLineReport::default(),
            left_out: DangerReport::default(),
            format: None,
            bytes: 0,
            loaded: clock::now(),
            files: Vec::new(),
        }
    }
}

/// A file that was read, and what it was like then.
#[derive(Clone, Debug)]
pub(in crate::daemon) struct ReadFile {
    pub(in crate::daemon) path: PathBuf,
    pub(in crate::daemon) stamp: Option<FileStamp>,
}

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
#[error("{place}{cause}")]
pub(in crate::daemon) struct ListProblem {
    /// The file, with a colon after it; or nothing.
    place: String,
    /// Why.
    pub(in crate::daemon) cause: ListCause,
}

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
pub(in crate::daemon) enum ListCause {
    /// Its file can't be read.
    #[error("can't be read: {0}")]
    Unreadable(io::Error),
    /// It is no list, or has lines that can't be read.
    #[error(transparent)]
    NoList(ListError),
    /// It holds what it may not hold.
    #[error(transparent)]
    Guarded(GuardError),
    /// There is nothing in it.
    #[error("there is nothing in it, not even a comment; whoever publishes it may have lost or moved it")]
    Blank,
}

/// What messages say of where a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum Place {
    /// In its file.
    File,
    /// In a file that nobody knows: the name of the list is enough. A text of white space is none.
    Fetched,
}

impl ListContent {
    /// A list whose text was not read from a file.
    pub(in crate::daemon) fn of(parsed: ParsedList, bytes: u64) -> Self {
        Self {
            entries: parsed.entries,
            skipped: parsed.skipped,
            format: Some(parsed.format),
            bytes,
            ranges: Arc::new(parsed.ranges.into()),
            ..Self::default()
        }
    }

    /// The same, with the memory of the other where both name the same addresses.
    pub(in crate::daemon) fn sharing(self: &Arc<Self>, other: &Self) -> Arc<Self> {
        if self.ranges != other.ranges {
            return Arc::clone(self);
        }
        Arc::new(Self { ranges: Arc::clone(&other.ranges), ..(**self).clone() })
    }

    /// The same, where the one file of it has another place by now.
    pub(in crate::daemon) fn moved_to(self, path: PathBuf) -> Self {
        Self { files: vec![ReadFile { path, stamp: None }], ..self }
    }

    /// Whether it was read from these files, as they are now.
    pub(in crate::daemon) fn is_of(&self, files: &[PathBuf]) -> bool {
        let same = |(read, path): (&ReadFile, &PathBuf)| {
            read.path == *path && read.stamp.is_some_and(|stamp| stamp.is_of(path))
        };
        self.files.len() == files.len() && self.files.iter().zip(files).all(same)
    }
}

/// Reads files as one list. `previous` is how many entries it had.
pub(in crate::daemon) fn read_files(
    files: &[PathBuf],
    how: &Reading,
    guard: &Guard,
    previous: Option<usize>,
    place: Place,
) -> Result<ListContent, ListProblem> {
    let mut all = Parts::default();
    let of_one = Guard { ratio: None, ..guard.clone() };
    for path in files {
        let at = |cause: ListCause| {
            let place = if place == Place::File { format!("{}: ", path.display()) } else { String::new() };
            ListProblem { place, cause }
        };
        let (file, list, bytes) = read_file(path, how, &of_one, place).map_err(at)?;
        all.add(file, list, bytes);
    }
    let taken = Guard { dangerous: Dangerous::Take, ..guard.clone() };
    taken
        .check(of_size(all.entries), previous)
        .map_err(|error| ListProblem { place: String::new(), cause: ListCause::Guarded(error) })?;
    let mut formats = all.formats.into_iter();
    Ok(ListContent {
        ranges: Arc::new(all.ranges.into()),
        entries: all.entries,
        skipped: all.skipped,
        left_out: all.left_out,
        format: formats.next().filter(|first| formats.all(|other| other == *first)),
        bytes: all.bytes,
        loaded: clock::now(),
        files: all.files,
    })
}

/// Opens a file, unpacked where it is packed with gzip.
pub(in crate::daemon) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    Read::by_ref(&mut file).take(GZIP.len() as u64).read_to_end(&mut head)?;
    let is_packed = head == GZIP;
    let whole = Cursor::new(head).chain(file);
    Ok(if is_packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// What was read so far.
#[derive(Default)]
struct Parts {
    ranges: AddressRanges,
    entries: usize,
    skipped: BadLineReport,
    left_out: DangerReport,
    formats: Vec<Format>,
    bytes: u64,
    files: Vec<ReadFile>,
}

impl Parts {
    fn add(&mut self, file: ReadFile, list: Guarded, bytes: u64) {
        let Guarded { list, left_out } = list;
        self.ranges.ipv4.extend(list.ranges.ipv4);
        self.ranges.ipv6.extend(list.ranges.ipv6);
        self.entries += list.entries;
        self.formats.push(list.format);
        self.bytes += bytes;
        self.files.push(file);
        self.skipped.total += list.skipped.total;
        let room = BadLineReport::SHOWN.saturating_sub(self.skipped.first.len());
        self.skipped.first.extend(list.skipped.first.into_iter().take(room));
        self.left_out.total += left_out.total;
        let room = DangerReport::SHOWN.saturating_sub(self.left_out.first.len());
        self.left_out.first.extend(left_out.first.into_iter().take(room));
    }
}

fn read_file(
    path: &Path,
    how: &Reading,
    guard: &Guard,
    place: Place,
) -> Result<(ReadFile, Guarded, u64), ListCause> {
    let mut bytes = 0;
    let (read, stamp) = FileStamp::around(path, || {
        let text = open(path).map_err(ListCause::Unreadable)?;
        read_list(Counting { text, bytes: &mut bytes }, how).map_err(|error| match error {
            ReadListError::Read(error) => ListCause::Unreadable(error),
            ReadListError::List(error) => ListCause::NoList(error),
        })
    });
    let list = read?.addresses_only().map_err(ListCause::NoList)?;
    if list.blank && place == Place::Fetched {
        return Err(ListCause::Blank);
    }
    let guarded = guard.check(list, None).map_err(ListCause::Guarded)?;
    Ok((ReadFile { path: path.to_owned(), stamp }, guarded, bytes))
}

/// Counts what is read.
struct Counting<'a, R> {
    text: R,
    bytes: &'a mut u64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(buffer)?;
        *self.bytes += read as u64;
        Ok(read)
    }
}

fn of_size(entries: usize) -> ParsedList {
    let mut list = ParsedList::default();
    list.entries = entries;
    list
}
