//! Lists and geo databases: bytes of files become ranges of addresses. Pure except for reading the files.

mod blocks;
mod disjoint;
mod formats;
mod geo;
mod guard;
mod lines;
mod list;
mod numbers;
mod plain;
mod problem;
mod range;
mod reader;
mod reading;
mod recognise;
mod record;
mod write;

pub use disjoint::{DisjointRanges, merged};
pub use geo::{AsnDatabase, CsvProblem, GeoDatabase, GeoError, GeoRange};
pub use guard::{Danger, DangerReport, Dangerous, DangerousEntry, Guard, GuardError, Guarded};
pub use lines::{Entry, parse_line};
pub use list::{BadLine, BadLineReport, BadLines, Counted, ListError, ParsedList};
pub use problem::LineProblem;
pub use range::{Address, AddressRanges, Prefixes, Range};
pub use reader::{
    ReadEntries, ReadListError, TimedEntry, lines_covering, parse_list, read_entries, read_list,
};
pub use reading::{Format, FormatError, Reading};
pub use write::{ExportFormat, ExportFormatError, write_entries};
