//! The tables of bans. The loader sets how many lines each has.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map expands to an unsafe attribute")]

use core::ptr::read_volatile;

use aya_ebpf::btf_maps::Array;
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{BAN_LINE_WORDS, MIN_BAN_LINES, control};
use xdpgate_ebpf::bans::{BanLine, BanMemory, BanTable};

use super::{ControlWords, MMAPABLE};

type Line = [u64; BAN_LINE_WORDS];
type Lines = Array<Line, { MIN_BAN_LINES as usize }, MMAPABLE>;

#[btf_map]
static BANS_V4: Lines = Lines::new();
#[btf_map]
static BANS_V6: Lines = Lines::new();
#[btf_map]
static BAN_PREFIXES_V4: Lines = Lines::new();
#[btf_map]
static BAN_PREFIXES_V6: Lines = Lines::new();

/// The four tables.
pub(crate) struct Bans {
    pub(crate) control: ControlWords,
}

impl BanMemory for Bans {
    type Line<'a> = LinePointer;

    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self.control.word(control::BANS + index)
    }

    #[inline(always)]
    fn line(&self, table: BanTable, index: u32) -> Option<LinePointer> {
        let line = match table {
            BanTable::ExactIpv4 => BANS_V4.get_ptr(index),
            BanTable::PrefixIpv4 => BAN_PREFIXES_V4.get_ptr(index),
            BanTable::ExactIpv6 => BANS_V6.get_ptr(index),
            BanTable::PrefixIpv6 => BAN_PREFIXES_V6.get_ptr(index),
        };
        line.map(|line| LinePointer(line.cast()))
    }
}

/// One line.
pub(crate) struct LinePointer(*const u64);

impl BanLine for LinePointer {
    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        // SAFETY: a live pointer to that many aligned words, and the index is masked; volatile, because userspace stores
        // to them.
        unsafe { read_volatile(self.0.add(index & (BAN_LINE_WORDS - 1))) }
    }
}
