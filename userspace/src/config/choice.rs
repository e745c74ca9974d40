//! Settings that are one word out of a few.

use std::fmt;

use crate::feeds::Format;

/// A setting whose values are a few words.
pub(super) trait Choice: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// The word that a policy writes.
    fn word(self) -> &'static str;
}

/// The words for formats of lists, as a policy writes them.
pub(super) const FORMATS: &[&str] = &{
    let mut words = [""; Format::ALL.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = Format::ALL[place].word();
        place += 1;
    }
    words
};

impl Choice for Format {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        Self::word(self)
    }
}

/// Declares an enum and the words for its variants in one list.
macro_rules! choices {
    ($($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[derive(serde::Serialize, serde::Deserialize)]
            pub enum $name {
                $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
            }

            impl $name {
                /// The words of all values, as a policy writes them.
                pub const WORDS: &[&str] = &[$($word,)+];

                /// The word that a policy, the command line and JSON write.
                #[must_use]
                pub const fn as_str(self) -> &'static str {
                    match self { $(Self::$variant => $word,)+ }
                }
            }

            impl Choice for $name {
                const ALL: &'static [Self] = &[$(Self::$variant,)+];

                fn word(self) -> &'static str {
                    self.as_str()
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.pad(self.as_str())
                }
            }
        )+
    };
}

choices! {
    /// What happens to a packet of which no rule spoke.
    DefaultAction {
        /// It goes on to the network stack.
        #[default]
        Pass = "pass",
        /// It ends here.
        Drop = "drop",
    }

    /// Whether a rule acts.
    Mode {
        /// It drops.
        #[default]
        Enforce = "enforce",
        /// It only counts what it would drop.
        Monitor = "monitor",
    }

    /// Which packets the country rule judges.
    CountryScope {
        /// Those that start something: TCP SYN without ACK, UDP to a service port.
        #[default]
        Initiating = "initiating",
        /// Every packet, replies to the host's own connections included.
        All = "all",
    }

    /// To whose packets a list applies.
    ListScope {
        /// To those of every service that does not say otherwise, and of none.
        #[default]
        Everywhere = "everywhere",
        /// To those of services that name it.
        Services = "services",
    }

    /// How a limit counts.
    Algorithm {
        /// Tokens arrive evenly, up to a burst.
        #[default]
        TokenBucket = "token-bucket",
        /// A bucket drains evenly; what would overflow it is rejected.
        LeakyBucket = "leaky-bucket",
        /// So many in each window of time.
        FixedWindow = "fixed-window",
        /// So many in any window of time, weighed from the last two fixed ones.
        SlidingWindow = "sliding-window",
    }

    /// What a limit counts.
    LimitUnit {
        /// Packets.
        #[default]
        Packets = "packets",
        /// Bytes of frames, without preamble and checksum.
        Bytes = "bytes",
        /// TCP SYN without ACK.
        Connections = "connections",
    }

    /// Whose packets a limit counts together, in a word; [`super::LimitKey`] has the lengths too.
    LimitKeyKind {
        /// Each source.
        #[default]
        Source = "source",
        /// Each network.
        Prefix = "prefix",
        /// Each country.
        Country = "country",
        /// All sources of the service.
        Service = "service",
    }

    /// What happens to what is over a limit, in a word; [`super::OnExceed`] has the times too.
    ExceedAction {
        /// It is dropped.
        #[default]
        Drop = "drop",
        /// It is only counted.
        Monitor = "monitor",
        /// It is dropped, and its source banned.
        Ban = "ban",
    }

    /// What a service speaks.
    ServiceProtocol {
        /// TCP.
        #[default]
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// Both, as HTTP/3 beside HTTP/2.
        TcpUdp = "tcp+udp",
        /// ICMP and ICMPv6.
        Icmp = "icmp",
        /// Everything that no other service of the same destination covers.
        Any = "any",
    }

    /// What becomes of entries of a list that no list should have.
    Dangerous {
        /// They refuse it.
        #[default]
        Refuse = "refuse",
        /// They are left out.
        LeaveOut = "leave-out",
        /// They are taken.
        Take = "take",
    }

    /// Where the program is attached.
    AttachMode {
        /// In the driver if it can, else in the network stack.
        #[default]
        Auto = "auto",
        /// In the driver, or not at all.
        Native = "native",
        /// In the network stack: slower, works everywhere.
        Generic = "generic",
    }

    /// What happens to later fragments, in a word; [`super::FragmentRule`] has the limit too.
    FragmentAction {
        /// They pass.
        #[default]
        Pass = "pass",
        /// They are dropped.
        Drop = "drop",
        /// Each source has a limit of its own.
        Limit = "limit",
    }
}
