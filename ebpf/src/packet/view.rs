//! Bounded reads of a frame.

use core::ops::Deref;

/// Bytes of a frame, aligned to words: the program copies some to its stack, where the verifier wants aligned stores.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes<const N: usize>(pub [u8; N]);

impl<const N: usize> Deref for Bytes<N> {
    type Target = [u8; N];

    #[inline(always)]
    fn deref(&self) -> &[u8; N] {
        &self.0
    }
}

/// A frame's bytes. The kernel's host checks each read against `data_end`; other hosts against a slice.
pub trait View {
    /// The bytes that can be read, which in the kernel may be only the first buffer of a frame.
    fn len(&self) -> u32;

    /// The bytes of the whole frame. More than [`View::len`] only where the kernel hands it over in several buffers, and
    /// then it costs a helper call.
    #[inline(always)]
    fn frame_len(&self) -> u32 {
        self.len()
    }

    /// Whether there is nothing to read.
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `N` bytes at `offset`, or `None` where the frame is shorter.
    fn read<const N: usize>(&self, offset: u32) -> Option<Bytes<N>>;

    /// Hands an offset back as it is. The kernel's host sends it through memory: the verifier then forgets which of the
    /// many ways through the headers led to it, and follows what comes after once instead of once for each way.
    #[inline(always)]
    fn settle(&self, offset: u32) -> u32 {
        offset
    }
}

impl View for &[u8] {
    #[inline(always)]
    fn len(&self) -> u32 {
        u32::try_from(<[u8]>::len(self)).unwrap_or(u32::MAX)
    }

    #[inline(always)]
    fn read<const N: usize>(&self, offset: u32) -> Option<Bytes<N>> {
        let start = usize::try_from(offset).ok()?;
        self.get(start..start.checked_add(N)?)?.try_into().ok().map(Bytes)
    }
}
