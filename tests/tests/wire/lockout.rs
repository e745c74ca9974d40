//! An operator who is connected by SSH does not lock himself out by accident.

use anyhow::Result;
use xdpgate_tests::{kernel_or_skip, prerequisites};

use crate::stage::{Stage, hosts};

#[test]
fn what_would_lock_the_operator_out_is_refused() -> Result<()> {
    if !kernel_or_skip("what_would_lock_the_operator_out_is_refused") {
        return Ok(());
    }
    let [operator, _] = hosts(1);
    let stage = Stage::under("")?;
    let list = stage.write("mine.txt", "198.51.100.0/24\n")?.display().to_string();
    let countries = stage.write("countries.csv", "198.51.100.0,198.51.100.255,KP\n")?.display().to_string();
    stage.cli(&format!("geo database {countries}"))?;
    let changes = [
        format!("ban add {operator}"),
        "ban add 198.51.100.0/24".to_owned(),
        format!("list add mine {list}"),
        "geo deny KP".to_owned(),
    ];
    for change in &changes {
        let (code, said) = over_ssh(&stage, change)?;
        assert_eq!(code, Some(1), "{change}: {said}");
        for part in [operator.to_string().as_str(), "SSH", "--force"] {
            assert!(said.contains(part), "{change}: no {part:?} in {said}");
        }
        stage.assert_passed(operator, "default-pass")?;
    }

    // Who is allowed can do all of it, and then may not end that.
    stage.cli(&format!("allow add {operator}"))?;
    for change in &changes {
        let (code, said) = over_ssh(&stage, change)?;
        assert_eq!(code, Some(0), "{change}: {said}");
        stage.assert_passed(operator, "allowed")?;
    }
    let (code, said) = over_ssh(&stage, &format!("allow del {operator}"))?;
    assert_eq!(code, Some(1), "{said}");
    stage.assert_passed(operator, "allowed")?;
    let (code, said) = over_ssh(&stage, &format!("allow del {operator} --force"))?;
    assert_eq!(code, Some(0), "{said}");
    stage.assert_dropped(operator, "banned")
}

/// Runs a command as somebody who came from host 1 by SSH.
fn over_ssh(stage: &Stage, line: &str) -> Result<(Option<i32>, String)> {
    let [operator, _] = hosts(1);
    let mut command = stage.wire.guarded.command(prerequisites::xdpgate_binary()?);
    command.env("SSH_CONNECTION", format!("{operator} 51234 192.0.2.2 22"));
    command.arg("--socket").arg(stage.daemon.socket()).args(line.split(' '));
    let output = command.output()?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}
