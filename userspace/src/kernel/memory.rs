//! The memory of array maps, shared with the running programs: written and read as plain words, without a system call.
#![expect(
    unsafe_code,
    reason = "mapping the memory of a map; everything after that goes through atomic words"
)]

use std::io;
use std::os::fd::AsFd;
use std::ptr::{NonNull, null_mut};
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use aya::maps::{MapData, MapError};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::param::page_size;

use super::error::KernelError;
use super::pins::Pins;

const WORD: usize = size_of::<u64>();

/// All elements of an array map that was made with `BPF_F_MMAPABLE` (kernel 5.5), one behind the other. Each takes its
/// value's size, rounded up to 8 bytes (`array_map_alloc`, kernel/bpf/arraymap.c).
#[derive(Debug)]
pub(super) struct Memory {
    start: NonNull<AtomicU64>,
    words: usize,
    mapped_bytes: usize,
}

// SAFETY: the mapping belongs to the value and lives as long as it does; its words are only reached as atomics.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps a pinned array.
    pub(super) fn of_pin(pins: &Pins, name: &'static str) -> Result<Self, KernelError> {
        let map = MapData::from_pin(pins.map(name)).map_err(|error| KernelError::table(name, error))?;
        Self::of(&map, name)
    }

    /// Maps an array.
    pub(super) fn of(map: &MapData, name: &'static str) -> Result<Self, KernelError> {
        let info = map.info().map_err(|error| KernelError::table(name, error))?;
        let element = (info.value_size() as usize).next_multiple_of(WORD);
        Self::map(map, element * info.max_entries() as usize)
            .map_err(|error| KernelError::table(name, MapError::IoError(error)))
    }

    fn map(map: &MapData, bytes: usize) -> io::Result<Self> {
        let mapped_bytes = bytes.next_multiple_of(page_size());
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory of this process. The kernel
        // refuses a length beyond the array.
        let address = unsafe {
            mmap(
                null_mut(),
                mapped_bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                map.fd().as_fd(),
                0,
            )
        }?;
        let start = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, words: bytes / WORD, mapped_bytes })
    }

    /// The words, in the machine's byte order. A store is seen by the programs as a whole.
    pub(super) fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is page-aligned, holds this many words and lives as long as `self`. Programs change words
        // meanwhile, each in one access, which is what atomics are for.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }

    /// Makes the words from the first on hold these bytes; what does not fit is left out.
    pub(super) fn write(&self, bytes: &[u8], pen: &mut Pen) {
        let words = self.words();
        let (whole, rest) = bytes.as_chunks::<WORD>();
        for (word, chunk) in words.iter().zip(whole) {
            pen.put(word, u64::from_ne_bytes(*chunk));
        }
        if let Some(word) = words.get(whole.len()).filter(|_| !rest.is_empty()) {
            let mut last = [0; WORD];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            pen.put(word, u64::from_ne_bytes(last));
        }
    }
}

/// Goes over words with what each of them is to hold.
#[derive(Debug, Default)]
pub(super) struct Pen {
    looks: bool,
    mended: u64,
}

impl Pen {
    /// Stores every word: for a place that no program reads meanwhile.
    pub(super) const fn writer() -> Self {
        Self { looks: false, mended: 0 }
    }

    /// Stores only what differs, and counts it: for a place that programs read.
    pub(super) const fn mender() -> Self {
        Self { looks: true, mended: 0 }
    }

    pub(super) fn put(&mut self, word: &AtomicU64, value: u64) {
        if self.looks {
            if word.load(Ordering::Relaxed) == value {
                return;
            }
            self.mended += 1;
        }
        word.store(value, Ordering::Relaxed);
    }

    /// How many words a mender has stored.
    pub(super) const fn mended(&self) -> u64 {
        self.mended
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping of `map`, whole; no reference into it outlives `self`.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.mapped_bytes) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}
