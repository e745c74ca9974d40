//! The embedded object: what it is, and how it becomes tables and programs.

use aya::programs::Xdp;
use aya::util::KernelVersion;
use aya::{Ebpf, EbpfLoader, include_bytes_aligned};
use xdpgate_ebpf::bans::BanTable;
use xdpgate_ebpf::buckets::Shape;

use super::Options;
use super::ban_words::map_name;
use super::error::{KernelError, is_denied, map_errno, program_errno};
use super::pins::Pins;
use super::tables::NAMES;
use crate::bans::BanShape;

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/xdpgate.o"));

/// Links of XDP programs, the ring buffer and compare-and-swap are all in 5.15.
const OLDEST: (u8, u8, u16) = (5, 15, 0);
/// Frames in several buffers, commit f45d5b6ce2e8.
const FRAGS: (u8, u8, u16) = (5, 18, 0);

/// What of the kernel is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    /// The release of the running kernel.
    pub kernel: String,
    /// Whether the program takes frames in several buffers.
    pub frags: bool,
}

/// Makes the tables that are not pinned yet and opens the others.
pub(super) fn make_tables(pins: &Pins, options: &Options) -> Result<Features, KernelError> {
    let kernel = release();
    if !at_least(OLDEST) {
        return Err(KernelError::Unsupported { kernel, why: "it is too old".to_owned() });
    }
    load(pins, options, 0)?;
    Ok(Features { kernel, frags: at_least(FRAGS) })
}

/// A loaded program for one slot, with the object that owns it.
pub(super) struct LoadedProgram {
    object: Ebpf,
    name: &'static str,
}

impl LoadedProgram {
    /// Loads the program that counts in `slot`; the verifier runs now.
    pub(super) fn new(
        pins: &Pins,
        options: &Options,
        features: &Features,
        slot: u32,
    ) -> Result<Self, KernelError> {
        let object = load(pins, options, slot)?;
        let mut loaded = Self { object, name: if features.frags { "xdpgate_frags" } else { "xdpgate" } };
        let kernel = features.kernel.clone();
        loaded.program()?.load().map_err(|error| match program_errno(&error) {
            Some(libc::EPERM | libc::EACCES) if !super::netlink::is_privileged() => {
                KernelError::NotPermitted { what: "loading the XDP program".to_owned() }
            }
            Some(libc::ENOSYS) => KernelError::Unsupported { kernel, why: "it has no bpf() call".to_owned() },
            _ => KernelError::Load(Box::new(error)),
        })?;
        Ok(loaded)
    }

    pub(super) fn program(&mut self) -> Result<&mut Xdp, KernelError> {
        let program = self.object.program_mut(self.name).ok_or(KernelError::NoObject)?;
        program.try_into().map_err(|error| KernelError::Load(Box::new(error)))
    }
}

fn load(pins: &Pins, options: &Options, slot: u32) -> Result<Ebpf, KernelError> {
    if OBJECT.is_empty() {
        return Err(KernelError::NoObject);
    }
    let mut loader = EbpfLoader::new();
    loader.override_global("INTERFACE_SLOT", &slot, true);
    let bans = BanShape::new(options.bans);
    for table in BanTable::ALL {
        loader.map_max_entries(map_name(table), bans.lines(table));
    }
    loader.map_max_entries("BUCKETS", 1 << Shape::bits_for(options.sources));
    for name in NAMES {
        loader.map_pin_path(name, pins.map(name));
    }
    loader.load(OBJECT).map_err(explain)
}

fn explain(error: aya::EbpfError) -> KernelError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other variant is told as the loader tells it")]
    match &error {
        aya::EbpfError::MapError(map) => match map_errno(map) {
            Some(libc::EPERM | libc::EACCES) => {
                KernelError::NotPermitted { what: "making the tables".to_owned() }
            }
            _ => KernelError::Object(Box::new(error)),
        },
        aya::EbpfError::FileError { error: io, .. } if is_denied(io) => {
            KernelError::NotPermitted { what: "reading the kernel's types".to_owned() }
        }
        _ => KernelError::Object(Box::new(error)),
    }
}

fn at_least((major, minor, patch): (u8, u8, u16)) -> bool {
    KernelVersion::current().is_ok_and(|version| version >= KernelVersion::new(major, minor, patch))
}

fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}
