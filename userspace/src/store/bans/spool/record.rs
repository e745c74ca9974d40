//! A change as bytes: the length and a checksum of the rest, then the version of the format, then the change. All numbers
//! are little-endian.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::Timestamp;

use crate::store::bans::{BanChange, BanNote};

const VERSION: u8 = 2;
/// Had no free text beside a reason, and a lift was always everybody's.
const FIRST_VERSION: u8 = 1;
const HEAD: usize = 16;

const PUT: u8 = 1;
const DELETE: u8 = 2;
/// The bans of one source.
const DELETE_OF: u8 = 3;
/// Added to the length of an IPv6 prefix, so that one byte says length and family.
const IPV6: u8 = 64;
/// In place of an end.
const NEVER: i64 = i64::MAX;

/// The bytes of a change.
pub(super) fn of(change: &BanChange) -> Vec<u8> {
    let mut bytes = vec![0; HEAD];
    bytes.push(VERSION);
    match change {
        BanChange::Put(groups) => {
            bytes.push(PUT);
            number(&mut bytes, groups.len());
            for (note, prefixes) in groups {
                let expires = note.expires.map_or(NEVER, Timestamp::as_millisecond);
                bytes.extend(expires.to_le_bytes());
                bytes.extend(note.created.as_millisecond().to_le_bytes());
                text(&mut bytes, &note.reason);
                text(&mut bytes, &note.source);
                text(&mut bytes, &note.note);
                keys(&mut bytes, prefixes);
            }
        }
        BanChange::Delete(None, prefixes) => {
            bytes.push(DELETE);
            keys(&mut bytes, prefixes);
        }
        BanChange::Delete(Some(source), prefixes) => {
            bytes.push(DELETE_OF);
            text(&mut bytes, source);
            keys(&mut bytes, prefixes);
        }
        // What has ended is found again.
        BanChange::Forget(..) | BanChange::EndNote(..) => return Vec::new(),
    }
    if let Some((head, body)) = bytes.split_at_mut_checked(HEAD) {
        let [length, sum] = [body.len() as u64, checksum(body)].map(u64::to_le_bytes);
        head.copy_from_slice([length, sum].as_flattened());
    }
    bytes
}

/// The next record that is whole, without its head.
pub(super) fn next<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut here = *rest;
    let length = take::<8>(&mut here).map(u64::from_le_bytes)?;
    let sum = take::<8>(&mut here).map(u64::from_le_bytes)?;
    let (body, after) = here.split_at_checked(usize::try_from(length).ok()?)?;
    if body.is_empty() || checksum(body) != sum {
        return None;
    }
    *rest = after;
    Some(body)
}

/// `None`: a later version wrote it. What an earlier one left is read.
pub(super) fn read(mut body: &[u8]) -> Option<BanChange> {
    let [version, kind] = take(&mut body)?;
    let change = match (version, kind) {
        (FIRST_VERSION | VERSION, PUT) => {
            let groups = take(&mut body).map(u64::from_le_bytes)?;
            BanChange::Put((0..groups).map(|_| group(&mut body, version)).collect::<Option<_>>()?)
        }
        (FIRST_VERSION | VERSION, DELETE) => BanChange::Delete(None, prefixes(&mut body)?),
        (VERSION, DELETE_OF) => BanChange::Delete(Some(string(&mut body)?), prefixes(&mut body)?),
        _ => return None,
    };
    body.is_empty().then_some(change)
}

fn group(body: &mut &[u8], version: u8) -> Option<(BanNote, Vec<IpNet>)> {
    let expires = take(body).map(i64::from_le_bytes)?;
    let expires = if expires == NEVER { None } else { Some(Timestamp::from_millisecond(expires).ok()?) };
    let created = Timestamp::from_millisecond(take(body).map(i64::from_le_bytes)?).ok()?;
    let (reason, source) = (string(body)?, string(body)?);
    let note = if version == FIRST_VERSION { String::new() } else { string(body)? };
    let note = BanNote { expires, reason, source, note, created };
    Some((note, prefixes(body)?))
}

fn prefixes(body: &mut &[u8]) -> Option<Vec<IpNet>> {
    let count = take(body).map(u64::from_le_bytes)?;
    (0..count).map(|_| prefix(body)).collect()
}

fn prefix(body: &mut &[u8]) -> Option<IpNet> {
    let [length] = take(body)?;
    if let Some(length) = length.checked_sub(IPV6) {
        return Ipv6Net::new(Ipv6Addr::from(take::<16>(body)?), length).ok().map(IpNet::from);
    }
    Ipv4Net::new(Ipv4Addr::from(take::<4>(body)?), length).ok().map(IpNet::from)
}

fn keys(bytes: &mut Vec<u8>, prefixes: &[IpNet]) {
    number(bytes, prefixes.len());
    bytes.reserve(5 * prefixes.len());
    for prefix in prefixes {
        match prefix {
            IpNet::V4(prefix) => {
                bytes.push(prefix.prefix_len());
                bytes.extend(prefix.addr().octets());
            }
            IpNet::V6(prefix) => {
                bytes.push(IPV6 + prefix.prefix_len());
                bytes.extend(prefix.addr().octets());
            }
        }
    }
}

fn number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend((number as u64).to_le_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    number(bytes, text.len());
    bytes.extend(text.as_bytes());
}

fn string(body: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(take(body).map(u64::from_le_bytes)?).ok()?;
    let text;
    (text, *body) = body.split_at_checked(length)?;
    String::from_utf8(text.to_vec()).ok()
}

fn take<const N: usize>(body: &mut &[u8]) -> Option<[u8; N]> {
    let taken;
    (taken, *body) = body.split_first_chunk::<N>()?;
    Some(*taken)
}

/// Against a record that was not written whole, not against an attacker. Eight bytes at once, for there may be a million
/// addresses.
fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let add = |sum: u64, word: u64| (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = words.iter().fold(bytes.len() as u64, |sum, word| add(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| add(sum, u64::from(*byte)))
}
