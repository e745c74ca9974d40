//! What becomes of memory that is no longer used.

/// Makes the allocator give large blocks back to the system as soon as they are free, for the whole process.
///
/// glibc raises the size from which it does so up to 32 MiB, by what was freed last. Every thread that ever compiled a
/// policy then keeps the memory of a whole one, and a reload may run on any thread: a million prefixes were 120 MiB after
/// 200 reloads, and are 10 MiB with a fixed size. Other C libraries do not do that.
pub(super) fn give_back_large_blocks() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "mallopt has no safe wrapper")]
    // SAFETY: changes a number that the allocator reads. It takes no pointer, and any value is valid.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// In bytes. Far above what requests and answers take, far below the tables of a policy that is large.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 1 << 20;

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    /// In bytes.
    fn resident() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    #[test]
    fn threads_keep_no_large_blocks() {
        const THREADS: usize = 16;
        const BLOCK: usize = 16 << 20;
        give_back_large_blocks();
        let before = resident();
        let all_done = Barrier::new(THREADS + 1);
        let measured = Barrier::new(THREADS + 1);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..2 {
                        drop(std::hint::black_box(vec![1_u8; BLOCK]));
                    }
                    all_done.wait();
                    measured.wait();
                });
            }
            all_done.wait();
            let kept = resident().saturating_sub(before);
            measured.wait();
            // Other tests run beside this one, so only a good part of it counts.
            assert!(kept < THREADS * BLOCK / 2, "{} MiB were kept", kept >> 20);
        });
    }
}
