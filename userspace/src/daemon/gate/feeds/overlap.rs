//! What lists have in common.

use crate::api::Failure;
use crate::api::types::{ListOverlap, ListSize, SharedAddresses};
use crate::config::Name;
use crate::daemon::gate::Gate;
use crate::daemon::gate::lists::no_such_list;
use crate::policy::LoadedList;

impl Gate {
    /// What each two of these lists have in common; of all, where none is named.
    ///
    /// # Errors
    /// When there is no such list.
    pub fn list_overlap(&self, names: &[Name]) -> Result<ListOverlap, Failure> {
        let live = self.live();
        let lists = &live.inputs.lists;
        if let Some(unknown) = names.iter().find(|name| !lists.iter().any(|list| list.name == **name)) {
            return Err(no_such_list(unknown));
        }
        let chosen: Vec<&LoadedList> =
            lists.iter().filter(|list| names.is_empty() || names.contains(&list.name)).collect();
        let mut pairs = Vec::new();
        for (place, one) in chosen.iter().enumerate() {
            pairs.extend(chosen.iter().skip(place + 1).filter_map(|other| shared(one, other)));
        }
        Ok(ListOverlap { lists: chosen.into_iter().map(size).collect(), pairs })
    }
}

fn size(list: &LoadedList) -> ListSize {
    let (ipv4_addresses, ipv6_addresses) = list.ranges.addresses();
    ListSize { name: list.name.clone(), entries: list.entries as u64, ipv4_addresses, ipv6_addresses }
}

fn shared(one: &LoadedList, other: &LoadedList) -> Option<SharedAddresses> {
    let both = one.ranges.intersection(&other.ranges);
    let (ipv4_addresses, ipv6_addresses) = both.addresses();
    let ranges = (both.ipv4().len() + both.ipv6().len()) as u64;
    (ranges > 0).then(|| SharedAddresses {
        one: one.name.clone(),
        other: other.name.clone(),
        ranges,
        ipv4_addresses,
        ipv6_addresses,
    })
}
