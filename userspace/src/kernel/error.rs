//! What can go wrong between the daemon and the kernel.

use std::io;
use std::path::PathBuf;

use aya::maps::MapError;
use aya::programs::ProgramError;
use thiserror::Error;

use crate::bans::ShapeError;
use crate::config::InterfaceName;
use crate::policy::PrefixError;

/// Why the kernel side could not do what was asked. What was enforced before is still enforced.
#[derive(Debug, Error)]
pub enum KernelError {
    /// Built without the eBPF object.
    #[error("this binary was built without the XDP program; build it with `cargo xtask build`")]
    NoObject,
    /// No permission.
    #[error("{what}: permission denied; run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON")]
    NotPermitted {
        /// What was tried.
        what: String,
    },
    /// The folder of the pins is not on a BPF file system.
    #[error("{} is not on a BPF file system; run `mount -t bpf bpf /sys/fs/bpf`, or name another folder with --bpffs", path.display())]
    NoBpffs {
        /// The folder.
        path: PathBuf,
    },
    /// A BPF file system takes no such name.
    #[error("{}: a BPF file system takes no name with a dot; name another folder with --bpffs", path.display())]
    DottedName {
        /// The folder.
        path: PathBuf,
    },
    /// Another process owns the pins.
    #[error("another xdpgate daemon owns {}; stop it first, or give this one its own --bpffs, --socket and --state-dir", path.display())]
    AlreadyOwned {
        /// The folder of the pins.
        path: PathBuf,
    },
    /// The pins come from another version.
    #[error(
        "the tables pinned in {} have layout {found}, this xdpgate speaks {expected}; they keep enforcing. \
         Run the version that made them, or `xdpgate detach` (traffic is unguarded until the next start)", path.display()
    )]
    OtherAbi {
        /// The folder of the pins.
        path: PathBuf,
        /// The layout of what is pinned.
        found: u64,
        /// The layout of this program.
        expected: u64,
    },
    /// The interface does not exist.
    #[error("no interface {interface}; `ip link` lists those there are")]
    NoInterface {
        /// Its name.
        interface: InterfaceName,
    },
    /// Another program is on the interface.
    #[error(
        "{interface} already has the XDP program {name} (id {id}); stop what owns it, or replace it with --force"
    )]
    ForeignProgram {
        /// The interface.
        interface: InterfaceName,
        /// The id of the program.
        id: u32,
        /// Its name.
        name: String,
    },
    /// Another program is on the interface, held by a link that only its owner can release.
    #[error(
        "{interface} has the XDP program {name} (id {id}), held by a BPF link: even --force can't replace it; stop its owner"
    )]
    ForeignLink {
        /// The interface.
        interface: InterfaceName,
        /// The id of the program.
        id: u32,
        /// Its name.
        name: String,
    },
    /// More interfaces than slots.
    #[error("all {limit} interface slots are taken; `xdpgate detach --interface NAME` frees one")]
    NoSlot {
        /// The number of slots.
        limit: u32,
    },
    /// The interface took neither mode, or not the one that was asked for.
    #[error("can't attach to {interface}: {reasons}")]
    Attach {
        /// The interface.
        interface: InterfaceName,
        /// What each mode said.
        reasons: String,
    },
    /// A kernel without something that xdpgate needs.
    #[error("kernel {kernel} can't run xdpgate: {why}; it needs Linux 5.15 or later")]
    Unsupported {
        /// The release.
        kernel: String,
        /// What is missing.
        why: String,
    },
    /// The verifier or the kernel refused the program.
    #[error("the kernel refused the XDP program: {}", short(.0))]
    Load(#[source] Box<ProgramError>),
    /// The object could not be loaded.
    #[error("can't load the XDP object: {0}")]
    Object(#[source] Box<aya::EbpfError>),
    /// A table has no room.
    #[error("the table `{table}` is full ({capacity} entries); {way_out}")]
    TableFull {
        /// Its name.
        table: &'static str,
        /// Its size.
        capacity: u64,
        /// What to do.
        way_out: &'static str,
    },
    /// The tables of bans are not as this program makes them.
    #[error("{0}; `xdpgate detach` removes them (traffic is unguarded until the next start)")]
    BanShape(#[from] ShapeError),
    /// The kernel gave no random numbers.
    #[error("no random numbers from the kernel: {0}")]
    Random(#[source] io::Error),
    /// The policy's prefixes do not fit.
    #[error("{0}; the policy before stays in force")]
    Prefixes(#[from] PrefixError),
    /// A table could not be read or written.
    #[error("table {table}: {source}")]
    Table {
        /// Its name.
        table: &'static str,
        /// What the kernel said.
        #[source]
        source: Box<MapError>,
    },
    /// A pinned thing is missing or can't be opened.
    #[error("{}: {source}", path.display())]
    Pin {
        /// The pin.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The link layer did not answer.
    #[error("asking the kernel for its interfaces: {0}")]
    Netlink(#[source] io::Error),
    /// The generation belongs into the slot that packets read.
    #[error(
        "generation {generation} can't be written while {live} is live; this is a defect of xdpgate, please report it"
    )]
    SlotInUse {
        /// The one to write.
        generation: u64,
        /// The one in force.
        live: u64,
    },
    /// There is nothing pinned.
    #[error("nothing of xdpgate is loaded (no pins in {})", path.display())]
    NothingPinned {
        /// The folder of the pins.
        path: PathBuf,
    },
}

impl KernelError {
    /// The exit code of the command line, see docs/operations.md.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::DottedName { .. } => 2,
            Self::NotPermitted { .. } => 6,
            Self::NoInterface { .. }
            | Self::ForeignProgram { .. }
            | Self::ForeignLink { .. }
            | Self::NoSlot { .. }
            | Self::Attach { .. } => 7,
            Self::AlreadyOwned { .. } => 8,
            Self::OtherAbi { .. } => 9,
            Self::Unsupported { .. } | Self::NoBpffs { .. } => 10,
            Self::TableFull { .. } | Self::Prefixes(_) => 11,
            Self::NothingPinned { .. } => 4,
            Self::NoObject
            | Self::SlotInUse { .. }
            | Self::Load(_)
            | Self::Object(_)
            | Self::Table { .. }
            | Self::Pin { .. }
            | Self::Random(_)
            | Self::BanShape(_)
            | Self::Netlink(_) => 1,
        }
    }

    /// A file-system error about a pin, told apart by what an operator can do about it.
    pub(super) fn pin(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        if is_denied(&source) {
            return Self::NotPermitted { what: path.display().to_string() };
        }
        Self::Pin { path, source }
    }

    /// A map error, told apart likewise.
    pub(super) fn table(table: &'static str, source: MapError) -> Self {
        if map_errno(&source).is_some_and(|errno| errno == libc::EPERM || errno == libc::EACCES) {
            return Self::NotPermitted { what: format!("table {table}") };
        }
        Self::Table { table, source: Box::new(source) }
    }
}

/// The verifier tells its whole way through the program; what it objects to stands at the end.
fn short(error: &ProgramError) -> String {
    let ProgramError::LoadError { io_error, verifier_log } = error else { return error.to_string() };
    let log = verifier_log.to_string();
    let mut last: Vec<&str> = log.lines().rev().filter(|line| !line.trim().is_empty()).take(4).collect();
    last.reverse();
    format!("{io_error}; the verifier's last words: {}", last.join(" | "))
}

pub(super) fn is_denied(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES))
}

/// The error number behind a map error, if the kernel gave one.
pub(super) fn map_errno(error: &MapError) -> Option<i32> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other variant was found without asking the kernel"
    )]
    match error {
        MapError::SyscallError(error) => error.io_error.raw_os_error(),
        MapError::CreateError { io_error, .. } => io_error.raw_os_error(),
        _ => None,
    }
}

/// The error number behind a program error, likewise.
pub(super) fn program_errno(error: &ProgramError) -> Option<i32> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other variant was found without asking the kernel"
    )]
    match error {
        ProgramError::LoadError { io_error, .. } => io_error.raw_os_error(),
        ProgramError::SyscallError(error) => error.io_error.raw_os_error(),
        ProgramError::XdpError(aya::programs::xdp::XdpError::NetlinkError(error)) => error.raw_os_error(),
        _ => None,
    }
}
