//! A script for `nft -j -f`.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::nft::{LONGEST_COMMENT, TOGETHER};
use super::{SET, family, quotable, seconds};
use crate::feeds::lines::Entry;
use crate::feeds::range::{Address, Range};
use crate::feeds::reader::TimedEntry;

pub(super) fn write(out: &mut dyn Write, entries: &mut dyn Iterator<Item = TimedEntry>) -> io::Result<()> {
    out.write_all(b"{\"nftables\":[\n")?;
    serde_json::to_writer(&mut *out, &json!({ "metainfo": { "json_schema_version": 1 } }))?;
    command(out, &json!({ "table": { "family": "inet", "name": SET } }))?;
    for family in [4, 6] {
        let set = json!({
            "family": "inet",
            "table": SET,
            "name": format!("{SET}{family}"),
            "type": format!("ipv{family}_addr"),
            "flags": ["interval", "timeout"],
            // Entries may lie within each other, which intervals must not.
            "auto-merge": true,
        });
        command(out, &json!({ "set": set }))?;
    }
    let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
    for timed in entries {
        let family = family(timed.entry);
        let elements = if family == 4 { &mut ipv4 } else { &mut ipv6 };
        elements.push(element(&timed));
        if elements.len() == TOGETHER {
            flush(out, family, elements)?;
        }
    }
    flush(out, 4, &mut ipv4)?;
    flush(out, 6, &mut ipv6)?;
    out.write_all(b"\n]}\n")
}

fn command(out: &mut dyn Write, object: &Value) -> io::Result<()> {
    out.write_all(b",\n")?;
    Ok(serde_json::to_writer(out, &json!({ "add": object }))?)
}

fn flush(out: &mut dyn Write, family: u8, elements: &mut Vec<Value>) -> io::Result<()> {
    if elements.is_empty() {
        return Ok(());
    }
    let elements = std::mem::take(elements);
    let name = format!("{SET}{family}");
    command(out, &json!({ "element": { "family": "inet", "table": SET, "name": name, "elem": elements } }))
}

fn element(timed: &TimedEntry) -> Value {
    let value = match timed.entry {
        Entry::Ipv4(range) => addresses(range),
        Entry::Ipv6(range) => addresses(range),
    };
    let comment = timed.comment.as_deref().map(|comment| quotable(comment, LONGEST_COMMENT));
    let comment = comment.filter(|comment| !comment.is_empty());
    if timed.timeout.is_none() && comment.is_none() {
        return value;
    }
    let mut described = json!({ "val": value });
    if let Some(object) = described.as_object_mut() {
        object.extend(timed.timeout.map(|timeout| ("timeout".to_owned(), seconds(timeout).into())));
        object.extend(comment.map(|comment| ("comment".to_owned(), comment.into())));
    }
    json!({ "elem": described })
}

fn addresses<A: Address>(range: Range<A>) -> Value {
    let (first, last) = (range.first.to_ip().to_string(), range.last.to_ip().to_string());
    let length = range.first.widest_prefix(range.last);
    if range.first == range.last {
        first.into()
    } else if range.first.prefix_end(length) == range.last {
        json!({ "prefix": { "addr": first, "len": length } })
    } else {
        json!({ "range": [first, last] })
    }
}
