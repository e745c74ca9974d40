//! Programs on interfaces: attach, adopt, detach, and what is really there.

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::{XdpLink, XdpMode};
use aya::programs::{ProgramError, loaded_programs};
use xdpgate_ebpf::abi::MAX_INTERFACES;

use super::detach::pinned_program;
use super::error::{KernelError, program_errno};
use super::netlink::{LinkState, link_state, remove_program};
use super::object::LoadedProgram;
use super::pins::remove_file;
use super::slots::{mode_of, row_name, rows, write_row};
use super::{Kernel, lock};
use crate::config::{AttachMode, InterfaceName};

/// Where the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachedMode {
    /// In the driver, before an skb exists.
    Native,
    /// In the network stack: every packet has already been paid for.
    Generic,
}

impl AttachedMode {
    /// The label in metrics and JSON.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }
}

/// One guarded interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its name.
    pub name: InterfaceName,
    /// The kernel's index of it when it was attached.
    pub ifindex: u32,
    /// The slot of its counters.
    pub slot: u32,
    /// Where the program runs.
    pub mode: AttachedMode,
    /// Whether the program of an earlier daemon was replaced without a gap.
    pub adopted: bool,
    /// Whether the interface runs our program at this moment, as the kernel tells it.
    pub enforcing: bool,
    /// Why the driver did not take the program, where that was tried.
    pub fallback: Option<String>,
    /// How many instructions the verifier followed to accept the program, where this process loaded it (Linux 5.16).
    pub verified_instructions: Option<u32>,
}

/// What this process has attached to one slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnProgram {
    /// The id that the interface must show.
    pub(super) id: u32,
    /// Whether it took the place of an earlier daemon's.
    adopted: bool,
}

impl Kernel {
    /// Guards an interface: replaces the program of an earlier daemon in one step, or attaches in the driver and, where
    /// the driver can't, in the network stack.
    ///
    /// # Errors
    /// No such interface; another program holds it; neither mode works. The interface is then as it was.
    pub fn attach(&self, interface: &InterfaceName) -> Result<Attached, KernelError> {
        let state = link_state(interface)?
            .ok_or_else(|| KernelError::NoInterface { interface: interface.clone() })?;
        let slot = self.slot_for(interface)?;
        let mut program = LoadedProgram::new(&self.pins, &self.options, &self.features, slot)?;

        let adopted = self.adopt(&mut program, slot, state)?;
        let (mode, fallback) = if let Some(mode) = adopted {
            (mode, None)
        } else {
            self.make_way(interface, state)?;
            self.attach_fresh(interface, &mut program, slot, state.ifindex)?
        };
        let info = program.program()?.info().map_err(|error| KernelError::Load(Box::new(error)))?;
        let id = info.id();
        lock(&self.programs).insert(slot, OwnProgram { id, adopted: adopted.is_some() });
        write_row(&mut self.tables(), slot, interface, state.ifindex, mode)?;
        Ok(Attached {
            name: interface.clone(),
            ifindex: state.ifindex,
            slot,
            mode,
            adopted: adopted.is_some(),
            enforcing: link_state(interface)?.is_some_and(|now| now.program == Some(id)),
            fallback,
            verified_instructions: info.verified_instruction_count(),
        })
    }

    /// The guarded interfaces, each with what the kernel says about it now.
    ///
    /// # Errors
    /// The table or the link layer can't be read.
    pub fn interfaces(&self) -> Result<Vec<Attached>, KernelError> {
        let rows = rows(&self.tables())?;
        let programs = lock(&self.programs).clone();
        rows.into_iter()
            .filter_map(|(slot, row)| Some((slot, row, row_name(&row).parse().ok()?)))
            .map(|(slot, row, name)| {
                let state = link_state(&name)?;
                // Without a program of our own to compare with, any that the pinned link holds is ours.
                let own = programs.get(&slot);
                let ours = own.map(|own| own.id).or_else(|| pinned_program(&self.pins, slot));
                Ok(Attached {
                    ifindex: row.ifindex,
                    slot,
                    mode: mode_of(&row),
                    adopted: own.is_some_and(|own| own.adopted),
                    enforcing: ours.is_some() && state.and_then(|state| state.program) == ours,
                    fallback: None,
                    verified_instructions: None,
                    name,
                })
            })
            .collect()
    }

    fn slot_for(&self, interface: &InterfaceName) -> Result<u32, KernelError> {
        let mut tables = self.tables();
        let rows = rows(&tables)?;
        if let Some((slot, _)) = rows.iter().find(|(_, row)| row_name(row) == interface.as_str()) {
            return Ok(*slot);
        }
        let slot = (0..MAX_INTERFACES)
            .find(|slot| rows.iter().all(|(taken, _)| taken != slot))
            .ok_or(KernelError::NoSlot { limit: MAX_INTERFACES })?;
        // Another interface may have counted here before it was detached.
        tables.clear_counters(slot)?;
        Ok(slot)
    }

