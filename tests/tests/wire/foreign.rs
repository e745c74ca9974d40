//! XDP programs of others, and what `ip` says about an interface.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use aya::Ebpf;
use aya::EbpfLoader;
use aya::programs::Xdp;
use aya::programs::xdp::{XdpLinkId, XdpMode};
use xdpgate_tests::daemon::Daemon;
use xdpgate_tests::namespace::Namespace;
use xdpgate_tests::prerequisites;

/// The name of its pin.
const PIN: &str = "flood";

/// What the kernel says about the XDP program of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) mode: &'static str,
    pub(crate) id: Option<u64>,
}

/// Asks `ip`, not xdpgate.
pub(crate) fn shown(namespace: &Namespace, interface: &str) -> Result<Shown> {
    let text = namespace.run("ip", &["-d", "-j", "link", "show", "dev", interface])?;
    let links: serde_json::Value = serde_json::from_str(&text)?;
    let xdp = &links[0]["xdp"];
    // XDP_ATTACHED_* of linux/if_link.h
    let mode = match xdp["mode"].as_u64() {
        None => "none",
        Some(1) => "native",
        Some(2) => "generic",
        Some(_) => "other",
    };
    Ok(Shown { mode, id: xdp["prog"]["id"].as_u64() })
}

/// A program that is not xdpgate's: the generator's, which nothing runs here.
pub(crate) struct Foreign {
    object: Ebpf,
    /// Of its own, beside the daemon's.
    directory: PathBuf,
}

impl Foreign {
    /// Loads it and pins it where `ip` finds it.
    pub(crate) fn load(daemon: &Daemon) -> Result<Self> {
        let mut object = EbpfLoader::new().load_file(prerequisites::flood_object()?)?;
        let directory = beside(daemon.pins(), "foreign")?;
        let program: &mut Xdp = object.program_mut("flood").context("no program flood")?.try_into()?;
        program.load()?;
        fs::create_dir(&directory)?;
        program.pin(directory.join(PIN))?;
        Ok(Self { object, directory })
    }

    /// Attaches it as `ip` does, without a link.
    pub(crate) fn attach(&self, namespace: &Namespace, interface: &str) -> Result<()> {
        let pin = self.directory.join(PIN);
        let pin = pin.to_str().context("a path that is no text")?;
        namespace.run("ip", &["link", "set", "dev", interface, "xdp", "pinned", pin]).map(drop)
    }

    /// Attaches it with a link, which holds until this is dropped.
    pub(crate) fn attach_link(&mut self, namespace: &Namespace, interface: &str) -> Result<XdpLinkId> {
        let program: &mut Xdp = self.object.program_mut("flood").context("no program flood")?.try_into()?;
        namespace.within(|| Ok(program.attach(interface, XdpMode::Driver)?))
    }

    /// Its number in the kernel.
    pub(crate) fn id(&self) -> Result<u64> {
        let program: &Xdp = self.object.program("flood").context("no program flood")?.try_into()?;
        Ok(program.info()?.id().into())
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // Unpins it; at the end of a test there is nobody to tell.
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// A path on the BPF file system beside another; names there have no dots.
pub(crate) fn beside(pins: &Path, suffix: &str) -> Result<PathBuf> {
    let name = pins.file_name().and_then(|name| name.to_str()).context("pins without a name")?;
    Ok(pins.with_file_name(format!("{name}-{suffix}")))
}

/// Takes off what [`Foreign::attach`] attached.
pub(crate) fn detach(namespace: &Namespace, interface: &str) -> Result<()> {
    namespace.run("ip", &["link", "set", "dev", interface, "xdp", "off"]).map(drop)
}
