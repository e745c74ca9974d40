//! From what was asked to what is made.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::{SignedDuration, Timestamp};

use super::register::NewBans;
use crate::api::types::{Ban, BanRequest, NewBan};
use crate::api::{Failure, Prefix};
use crate::feeds::{AddressRanges, BadLines, ParsedList, parse_list};
use crate::store::BanNote;

/// Longer than anyone means; beyond it an operator wants `permanent`.
const LONGEST_TTL_SECONDS: u64 = 10 * 365 * 86_400;

/// Bans as the lines of a text, all for the same time and reason.
#[derive(Debug)]
pub struct BanLines<'a> {
    /// An address, a prefix or a range on each line, comments with `#` or `;`.
    pub text: &'a [u8],
    /// For how long; `None` is for good.
    pub ttl_seconds: Option<u64>,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub source: String,
    /// What an operator wants to remember about them.
    pub note: String,
    /// Leave out lines that are no entries.
    pub skip_bad: bool,
    /// Also ban what would lock out an operator.
    pub force: bool,
}

impl BanLines<'_> {
    /// The bans, and how many lines were left out.
    pub(super) fn read(&self, now: Timestamp) -> Result<(NewBans, u64), Failure> {
        let expires = self.ttl_seconds.map(|seconds| expiry(now, seconds)).transpose()?;
        let bad = if self.skip_bad { BadLines::Skip } else { BadLines::Refuse };
        let list = parse_list(self.text, &bad.into()).and_then(ParsedList::addresses_only);
        let list = list.map_err(Failure::invalid)?;
        let (reason, source, note) = (self.reason.clone(), self.source.clone(), self.note.clone());
        let note = BanNote { expires, reason, source, note, created: now };
        Ok((NewBans { note, prefixes: prefixes(&list.ranges) }, list.skipped.total as u64))
    }
}

/// The bans of a request, by what is the same for several of them.
#[derive(Debug)]
pub(super) struct Grouped {
    /// What is to be made.
    pub(super) new: Vec<NewBans>,
    /// The note of each ban of the request.
    notes: Vec<BanNote>,
    /// Its number, for each ban of the request.
    numbers: Vec<usize>,
}

impl Grouped {
    pub(super) fn of(request: &BanRequest, now: Timestamp) -> Result<Self, Failure> {
        let mut notes: Vec<BanNote> = Vec::new();
        let mut known: HashMap<(Option<u64>, &str, &str), usize> = HashMap::new();
        let mut numbers = Vec::with_capacity(request.bans.len());
        for NewBan { ttl_seconds, reason, note, .. } in &request.bans {
            let number = match known.entry((*ttl_seconds, reason, note)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    let expires = ttl_seconds.map(|seconds| expiry(now, seconds)).transpose()?;
                    let (reason, source, note) = (reason.clone(), request.source.clone(), note.clone());
                    notes.push(BanNote { expires, reason, source, note, created: now });
                    *new.insert(notes.len() - 1)
                }
            };
            numbers.push(number);
        }
        let mut grouped = Self { new: Vec::new(), notes, numbers };
        grouped.new = grouped.groups(request);
        Ok(grouped)
    }

    /// As the API shows them.
    pub(super) fn shown(&self, request: &BanRequest, now: Timestamp) -> Vec<Ban> {
        let bans = request.bans.iter().zip(&self.numbers);
        bans.filter_map(|(ban, number)| Some(shown(ban.prefix.net(), self.notes.get(*number)?, now)))
            .collect()
    }

    /// Where a prefix comes twice with different notes, the last one is its.
    fn groups(&self, request: &BanRequest) -> Vec<NewBans> {
        let numbered = || request.bans.iter().map(|ban| ban.prefix.net()).zip(self.numbers.iter().copied());
        let last: HashMap<IpNet, usize> =
            if self.notes.len() > 1 { numbered().collect() } else { HashMap::new() };
        let mut groups: Vec<NewBans> =
            self.notes.iter().map(|note| NewBans { note: note.clone(), prefixes: Vec::new() }).collect();
        for (prefix, number) in numbered() {
            if let Some(group) = groups.get_mut(number)
                && last.get(&prefix).is_none_or(|last| *last == number)
            {
                group.prefixes.push(prefix);
            }
        }
        groups
    }
}

pub(super) fn shown(prefix: IpNet, note: &BanNote, now: Timestamp) -> Ban {
    let remaining = note.expires.map(|expires| expires.duration_since(now).as_secs());
    Ban {
        prefix: Prefix::from(prefix),
        expires: note.expires,
        remaining_seconds: remaining.map(|seconds| u64::try_from(seconds).unwrap_or(0)),
        reason: note.reason.clone(),
        source: note.source.clone(),
        note: note.note.clone(),
        created: note.created,
    }
}

