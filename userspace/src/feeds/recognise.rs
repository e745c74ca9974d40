//! Which format a file has, by what it begins with.

use super::lines::{first_line, parse_line, without_comment};
use super::list::{ListError, UTF8_BOM, foreign_format, shown};
use super::reading::Format;

/// The format of a file that begins with these bytes. A text that has the marks of no other format is plain: what is wrong
/// with its lines says more than a guess.
///
/// # Errors
///
/// When it can be no list: the error says what it seems to be.
pub(super) fn recognise(head: &[u8]) -> Result<Format, ListError> {
    if let Some(what) = foreign_format(head) {
        return Err(ListError::NotText(what));
    }
    let text = head.strip_prefix(UTF8_BOM).unwrap_or(head);
    let Some(line) = first_record(text) else { return Ok(Format::Plain) };
    if let Some(error) = foreign_text(line) {
        return Err(error);
    }
    let start = text.trim_ascii_start();
    if let Some(format) = json(start) {
        return Ok(format);
    }
    if matches!(parse_line(line), Ok(Some(_))) {
        return Ok(Format::Plain);
    }
    let format = [
        (is_tor(line), Format::TorExits),
        (is_rir(line), Format::RirDelegated),
        (is_ipset(line), Format::IpsetSave),
        (is_nft(line), Format::NftText),
        (is_csv(text, line), Format::Csv),
    ];
    Ok(format.into_iter().find(|(is, _)| *is).map_or(Format::Plain, |(_, format)| format))
}

/// Whether a file holds nothing. One that is white space for a whole block and more is not looked at so closely.
pub(super) fn is_blank(head: &[u8]) -> bool {
    head.len() < super::blocks::BLOCK
        && head.strip_prefix(UTF8_BOM).unwrap_or(head).iter().all(u8::is_ascii_whitespace)
}

/// The first line that is neither blank nor a comment.
fn first_record(text: &[u8]) -> Option<&[u8]> {
    lines(text).map(<[u8]>::trim_ascii).find(|line| !without_comment(line).is_empty())
}

pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, taken) = first_line(rest);
        rest = rest.get(taken..).unwrap_or_default();
        Some(line)
    })
}

/// What servers send in the place of a list, and what people mistake for one.
fn foreign_text(line: &[u8]) -> Option<ListError> {
    let start: Vec<u8> = line.iter().take(16).map(u8::to_ascii_lowercase).collect();
    let begins =
        |beginnings: &[&str]| beginnings.iter().any(|beginning| start.starts_with(beginning.as_bytes()));
    let not_a_list = |what, instead| Some(ListError::NotAList { what, instead });
    if line.contains(&0) {
        return not_a_list("binary", "; look what the file is");
    }
    if begins(&["<!doctype", "<html", "<head", "<body", "<title", "<h1", "<p>", "<center", "<!--", "<script"])
    {
        return not_a_list(
            "an HTML page",
            "; a server sends one with an error or a login: open the address in a browser",
        );
    }
    if begins(&["<"]) {
        return not_a_list("XML", "; look for the same list as text, CSV or JSON");
    }
    if line.starts_with(b"Name: ") {
        return not_a_list("what `ipset list` prints", "; take what `ipset save` prints");
    }
    if line.starts_with(b"||") || line.starts_with(b"[Adblock") {
        return not_a_list("a filter list of names for browsers", "; xdpgate takes addresses");
    }
    is_hosts(line).then_some(ListError::NotAList {
        what: "a hosts file, in which an address stands for a name and is no source",
        instead: "; look for a list of addresses",
    })
}

/// `0.0.0.0 ads.example.com`.
fn is_hosts(line: &[u8]) -> bool {
    let mut words = without_comment(line).split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (Some(address), Some(name)) = (words.next(), words.next()) else { return false };
    let is_own = [&b"0.0.0.0"[..], b"127.0.0.1", b"::1"].contains(&address);
    is_own && name.iter().any(u8::is_ascii_alphabetic)
}

