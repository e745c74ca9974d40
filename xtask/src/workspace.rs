//! Where things lie in the checkout.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders of one checkout.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the checkout that this `cargo xtask` was started in.
    pub(crate) fn locate() -> Result<Self> {
        // The run-time value first: two checkouts that share a target folder also share this program.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().context("xtask/ has no parent folder")?.to_owned();
        // Cargo put this program into <target>/<profile>/, wherever the person's settings moved <target>.
        let program = env::current_exe().context("cannot tell where this program lies")?;
        let target =
            program.ancestors().nth(2).context("this program lies outside a target folder")?.to_owned();
        Ok(Self { root, target })
    }

    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A binary that `cargo build --release` leaves.
    pub(crate) fn release_binary(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// What setup builds for itself. Like every folder below: in the checkout, whatever `CARGO_TARGET_DIR` says,
    /// because `.cargo/config.toml` names the object by that path.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join("target/tools")
    }

    /// The objects that the kernel runs.
    pub(crate) fn bpf(&self) -> PathBuf {
        self.root.join("target/bpf")
    }

    /// What the fuzz targets are built to, with other flags than everything else, and what they find out.
    pub(crate) fn fuzz(&self) -> PathBuf {
        self.root.join("target/fuzz")
    }

    /// What the lab and the tests fetch.
    pub(crate) fn lab(&self) -> PathBuf {
        self.root.join("target/lab")
    }
}
