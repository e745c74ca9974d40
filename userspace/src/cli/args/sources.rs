use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::api::Prefix;
use crate::bouncer::import::ImportFormat;
use crate::cli::ttl::{Since, Ttl, Wait};
use crate::config::{CountryScope, DefaultAction, Mode, Name};
use crate::country::CountryCode;
use crate::feeds::ExportFormat;

const WHO: &str = "Who, such as 192.0.2.1 or 2001:db8::/48";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BanCommand {
    /// Ban addresses or prefixes; one that this source has banned already takes the new time and reason
    Add {
        #[arg(required_unless_present = "from", conflicts_with = "from", value_name = "PREFIX", help = WHO)]
        prefixes: Vec<Prefix>,
        /// Ban what is on the lines of this file, or of standard input for -: addresses, prefixes, ranges a-b
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// With --from, leave out lines that are no entries
        #[arg(long, requires = "from")]
        skip_bad: bool,
        /// For how long: 90s, 30m, 1h30m, 7d, or `permanent`
        #[arg(long, value_name = "TIME", default_value = "1h")]
        ttl: Ttl,
        /// When that time began, in seconds since 1970, for programs that send their bans again; one that has ended is not made
        #[arg(long, value_name = "SECONDS", conflicts_with = "from")]
        since: Option<Since>,
        /// Why, for whoever looks later
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
        /// Who asks, such as fail2ban:sshd
        #[arg(long, value_name = "NAME", default_value = "cli")]
        source: String,
        /// What you want to remember about it
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
        /// Double the time for each ban before, or do not [default: bans.lengthen of the policy]
        #[arg(
            long,
            value_name = "BOOL",
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "true",
            conflicts_with = "from"
        )]
        lengthen: Option<bool>,
        /// Also ban what would lock you out
        #[arg(long)]
        force: bool,
    },
    /// Lift bans of exactly these addresses or prefixes
    Del {
        /// Who, as it was banned
        #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "PREFIX")]
        prefixes: Vec<Prefix>,
        /// Lift only what this source has banned [default: everybody's bans]
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Lift all bans of the source
        #[arg(long, requires = "source")]
        all: bool,
        /// That one is not banned is no failure: it may have ended a moment ago
        #[arg(long)]
        if_banned: bool,
    },
    /// Show the bans in force
    List {
        #[command(flatten)]
        filter: BanFilterArgs,
        /// Show only how many there are
        #[arg(long)]
        count: bool,
    },
    /// Take over the bans of another program; those that would lock you out are left out
    Import(BanImportArgs),
    /// Write the bans in force to standard output, for another program
    Export {
        #[arg(long, value_name = "FORMAT", default_value_t = ExportFormat::Plain,
            help = format!("As what: {}", ExportFormat::ALL.map(ExportFormat::word).join(", ")))]
        format: ExportFormat,
        #[command(flatten)]
        filter: BanFilterArgs,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BanFilterArgs {
    /// Those of this source
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) source: Option<String>,
    /// Those that hold for this address or prefix
    #[arg(long, value_name = "PREFIX")]
    pub(in crate::cli) covering: Option<Prefix>,
    /// Those that end within this time
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) ending_within: Option<Wait>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BanImportArgs {
    /// The file, or - for standard input
    pub(in crate::cli) file: PathBuf,
    #[arg(long, value_name = "FORMAT", help = format!("What the file is: {} [default: found by its content]", ImportFormat::words().join(", ")))]
    pub(in crate::cli) format: Option<ImportFormat>,
    /// For how long what says no time of its own is banned: 90s, 30m, 1h30m, 7d, or `permanent`
    #[arg(long, value_name = "TIME", default_value = "permanent")]
    pub(in crate::cli) ttl: Ttl,
    /// Whose bans they are [default: import, or as the file says]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) source: Option<String>,
    /// Leave out lines that are no entries, instead of refusing the file
    #[arg(long)]
    pub(in crate::cli) skip_bad: bool,
    /// Also ban what would lock you out
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AllowCommand {
    /// Let addresses or prefixes always pass
    Add {
        #[arg(required = true, value_name = "PREFIX", help = WHO)]
        prefixes: Vec<Prefix>,
        /// Why, for whoever looks later
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Take exactly these off the allowlist
    Del {
        /// Who, as it was added
        #[arg(required = true, value_name = "PREFIX")]
        prefixes: Vec<Prefix>,
        /// Also when that would lock you out
        #[arg(long)]
        force: bool,
    },
    /// Show the allowlist
    List,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ListCommand {
    /// Add a blocklist: an address, a prefix or a range a-b on each line, comments with # or ;
    Add {
        /// Its name in counters and messages
        name: Name,
        /// The file, or - for standard input
        file: PathBuf,
        /// Drop, or only count what it would drop
        #[arg(long, value_name = "MODE", default_value = "enforce", value_parser = modes())]
        mode: Mode,
        /// Leave out lines that are no entries, instead of refusing the list
        #[arg(long)]
        skip_bad: bool,
        /// Also when that would lock you out
        #[arg(long)]
        force: bool,
    },
    /// Remove a blocklist that was added here
    Del {
        /// Its name
        name: Name,
    },
    /// Show all blocklists, or one
    Show {
        /// Its name
        name: Option<Name>,
    },
    /// Show where lists come from, how fresh they are, and what was refused
    Status {
        /// Its name
        name: Option<Name>,
    },
    /// Fetch lists now, or read them again, and wait for what comes of it; the exit code is 1 if one was not updated
    Update {
        /// Their names; all that have a source, where there is none
        names: Vec<Name>,
    },
    /// Show what a list would gain and lose with this text, or with what its source has now; changes nothing
    Diff {
        /// Its name
        name: Name,
        /// The file, or - for standard input
        file: Option<PathBuf>,
    },
    /// Show how much lists have in common
    Overlap {
        /// Their names; all lists, where there is none
        names: Vec<Name>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum GeoCommand {
    /// Say which country an address is in, and which autonomous system announces it
    Lookup {
        /// The address
        address: IpAddr,
    },
    /// Drop sources from these countries
    Deny(GeoRuleArgs),
    /// Drop sources from everywhere but these countries
    AllowOnly(GeoRuleArgs),
    /// End the country rule, also the policy file's
    Off,
    /// Go back to the policy file's country rule and geo database
    Reset,
    /// Show the country rules, the databases, and what was counted by country
    Show,
    /// Read the database files again that have changed, without waiting for the daemon to look
    Update {
        /// Also a database with less than half the ranges, and also when that would lock you out
        #[arg(long)]
        force: bool,
    },
    /// Use this geo database: MMDB, or CSV of start,end,country
    Database {
        /// The file
        path: PathBuf,
        /// Also when that would lock you out
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct GeoRuleArgs {
    /// Countries as two letters, such as DE
    #[arg(required = true, value_name = "CC")]
    pub(in crate::cli) countries: Vec<CountryCode>,
    /// What happens to sources of no known country [default: as in the policy]
    #[arg(long, value_name = "ACTION", value_parser = actions())]
    pub(in crate::cli) unknown: Option<DefaultAction>,
    /// Judge packets that start something, or all of them [default: as in the policy]
    #[arg(long, value_name = "SCOPE", value_parser = scopes())]
    pub(in crate::cli) scope: Option<CountryScope>,
    /// Drop, or only count what it would drop [default: as in the policy]
    #[arg(long, value_name = "MODE", value_parser = modes())]
    pub(in crate::cli) mode: Option<Mode>,
    /// Also when that would lock you out
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

fn modes() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::WORDS.iter().copied())
        .map(|word| if word == Mode::Monitor.as_str() { Mode::Monitor } else { Mode::Enforce })
}

fn actions() -> impl TypedValueParser<Value = DefaultAction> {
    PossibleValuesParser::new(DefaultAction::WORDS.iter().copied()).map(|word| {
        if word == DefaultAction::Drop.as_str() { DefaultAction::Drop } else { DefaultAction::Pass }
    })
}

fn scopes() -> impl TypedValueParser<Value = CountryScope> {
    PossibleValuesParser::new(CountryScope::WORDS.iter().copied()).map(|word| {
        if word == CountryScope::All.as_str() { CountryScope::All } else { CountryScope::Initiating }
    })
}
