//! The command line.

mod allow;
mod args;
mod audit;
mod ban;
mod ban_export;
mod ban_import;
mod capture_file;
mod check;
mod control;
mod coverage;
mod events;
mod explain;
mod generate;
mod geo;
mod history;
mod list;
mod list_compare;
mod list_status;
mod list_update;
mod numbers;
mod output;
mod plan;
mod policy;
mod policy_file;
mod replay;
mod run;
mod session;
mod stats;
mod status;
mod style;
mod suggest;
mod ttl;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};
use self::output::{Output, Stop};
use self::session::Session;
use crate::config::Mode;

pub use self::args::command;

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.json);
    match dispatch(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => output.end(stop),
    }
}

fn dispatch(cli: Cli, output: Output) -> Result<(), Stop> {
    let global = cli.global;
    let session = || Session::new(&global.socket(), output);
    match cli.command {
        Command::Run(args) => run::run(args, global.socket),
        Command::Check(args) => check::check(&args, output),
        Command::Replay(args) => replay::replay(&args, output),
        Command::Suggest(args) => suggest::suggest(&args, output),
        Command::Completions(args) => generate::completions(args.shell),
        Command::Man(args) => generate::man(args.out.as_deref(), output),
        Command::Status => status::status(&session()?),
        Command::Stats(args) => stats::stats(&session()?, &args),
        Command::Events(args) => events::events(&session()?, &args),
        Command::Ban(command) => ban::ban(&session()?, command),
        Command::Allow(command) => allow::allow(&session()?, command),
        Command::List(command) => list::list(&session()?, command),
        Command::Geo(command) => geo::geo(&session()?, command),
        Command::Explain(args) => explain::explain(&session()?, &args),
        Command::Pause(args) => control::pause(&session()?, &args, true),
        Command::Resume(args) => control::pause(&session()?, &args, false),
        Command::Detach(args) => control::detach(&session()?, &args),
        Command::Reload(args) => control::reload(&session()?, &args),
        Command::Plan(args) => plan::plan(&session()?, &args),
        Command::Verify => verify::verify(&session()?),
        Command::Coverage => coverage::coverage(&session()?),
        Command::Apply(args) => policy::apply(&session()?, &args),
        Command::Confirm => policy::confirm(&session()?),
        Command::Undo(args) => policy::undo(&session()?, &args),
        Command::History(args) => history::history(&session()?, &args),
        Command::Enforce(args) => policy::set_mode(&session()?, &args, Mode::Enforce),
        Command::Monitor(args) => policy::set_mode(&session()?, &args, Mode::Monitor),
        Command::Audit(args) => audit::audit(&session()?, &args),
    }
}
