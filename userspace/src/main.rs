//! The `xdpgate` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    xdpgate::cli::main()
}