    /// Replaces the program behind a pinned link. `None`: there is no link, or it is of an interface that is gone.
    fn adopt(
        &self,
        program: &mut LoadedProgram,
        slot: u32,
        state: LinkState,
    ) -> Result<Option<AttachedMode>, KernelError> {
        let path = self.pins.link(slot);
        if !path.exists() {
            return Ok(None);
        }
        let pinned = PinnedLink::from_pin(&path)
            .map_err(|error| KernelError::pin(&path, std::io::Error::other(error.to_string())))?;
        let link = FdLink::from(pinned);
        let holds = link.info().map(|info| info.program_id()).ok();
        // A link whose interface went away keeps its pin and its program, but guards nothing: an interface that came
        // back under the same name does not show the link's program.
        if holds.is_none() || state.program != holds {
            drop(link);
            remove_file(&path)?;
            return Ok(None);
        }
        let mode = if state.native { AttachedMode::Native } else { AttachedMode::Generic };
        let link = XdpLink::try_from(link)
            .map_err(|error| KernelError::pin(&path, std::io::Error::other(error.to_string())))?;
        let xdp = program.program()?;
        let id = xdp.attach_to_link(link).map_err(|error| KernelError::Load(Box::new(error)))?;
        // The pin keeps the link; this process must not close it as its own.
        drop(xdp.take_link(id));
        Ok(Some(mode))
    }

    /// Refuses an interface with another program on it, or takes that program off when told to.
    fn make_way(&self, interface: &InterfaceName, state: LinkState) -> Result<(), KernelError> {
        let Some(id) = state.program else { return Ok(()) };
        let name = program_name(id);
        if !self.options.force {
            return Err(KernelError::ForeignProgram { interface: interface.clone(), id, name });
        }
        remove_program(state.ifindex, state.native).map_err(|error| match error.raw_os_error() {
            Some(libc::EBUSY) => KernelError::ForeignLink { interface: interface.clone(), id, name },
            _ => KernelError::Netlink(error),
        })
    }

    fn attach_fresh(
        &self,
        interface: &InterfaceName,
        program: &mut LoadedProgram,
        slot: u32,
        ifindex: u32,
    ) -> Result<(AttachedMode, Option<String>), KernelError> {
        let modes: &[AttachedMode] = match self.options.attach {
            AttachMode::Auto => &[AttachedMode::Native, AttachedMode::Generic],
            AttachMode::Native => &[AttachedMode::Native],
            AttachMode::Generic => &[AttachedMode::Generic],
        };
        let mut refusals = Vec::new();
        for mode in modes {
            match attach_in(program, ifindex, *mode) {
                Ok(link) => {
                    let path = self.pins.link(slot);
                    link.pin(&path)
                        .map_err(|error| KernelError::pin(&path, std::io::Error::other(error.to_string())))?;
                    return Ok((*mode, refusals.pop()));
                }
                Err(Refusal::NotPermitted) => {
                    return Err(KernelError::NotPermitted { what: format!("attaching to {interface}") });
                }
                Err(Refusal::Mode(why)) => refusals.push(format!("{}: {why}", mode.label())),
            }
        }
        Err(KernelError::Attach { interface: interface.clone(), reasons: refusals.join("; ") })
    }
}

/// Why a mode was refused.
enum Refusal {
    NotPermitted,
    Mode(String),
}

fn attach_in(program: &mut LoadedProgram, ifindex: u32, mode: AttachedMode) -> Result<FdLink, Refusal> {
    let flags = match mode {
        AttachedMode::Native => XdpMode::Driver,
        AttachedMode::Generic => XdpMode::Skb,
    };
    let xdp = program.program().map_err(|error| Refusal::Mode(error.to_string()))?;
    let id = xdp.attach_to_if_index(ifindex, flags).map_err(|error| refusal(&error))?;
    let link = xdp.take_link(id).map_err(|error| refusal(&error))?;
    // Where the kernel refused a link with EINVAL the loader falls back to netlink, which can't be pinned: the program
    // would leave with this process. Dropping it here detaches it again.
    FdLink::try_from(link).map_err(|_| Refusal::Mode("the kernel made no BPF link for it".to_owned()))
}

/// What drivers say: EOPNOTSUPP without XDP, ERANGE or EINVAL at a large MTU (veth, ixgbe), ENOMEM without queues left.
fn refusal(error: &ProgramError) -> Refusal {
    match program_errno(error) {
        Some(libc::EPERM | libc::EACCES) => Refusal::NotPermitted,
        Some(libc::EOPNOTSUPP) => Refusal::Mode("the driver has no XDP".to_owned()),
        Some(libc::ERANGE) => Refusal::Mode("the MTU is too large for the driver's XDP".to_owned()),
        Some(libc::EBUSY) => Refusal::Mode("another XDP program is in the way".to_owned()),
        Some(errno) => Refusal::Mode(std::io::Error::from_raw_os_error(errno).to_string()),
        None => Refusal::Mode(error.to_string()),
    }
}

fn program_name(id: u32) -> String {
    loaded_programs()
        .filter_map(Result::ok)
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_else(|| "without a name".to_owned())
}