fn json(start: &[u8]) -> Option<Format> {
    match start.first()? {
        b'{' => {}
        b'[' => {
            // `[2001:db8::1]:443` is a line of a plain list, and `[section]` of something else.
            let next = start.get(1..)?.trim_ascii_start().first();
            return next.is_none_or(|next| b"\"{[]".contains(next)).then_some(Format::Json);
        }
        _ => return None,
    }
    let (line, _) = first_line(start);
    let has = |name: &str| line.windows(name.len()).any(|window| window == name.as_bytes());
    let name = start.get(1..)?.trim_ascii_start();
    Some(if name.starts_with(b"\"nftables\"") {
        Format::NftJson
    } else if (has("\"cidr\"") && has("\"sblid\"")) || (name.starts_with(b"\"asn\"") && line.ends_with(b"}"))
    {
        Format::SpamhausJson
    } else {
        Format::Json
    })
}

fn is_tor(line: &[u8]) -> bool {
    [&b"ExitNode "[..], b"ExitAddress "].iter().any(|word| line.starts_with(word))
}

/// The registries that publish delegations.
const REGISTRIES: [&[u8]; 7] = [b"afrinic", b"apnic", b"arin", b"iana", b"lacnic", b"nro", b"ripencc"];

fn is_rir(line: &[u8]) -> bool {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b'|').take(6).collect();
    fields.len() >= 6 && fields.iter().take(2).any(|field| REGISTRIES.contains(field))
}

/// `create NAME hash:net …`, `add NAME 192.0.2.1`.
fn is_ipset(line: &[u8]) -> bool {
    let words: Vec<&[u8]> =
        line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(3).collect();
    match words.as_slice() {
        [b"create" | b"-N", _, kind] => kind.contains(&b':'),
        [b"add" | b"-A", _, entry] => entry.first().is_some_and(u8::is_ascii_hexdigit) && !is_nft(line),
        _ => false,
    }
}

fn is_nft(line: &[u8]) -> bool {
    let mut words =
        line.split(|byte| byte.is_ascii_whitespace() || *byte == b'{').filter(|word| !word.is_empty());
    let object = |word: Option<&[u8]>| {
        word.is_some_and(|word| {
            [&b"table"[..], b"set", b"map", b"element", b"chain", b"ruleset"].contains(&word)
        })
    };
    match words.next() {
        Some(b"table") => line.ends_with(b"{") || words.count() >= 2,
        Some(b"set" | b"elements") => line.contains(&b'{'),
        Some(b"add" | b"create" | b"flush" | b"delete" | b"destroy") => object(words.next()),
        _ => false,
    }
}

/// Fields between commas, semicolons or tabs, with a word for each or an address among them.
fn is_csv(text: &[u8], line: &[u8]) -> bool {
    let Some(delimiter) = delimiter(line) else { return false };
    let has_address = |line: &[u8]| line.split(|byte| *byte == delimiter).any(is_address);
    // The names of the columns, and no row: an empty export.
    let is_word = |field: &[u8]| field.first().is_some_and(u8::is_ascii_alphabetic) && !field.contains(&b' ');
    if lines(text).filter(|line| !line.trim_ascii().is_empty()).count() == 1 {
        return has_address(line) || line.split(|byte| *byte == delimiter).all(is_word);
    }
    lines(text).filter(|line| line.contains(&delimiter)).take(100).any(has_address)
}

/// What stands between the fields of a line: the one that is there most often.
pub(super) fn delimiter(line: &[u8]) -> Option<u8> {
    let fields = |delimiter: u8| line.split(|byte| *byte == delimiter).count();
    let found = [b',', b'\t', b';'].map(|delimiter| (fields(delimiter), delimiter));
    found
        .into_iter()
        .rev()
        .max_by_key(|(count, _)| *count)
        .filter(|(count, _)| *count > 0)
        .map(|found| found.1)
}

fn is_address(field: &[u8]) -> bool {
    let field = field.trim_ascii();
    let field = field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(field);
    matches!(parse_line(field), Ok(Some(_)))
}

/// The first characters of a file, for a message.
pub(super) fn beginning(head: &[u8]) -> String {
    let text = head.strip_prefix(UTF8_BOM).unwrap_or(head);
    shown(first_record(text).unwrap_or_default())
}
