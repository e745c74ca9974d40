//! From what was written to what the kernel is given: everything known about sources, flattened into disjoint segments,
//! and the rules in the kernel's units. Pure: no files, no clock, no kernel.

mod access;
mod attributes;
mod compile;
mod country;
mod error;
mod explain;
mod flatten;
mod image;
mod limit_counts;
mod limits;
mod meter;
mod model;
mod plans;
mod prefixes;
mod rules;
mod settings;
mod sources;
mod sweep;

pub use access::mode as list_mode;
pub use compile::{compile, compile_for};
pub use country::countries_without_ranges;
pub use error::{CompileError, LimitProblem};
pub use explain::{AllowedBy, Known, known};
pub use image::{Image, Segment};
pub use model::Model;
pub use prefixes::{FamilySize, PrefixError, PrefixSize, PrefixTables};
pub use rules::{LimitNumbers, LimitUse, RuleTables};
pub use sources::{CountryChange, LoadedList, LoadedPlan, OperatorChanges, Sources};
pub use sweep::sweep;
