//! Why a policy can't be compiled.

use ipnet::IpNet;
use xdpgate_ebpf::abi::{MAX_ATTRIBUTE_SETS, MAX_COUNTRY_RULES, MAX_LISTS};

use crate::config::Name;

/// Why a policy can't be compiled. What is in force stays in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A country rule, and nothing to tell countries by.
    #[error(
        "the country rule needs a geo database; name one in the policy ([geo] database), or switch the rule off"
    )]
    NoGeoDatabase,
    /// More country rules than there are bits.
    #[error(
        "{count} different country rules, and the kernel's tables hold {MAX_COUNTRY_RULES}; let services share some: those with \
         the same countries and the same `unknown` count once"
    )]
    TooManyCountryRules {
        /// How many there are.
        count: usize,
    },
    /// More lists than there are bits.
    #[error("{count} lists, and the kernel's tables hold {MAX_LISTS}; merge some of them into one file")]
    TooManyLists {
        /// How many there are.
        count: usize,
    },
    /// More combinations than leaves of the prefix tables can name.
    #[error(
        "sources fall into more than {MAX_ATTRIBUTE_SETS} different combinations of lists and countries; \
         merge lists that overlap, or name fewer countries"
    )]
    TooManySets,
    /// More ports than there is room for.
    #[error("{key}: {count} ports, and the kernel's settings hold {most}; name fewer")]
    TooManyPorts {
        /// The key of the policy.
        key: &'static str,
        /// How many were named.
        count: usize,
        /// How many fit.
        most: usize,
    },
    /// A source's key that no address has.
    #[error(
        "{key}: a prefix of {length} bits, and an address of this family has {most}; name a length up to that"
    )]
    PrefixLength {
        /// The key of the policy.
        key: &'static str,
        /// What was named.
        length: u8,
        /// The bits of an address.
        most: u8,
    },
    /// Ports are shared among services in more ways than a byte counts.
    #[error(
        "services share ports in more than {most} different ways; give services of one address fewer ranges of ports"
    )]
    TooManyPortUses {
        /// How many fit.
        most: usize,
    },
    /// Services tell more destinations apart than there is room for.
    #[error("services name more than {most} different destinations; name wider prefixes, or fewer")]
    TooManyDestinations {
        /// How many fit.
        most: usize,
    },
    /// More limits in use than there are numbers.
    #[error("services use more than {most} limits in all their plans together; give some plans fewer")]
    TooManyLimits {
        /// How many fit.
        most: usize,
    },
    /// Two plans claim the same prefix.
    #[error(
        "{prefix} is in the plan {first} and in the plan {second}; a source has one plan, so take it out of one of them"
    )]
    PlansOverlap {
        /// The prefix.
        prefix: IpNet,
        /// A plan.
        first: Name,
        /// The other one.
        second: Name,
    },
    /// A limit that the kernel's units can't hold.
    #[error("limit {name} (line {line}): {problem}")]
    NamedLimit {
        /// Its name.
        name: Name,
        /// Where the policy says it.
        line: u32,
        /// What is wrong with it.
        problem: LimitProblem,
    },
    /// A rate that the kernel's units can't hold.
    #[error("{key}: {problem}")]
    Limit {
        /// The key of the policy.
        key: &'static str,
        /// What is wrong with it.
        problem: LimitProblem,
    },
}

/// Why a rate can't be turned into the kernel's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitProblem {
    /// Nothing would ever pass.
    #[error("a rate of zero would drop everything; leave the limit out, or name a rate")]
    ZeroRate,
    /// Nothing would ever pass.
    #[error("a burst of zero would drop everything; name a burst of one or more")]
    ZeroBurst,
    /// One unit costs less time than the clock can tell.
    #[error("too fast to be told from no limit; leave the limit out, or name a lower rate")]
    TooFast,
    /// One unit costs more time than a word holds.
    #[error("too slow; name a higher rate")]
    TooSlow,
    /// Nothing would ever pass, or everything.
    #[error("a window of no length counts nothing; name a window of a millisecond or more")]
    ZeroWindow,
    /// The kernel's clock does not reach that far.
    #[error("a window of years; name a window of a day or less")]
    WindowTooLong,
    /// More than a word counts in this window.
    #[error("too much for one window of this length; the most is {most}: name that, or a longer window")]
    TooManyInWindow {
        /// The largest count.
        most: u64,
    },
    /// A full bucket holds more time than a word does.
    #[error("the burst is years of the rate; name a smaller burst")]
    BurstTooLong,
}
