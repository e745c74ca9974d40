use std::path::PathBuf;

use super::args::RunArgs;
use super::output::Stop;
use crate::{daemon, service};

/// More would only wait for the same two locks.
const WORKER_THREADS: usize = 2;

pub(super) fn run(args: RunArgs, socket: Option<PathBuf>) -> Result<(), Stop> {
    daemon::start_logging(args.log_format, args.log.as_deref())?;
    let options = args.into_options(socket);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKER_THREADS).enable_all().build()?;
    let ended = runtime.block_on(service::run(options));
    // A request that is still at work must not keep the daemon from ending.
    runtime.shutdown_background();
    Ok(ended?)
}