fn expiry(now: Timestamp, seconds: u64) -> Result<Timestamp, Failure> {
    if !(1..=LONGEST_TTL_SECONDS).contains(&seconds) {
        return Err(Failure::usage(format!(
            "a ban of {seconds} s is not possible; allowed is 1 s to ten years, or `permanent`"
        )));
    }
    let duration = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    now.checked_add(duration).map_err(Failure::usage)
}

/// The fewest prefixes for each range; none of them fails to be one.
fn prefixes(ranges: &AddressRanges) -> Vec<IpNet> {
    let ipv4 = ranges.ipv4.iter().flat_map(|range| range.prefixes());
    let ipv4 = ipv4.filter_map(|(address, length)| Some(Ipv4Net::new(address.into(), length).ok()?.into()));
    let ipv6 = ranges.ipv6.iter().flat_map(|range| range.prefixes());
    let ipv6 = ipv6.filter_map(|(address, length)| Some(Ipv6Net::new(address.into(), length).ok()?.into()));
    ipv4.chain(ipv6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::clock::now;

    fn request(bans: &[(&str, Option<u64>, &str)]) -> BanRequest {
        let ban = |(prefix, ttl_seconds, reason): &(&str, Option<u64>, &str)| NewBan {
            prefix: prefix.parse().unwrap(),
            ttl_seconds: *ttl_seconds,
            reason: (*reason).to_owned(),
            note: String::new(),
        };
        let bans = bans.iter().map(ban).collect();
        BanRequest { bans, source: "test".to_owned(), lengthen: None, force: false }
    }

    #[test]
    fn bans_with_the_same_time_and_reason_share_a_note() {
        let request = request(&[
            ("192.0.2.1", Some(60), "scan"),
            ("192.0.2.2", Some(60), "scan"),
            ("192.0.2.3", Some(60), "flood"),
            ("192.0.2.4", None, "scan"),
        ]);
        let grouped = Grouped::of(&request, now()).unwrap();
        let sizes: Vec<_> = grouped.new.iter().map(|group| group.prefixes.len()).collect();
        assert_eq!(sizes, [2, 1, 1]);
        let shown = grouped.shown(&request, now());
        assert_eq!(shown.len(), 4);
        assert_eq!((shown[2].reason.as_str(), shown[3].expires), ("flood", None));
    }

    #[test]
    fn the_last_of_two_bans_of_a_prefix_is_made() {
        let request = request(&[("192.0.2.1", None, "one"), ("192.0.2.1", Some(60), "two")]);
        let grouped = Grouped::of(&request, now()).unwrap();
        let prefixes: Vec<_> = grouped.new.iter().map(|group| group.prefixes.len()).collect();
        assert_eq!(prefixes, [0, 1]);
        assert_eq!(grouped.shown(&request, now()).len(), 2);
    }

    #[test]
    fn a_time_without_sense_is_refused() {
        let now = now();
        assert!(expiry(now, 0).is_err());
        assert!(expiry(now, u64::MAX).is_err());
        assert_eq!(expiry(now, 60).unwrap().duration_since(now).as_secs(), 60);
        assert!(Grouped::of(&request(&[("192.0.2.1", Some(0), "")]), now).is_err());
    }

    fn lines(text: &str, skip_bad: bool) -> Result<(NewBans, u64), Failure> {
        let [reason, source, note] = [const { String::new() }; 3];
        BanLines {
            text: text.as_bytes(),
            ttl_seconds: Some(60),
            reason,
            source,
            note,
            skip_bad,
            force: false,
        }
        .read(now())
    }

    #[test]
    fn lines_are_addresses_prefixes_and_ranges() {
        let text = "# bad ones\n192.0.2.1\n198.51.100.0/24 ; a network\n\n10.0.0.1-10.0.0.4\n2001:db8::/48\n";
        let (new, skipped) = lines(text, false).unwrap();
        let shown: Vec<_> = new.prefixes.iter().map(ToString::to_string).collect();
        let wanted =
            ["192.0.2.1/32", "198.51.100.0/24", "10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32", "2001:db8::/48"];
        assert_eq!((shown.as_slice(), skipped), (wanted.map(str::to_owned).as_slice(), 0));
    }

    #[test]
    fn bad_lines_refuse_all_with_their_numbers() {
        let failure = lines("192.0.2.1\nexample.org\n192.0.2.2\n192.0.2.3/24\n", false).unwrap_err();
        assert_eq!(failure.kind, crate::api::FailureKind::Invalid);
        for part in ["2 bad lines", "line 2", "line 4", "192.0.2.0/24"] {
            assert!(failure.message.contains(part), "{part}: {failure}");
        }
        let (new, skipped) = lines("192.0.2.1\nexample.org\n", true).unwrap();
        assert_eq!((new.prefixes.len(), skipped), (1, 1));
    }
}
