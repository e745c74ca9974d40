//! Where things are pinned, who owns the pins, and whether this program understands them.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use aya::maps::{Array, Map, MapData};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open, statfs};
use xdpgate_ebpf::abi::ABI_VERSION;

use super::error::KernelError;

/// `BPF_FS_MAGIC` of include/uapi/linux/magic.h.
const BPF_FS_MAGIC: rustix::fs::FsWord = 0xcafe_4a11;

/// The folder of the pins.
#[derive(Clone, Debug)]
pub(super) struct Pins {
    root: PathBuf,
}

/// The owner's lock. The kernel releases it when the process ends, however it ends.
///
/// Let go of in an orderly way, pins that guard no interface go with it: they would only hold memory.
#[derive(Debug)]
pub(super) struct Owned {
    pins: Pins,
    _lock: OwnedFd,
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.pins.guard_nothing() {
            // What can't be removed is adopted or removed by the next owner.
            let _ = self.pins.remove();
        }
    }
}

impl Pins {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn maps(&self) -> PathBuf {
        self.root.join("maps")
    }

    fn links(&self) -> PathBuf {
        self.root.join("links")
    }

    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.maps().join(name)
    }

    /// Links are named by slot: a BPF file system refuses names with dots, which interfaces may have.
    pub(super) fn link(&self, slot: u32) -> PathBuf {
        self.links().join(slot.to_string())
    }

    /// Makes the folders and takes the owner's lock.
    pub(super) fn own(&self) -> Result<Owned, KernelError> {
        for folder in [self.root.clone(), self.maps(), self.links()] {
            fs::create_dir_all(&folder).map_err(|error| self.explain(&folder, error))?;
        }
        let fs_type = statfs(&self.root).map_err(|error| KernelError::pin(&self.root, error.into()))?.f_type;
        if fs_type != BPF_FS_MAGIC {
            return Err(KernelError::NoBpffs { path: self.root.clone() });
        }
        let owner = open(&self.root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| KernelError::pin(&self.root, error.into()))?;
        match flock(&owner, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Owned { pins: self.clone(), _lock: owner }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(KernelError::AlreadyOwned { path: self.root.clone() }),
            Err(error) => Err(KernelError::pin(&self.root, error.into())),
        }
    }

    /// Removes everything: first the links, which takes the programs off, then the maps and the folders.
    pub(super) fn remove(&self) -> Result<(), KernelError> {
        for folder in [self.links(), self.maps()] {
            for entry in fs::read_dir(&folder).map_err(|error| KernelError::pin(&folder, error))? {
                let path = entry.map_err(|error| KernelError::pin(&folder, error))?.path();
                remove_file(&path)?;
            }
            fs::remove_dir(&folder).map_err(|error| KernelError::pin(&folder, error))?;
        }
        fs::remove_dir(&self.root).map_err(|error| KernelError::pin(&self.root, error))
    }

    fn guard_nothing(&self) -> bool {
        fs::read_dir(self.links()).is_ok_and(|mut links| links.next().is_none())
    }

    /// Whether anything was ever made here.
    pub(super) fn exists(&self) -> bool {
        self.map(ABI).exists()
    }

    /// Refuses pins of another layout. Zero was never written: the daemon that made them died before they were whole,
    /// and they are made anew.
    pub(super) fn check_abi(&self) -> Result<(), KernelError> {
        if !self.exists() {
            return Ok(());
        }
        let found = self.abi()?.get(&0, 0).map_err(|error| KernelError::table(ABI, error))?;
        if found == 0 || found == ABI_VERSION {
            return Ok(());
        }
        Err(KernelError::OtherAbi { path: self.root.clone(), found, expected: ABI_VERSION })
    }

    /// Says that the tables are whole.
    pub(super) fn write_abi(&self) -> Result<(), KernelError> {
        self.abi()?.set(0, ABI_VERSION, 0).map_err(|error| KernelError::table(ABI, error))
    }

    fn abi(&self) -> Result<Array<MapData, u64>, KernelError> {
        let map = self.open_map(ABI)?;
        Array::try_from(map).map_err(|error| KernelError::table(ABI, error))
    }

    /// Opens a pinned map of any type.
    pub(super) fn open_map(&self, name: &'static str) -> Result<Map, KernelError> {
        let data = MapData::from_pin(self.map(name)).map_err(|error| KernelError::table(name, error))?;
        Map::from_map_data(data).map_err(|error| KernelError::table(name, error))
    }

    fn explain(&self, folder: &Path, error: io::Error) -> KernelError {
        // A folder outside of a BPF file system under /sys can't be made at all.
        match error.raw_os_error() {
            Some(libc::EPERM) if !is_root() => KernelError::pin(folder, error),
            Some(libc::EPERM) if has_dot(&self.root) => KernelError::DottedName { path: self.root.clone() },
            Some(libc::ENOENT | libc::EROFS | libc::EPERM) => {
                KernelError::NoBpffs { path: self.root.clone() }
            }
            _ => KernelError::pin(folder, error),
        }
    }
}

/// Where the kernel refuses it: `bpf_lookup` in kernel/bpf/inode.c.
fn has_dot(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.as_encoded_bytes().contains(&b'.'))
}

const ABI: &str = "ABI";

/// Removes a pin, if it is there. The last pin of a link takes its program off.
pub(super) fn remove_file(path: &Path) -> Result<(), KernelError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(KernelError::pin(path, error)),
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
