//! Runs `cargo test`, shows what it prints as it comes, and reads it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};

use super::report;
use crate::command;
use crate::outcome::Outcome;

/// What came of all test programs of this command.
pub(super) fn run(cargo: &mut Command) -> Outcome {
    match watch(cargo) {
        Ok((text, succeeded)) => report::read(&text, succeeded),
        Err(error) => {
            let mut outcome = Outcome::default();
            outcome.fail(&format!("{error:#}"));
            outcome
        }
    }
}

/// All that it printed, and whether it succeeded.
fn watch(cargo: &mut Command) -> Result<(String, bool)> {
    let line = command::line(cargo);
    let mut child = cargo
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    // Two pipes: reading one after the other would block a child that fills the second.
    let said = thread::scope(|scope| {
        let complaints =
            scope.spawn(|| err.map_or_else(String::new, |pipe| pass_on(pipe, &mut io::stderr())));
        let results = out.map_or_else(String::new, |pipe| pass_on(pipe, &mut io::stdout()));
        results + &complaints.join().unwrap_or_default()
    });
    let status = child.wait().with_context(|| format!("lost `{line}`"))?;
    Ok((said, status.success()))
}

fn pass_on(pipe: impl Read, to: &mut impl Write) -> String {
    let mut said = String::new();
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // Nobody may be reading any more; the tests go on, and the exit code still counts.
        let _ = writeln!(to, "{line}");
        said.push_str(&line);
        said.push('\n');
    }
    said
}
