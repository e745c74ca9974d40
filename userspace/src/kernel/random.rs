//! Random numbers for the seeds of hashes.

use rustix::rand::{GetRandomFlags, getrandom};

use super::error::KernelError;

/// Sixty-four bits that nobody outside can guess.
pub(super) fn word() -> Result<u64, KernelError> {
    let mut bytes = [0; 8];
    // Up to 256 bytes come whole once the kernel's pool was filled, which the call waits for (getrandom(2)).
    getrandom(&mut bytes, GetRandomFlags::empty()).map_err(|error| KernelError::Random(error.into()))?;
    Ok(u64::from_ne_bytes(bytes))
}
