//! Bans.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::cell::UnsafeCell;
use core::ptr::read_volatile;

use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::btf_maps::{HashMap, LpmTrie};
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{Ban, PrefixBan};

const DEFAULT_ENTRIES: usize = 1 << 18;

#[btf_map]
static BANS_V4: HashMap<[u8; 4], Ban, DEFAULT_ENTRIES> = HashMap::new();
#[btf_map]
static BANS_V6: HashMap<[u8; 16], Ban, DEFAULT_ENTRIES> = HashMap::new();
#[btf_map]
static BAN_PREFIXES_V4: LpmTrie<[u8; 4], PrefixBan, DEFAULT_ENTRIES> = LpmTrie::new();
#[btf_map]
static BAN_PREFIXES_V6: LpmTrie<[u8; 16], PrefixBan, DEFAULT_ENTRIES> = LpmTrie::new();

/// Room for the keys of the tries. On the stack the address behind the 4 bytes of the length would be misaligned, and
/// the verifier refuses that there.
pub(crate) struct PrefixKeys {
    v4: UnsafeCell<Key<[u8; 4]>>,
    v6: UnsafeCell<Key<[u8; 16]>>,
}

impl PrefixKeys {
    #[inline(always)]
    fn v4(&self, address: [u8; 4]) -> &Key<[u8; 4]> {
        // SAFETY: belongs to this CPU, and the reference from the call before is no longer used.
        unsafe {
            self.v4.get().write(Key::new(32, address));
            &*self.v4.get()
        }
    }

    #[inline(always)]
    fn v6(&self, address: [u8; 16]) -> &Key<[u8; 16]> {
        // SAFETY: as above.
        unsafe {
            self.v6.get().write(Key::new(128, address));
            &*self.v6.get()
        }
    }
}

#[inline(always)]
pub(crate) fn ban_v4(address: [u8; 4]) -> Option<Ban> {
    // SAFETY: a live pointer to an element; its one word is read once. If the element is reused meanwhile the answer is
    // that of the moment before or after.
    BANS_V4.get_ptr(address).map(|ban| unsafe { read_volatile(ban) })
}

#[inline(always)]
pub(crate) fn ban_v6(address: [u8; 16]) -> Option<Ban> {
    // SAFETY: as above.
    BANS_V6.get_ptr(address).map(|ban| unsafe { read_volatile(ban) })
}

#[inline(always)]
pub(crate) fn ban_prefix_v4(keys: &PrefixKeys, address: [u8; 4]) -> Option<Ban> {
    BAN_PREFIXES_V4.get(keys.v4(address)).map(|ban| Ban::from_prefix(*ban))
}

#[inline(always)]
pub(crate) fn ban_prefix_v6(keys: &PrefixKeys, address: [u8; 16]) -> Option<Ban> {
    BAN_PREFIXES_V6.get(keys.v6(address)).map(|ban| Ban::from_prefix(*ban))
}

