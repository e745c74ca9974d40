//! Why a packet left the way it did: one list that feeds counters, metric labels, help texts and the docs.

use crate::abi::MAX_REASONS;
use crate::verdict::Action;

/// Declares the reasons in order; the position is the index of the counter.
macro_rules! reasons {
    ($($(#[doc = $help:literal])+ $name:ident = $label:literal, $action:ident;)+) => {
        /// Why a packet left. Every packet leaves with exactly one.
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[doc = $help])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the counters.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The label in metrics, in `stats` and in JSON: lower case, stable once released.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// One sentence for an operator.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => concat!($($help,)+).trim_ascii(),)+ }
            }

            /// What happened to the packet.
            #[inline(always)]
            #[must_use]
            pub const fn action(self) -> Action {
                match self { $(Self::$name => Action::$action,)+ }
            }
        }
    };
}

reasons! {
    /// Not IP (ARP, LLDP and the like): passes, because xdpgate judges IP sources only.
    NotIp = "not-ip", Pass;
    /// No policy is loaded: passes.
    NoPolicy = "no-policy", Pass;
    /// An operator paused xdpgate: passes.
    Paused = "paused", Pass;
    /// The source is on the allowlist.
    Allowed = "allowed", Pass;
    /// A management port, from a management prefix.
    Management = "management", Pass;
    /// IPv6 neighbour discovery from the link itself, without which the host loses IPv6.
    Neighbour = "neighbour", Pass;
    /// A later fragment, within its rule.
    Fragment = "fragment", Pass;
    /// Within the limits of its source or its service.
    WithinLimit = "within-limit", Pass;
    /// Passed unlimited, because the limiter had no room for its source.
    LimiterFull = "limiter-full", Pass;
    /// Nothing else spoke, and the policy's default is to pass.
    DefaultPass = "default-pass", Pass;
    /// A header was cut short or contradicts itself.
    Malformed = "malformed", Drop;
    /// More VLAN tags or IPv6 extension headers than xdpgate follows.
    TooDeep = "too-deep", Drop;
    /// The source is banned.
    Banned = "banned", Drop;
    /// The source is on a blocklist.
    Blocklisted = "blocklisted", Drop;
    /// The source's country is denied.
    CountryDenied = "country-denied", Drop;
    /// The source's country is not known, and the policy denies that.
    CountryUnknown = "country-unknown", Drop;
    /// A later fragment, which the policy drops.
    FragmentDenied = "fragment-denied", Drop;
    /// A later fragment over its source's limit.
    FragmentLimit = "fragment-limit", Drop;
    /// Over a limit in packets.
    PacketLimit = "packet-limit", Drop;
    /// Over a limit in bytes.
    ByteLimit = "byte-limit", Drop;
    /// Over a limit of its service in new connections.
    ConnectionLimit = "connection-limit", Drop;
    /// Nothing else spoke, and the policy's default is to drop.
    DefaultDrop = "default-drop", Drop;
}

const _: () = assert!(Reason::ALL.len() <= MAX_REASONS, "raise MAX_REASONS and ABI_VERSION");

impl Reason {
    /// The reasons that a rule in monitor mode can count.
    pub const MONITORABLE: [Self; 8] = [
        Self::Blocklisted,
        Self::CountryDenied,
        Self::CountryUnknown,
        Self::FragmentDenied,
        Self::FragmentLimit,
        Self::PacketLimit,
        Self::ByteLimit,
        Self::ConnectionLimit,
    ];

    /// The index of the counter.
    #[inline(always)]
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The bit in [`crate::verdict::Verdict::monitored`].
    #[inline(always)]
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The reason with this index.
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn labels_are_unique_and_metric_safe() {
        let labels: HashSet<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
        assert_eq!(labels.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(reason.label().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{reason:?}");
            assert!(reason.help().ends_with('.'), "{reason:?}: the help is a sentence");
        }
    }

    #[test]
    fn index_round_trips() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), index);
            assert_eq!(Reason::from_index(index), Some(*reason));
        }
        assert_eq!(Reason::from_index(Reason::ALL.len()), None);
    }

    #[test]
    fn only_drops_can_be_monitored() {
        assert!(Reason::MONITORABLE.iter().all(|reason| reason.action() == Action::Drop));
    }
}
