//! The small programs that the lab and the wire tests start.

use anyhow::Result;

use super::{apt, say};
use crate::command;

/// The program and the Debian package that has it. The one list.
const PROGRAMS: [(&str, &str); 4] =
    [("ip", "iproute2"), ("tc", "iproute2"), ("nsenter", "util-linux"), ("curl", "curl")];

/// Installs the missing ones where that is possible. Building needs none of them, so elsewhere they are only told.
pub(super) fn prepare() -> Result<()> {
    let (programs, mut packages): (Vec<&str>, Vec<&str>) =
        PROGRAMS.into_iter().filter(|(program, _)| command::find(program).is_none()).unzip();
    if packages.is_empty() {
        return Ok(());
    }
    packages.dedup();
    if apt::can_install() {
        return apt::install(&packages);
    }
    let way = if apt::is_debian() { apt::install_line(&packages) } else { "install them".to_owned() };
    say(&format!("the lab and the wire tests need {}: {way}", programs.join(", ")));
    Ok(())
}
