//! The formats of lists: each turns a file into records. What is wrong with one record is in the record; what is wrong with
//! the whole is the error.

mod csv;
mod ipset;
mod json;
mod lines;
mod meter;
mod nft;
mod places;
pub(super) mod plain;
mod rir;
mod spamhaus;
mod tor;

use std::io::Read;

use super::list::{Counted, ListError};
use super::reader::ReadListError;
use super::reading::{Format, Reading};
use super::record::Record;

/// What is known of a file once it was read.
pub(super) struct Walked {
    /// Its format.
    pub(super) format: Format,
    /// What the numbers of its records count.
    pub(super) counted: Counted,
}

/// Reads a file of which the first bytes have been read, up to a block of them.
pub(super) fn walk(
    format: Format,
    head: &[u8],
    rest: impl Read,
    how: &Reading,
    take: &mut impl FnMut(Record<'_>),
) -> Result<Walked, ReadListError> {
    let file = head.chain(rest);
    let field = how.field.as_deref();
    let counted = match format {
        Format::Plain => plain::walk(file, take).map(|()| Counted::Lines),
        Format::SpamhausJson => spamhaus::walk(file, take).map(|()| Counted::Lines),
        Format::TorExits => tor::walk(file, take).map(|()| Counted::Lines),
        Format::Csv => csv::walk(head, file, field, take).map(|()| Counted::Lines),
        Format::Json => json::walk(head, file, field, take),
        Format::IpsetSave => ipset::walk(file, field, take).map(|()| Counted::Lines),
        Format::NftText => nft::text::walk(file, field, take).map(|()| Counted::Lines),
        Format::NftJson => nft::json::walk(file, field, take).map(|()| Counted::Elements),
        Format::RirDelegated => rir::walk(file, how.country, take).map(|()| Counted::Lines),
    }?;
    Ok(Walked { format, counted })
}

/// Refuses settings that would mean nothing: they are there because another file was expected.
pub(super) fn check_settings(format: Format, how: &Reading) -> Result<(), ListError> {
    let has_fields =
        matches!(format, Format::Csv | Format::Json | Format::IpsetSave | Format::NftText | Format::NftJson);
    if how.field.is_some() && !has_fields {
        let (setting, why) = ("field", "which has no columns, fields or sets to choose from");
        return Err(ListError::Needless { setting, format, why });
    }
    if how.country.is_some() && format != Format::RirDelegated {
        let (setting, why) = ("country", "which does not say of which country an address is");
        return Err(ListError::Needless { setting, format, why });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
