//! Samples of each format, as their publishers have them, and what is wrong with files of each.

mod hazards;
mod samples;

use std::net::IpAddr;

use crate::feeds::{
    BadLines, Format, ParsedList, Reading, TimedEntry, lines_covering, parse_list, read_entries, read_list,
};

/// What a text is read as, with settings.
fn read(text: &str, how: &Reading) -> Result<ParsedList, String> {
    let read = parse_list(text.as_bytes(), how);
    let streamed = read_list(text.as_bytes(), how);
    assert_eq!(streamed.map_err(|error| error.to_string()), read.clone().map_err(|error| error.to_string()));
    read.map_err(|error| error.to_string())
}

fn found(text: &str) -> (Format, Vec<(u32, String)>) {
    let list = read(text, &Reading::default()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (list.format, numbered(&list))
}

fn numbered(list: &ParsedList) -> Vec<(u32, String)> {
    list.numbered().map(|(line, entry)| (line, entry.to_string())).collect()
}

fn refused(text: &str) -> String {
    read(text, &Reading::default()).map(|list| format!("{:?}", numbered(&list))).unwrap_err()
}

fn with_field(field: &str) -> Reading {
    Reading { field: Some(field.to_owned()), ..Reading::default() }
}

fn skipping() -> Reading {
    BadLines::Skip.into()
}

fn entries(numbered: &[(u32, &str)]) -> Vec<(u32, String)> {
    numbered.iter().map(|(line, entry)| (*line, (*entry).to_owned())).collect()
}

fn timed(text: &str) -> Vec<(String, Option<u64>, Option<String>)> {
    let mut found = Vec::new();
    let take = |TimedEntry { entry, timeout, comment }: TimedEntry| {
        found.push((entry.to_string(), timeout.map(|timeout| timeout.as_secs()), comment));
    };
    read_entries(text.as_bytes(), &Reading::default(), take)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    found
}

fn covering(text: &str, how: &Reading, address: &str) -> Vec<(u32, String)> {
    let address: IpAddr = address.parse().unwrap();
    lines_covering(text.as_bytes(), how, address).unwrap()
}
