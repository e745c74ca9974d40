//! Lists and geo databases: bytes of files become ranges of addresses. Pure except for reading the files.

mod blocks;
mod disjoint;
mod geo;
mod lines;
mod list;
mod plain;
mod problem;
mod range;
mod reader;

pub use disjoint::{DisjointRanges, merged};
pub use geo::{AsnDatabase, CsvProblem, GeoDatabase, GeoError, GeoRange};
pub use lines::{Entry, parse_line};
pub use list::{BadLine, BadLineReport, BadLines, ListError, ParsedList};
pub use problem::LineProblem;
pub use range::{Address, AddressRanges, Prefixes, Range};
pub use reader::{ReadListError, lines_covering, parse_list, read_list};
