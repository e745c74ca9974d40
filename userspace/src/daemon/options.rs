//! How the daemon was started.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::api::Failure;
use crate::config::{self, AttachMode, Config, InterfaceName};
use crate::kernel;
use crate::store::PolicyText;

/// Where `/metrics` is served, as the command line says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAt {
    /// Nowhere.
    Off,
    /// On this address.
    Address(SocketAddr),
}

/// Not an address for `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an address and a port, such as 127.0.0.1:9919 or [::]:9919, or `off`")]
pub struct MetricsAtError;

impl FromStr for MetricsAt {
    type Err = MetricsAtError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::Address).map_err(|_| MetricsAtError)
    }
}

/// The command line of the daemon. What is absent is as the policy has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// The policy file; absent is the policy built into the program.
    pub config: Option<PathBuf>,
    /// Guarded besides those of the policy.
    pub interfaces: Vec<InterfaceName>,
    /// The socket for the command line.
    pub socket: Option<PathBuf>,
    /// The directory of the store.
    pub state_dir: Option<PathBuf>,
    /// The directory of the pins.
    pub bpffs: Option<PathBuf>,
    /// Where `/metrics` is served.
    pub metrics: Option<MetricsAt>,
    /// How programs are attached.
    pub attach: Option<AttachMode>,
    /// Replace another XDP program on an interface.
    pub force: bool,
}

impl RunOptions {
    /// The policy, with what the command line says laid over it. Read anew at each reload.
    ///
    /// # Errors
    /// When the policy is not valid, or there is no interface to guard.
    pub fn load(&self) -> Result<Config, Failure> {
        self.check(&self.read()?)
    }

    /// The text of the policy file, or of the built-in policy.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> Result<PolicyText, Failure> {
        let Some(path) = &self.config else {
            return Ok(PolicyText { file: None, text: config::EMBEDDED_DEFAULT.to_owned() });
        };
        // Absolute from here on: the daemon's working folder may change.
        let file = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        Ok(PolicyText { text: config::read_text(path)?, file: Some(file) })
    }

    /// As [`RunOptions::load`], of any policy.
    ///
    /// # Errors
    /// When the policy is not valid, or there is no interface to guard.
    pub fn check(&self, policy: &PolicyText) -> Result<Config, Failure> {
        let origin = policy.file.as_deref().unwrap_or(Path::new("built-in policy"));
        let mut config = config::parse(&policy.text, origin)?;
        for interface in &self.interfaces {
            if !config.interfaces.contains(interface) {
                config.interfaces.push(interface.clone());
            }
        }
        if config.interfaces.is_empty() {
            return Err(Failure::usage(
                "no interface to guard; name one with --interface, or in `interfaces` of the policy file",
            ));
        }
        let daemon = &mut config.daemon;
        overlay(&mut daemon.socket, self.socket.as_ref());
        overlay(&mut daemon.state_dir, self.state_dir.as_ref());
        overlay(&mut daemon.bpffs, self.bpffs.as_ref());
        overlay(&mut daemon.attach, self.attach.as_ref());
        match self.metrics {
            Some(MetricsAt::Off) => daemon.metrics = None,
            Some(MetricsAt::Address(address)) => daemon.metrics = Some(address),
            None => {}
        }
        Ok(config)
    }

    /// What the kernel side needs to know.
    #[must_use]
    pub fn kernel(&self, config: &Config) -> kernel::Options {
        kernel::Options {
            bpffs: config.daemon.bpffs.clone(),
            bans: config.tables.bans,
            sources: config.tables.sources.saturating_mul(config.source_share()),
            prefixes: config.tables.prefixes,
            attach: config.daemon.attach,
            force: self.force,
        }
    }
}

fn overlay<T: Clone>(value: &mut T, flag: Option<&T>) {
    if let Some(flag) = flag {
        value.clone_from(flag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_policy() {
        let options = RunOptions {
            interfaces: vec!["eth7".parse().unwrap(), "eth7".parse().unwrap()],
            socket: Some("/tmp/x.sock".into()),
            metrics: Some(MetricsAt::Off),
            attach: Some(AttachMode::Generic),
            ..RunOptions::default()
        };
        let config = options.load().unwrap();
        assert_eq!(config.interfaces, ["eth7".parse().unwrap()], "named twice, guarded once");
        assert_eq!(config.daemon.socket, PathBuf::from("/tmp/x.sock"));
        assert_eq!(config.daemon.metrics, None);
        assert_eq!(config.daemon.attach, AttachMode::Generic);
        assert_eq!(config.daemon.state_dir, Config::embedded_default().daemon.state_dir);
    }

    #[test]
    fn nothing_to_guard_is_a_usage_error() {
        assert_eq!(RunOptions::default().load().unwrap_err().kind.exit_code(), 2);
    }

    #[test]
    fn metrics_take_an_address_or_off() {
        assert_eq!("off".parse(), Ok(MetricsAt::Off));
        assert_eq!("[::1]:9".parse(), Ok(MetricsAt::Address("[::1]:9".parse().unwrap())));
        assert_eq!("9919".parse::<MetricsAt>(), Err(MetricsAtError));
    }
}
