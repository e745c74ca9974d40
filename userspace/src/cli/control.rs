use hyper::Method;

use super::args::{DetachArgs, PinArgs, ReloadArgs};
use super::audit;
use super::numbers::grouped;
use super::output::Stop;
use super::session::Session;
use super::style::{BAD, GOOD, RESET, WARN};
use crate::api::types::{Actor, Detached, PauseState, Reloaded};
use crate::api::{Failure, FailureKind};
use crate::config::InterfaceName;
use crate::kernel;

pub(super) fn pause(session: &Session, pins: &PinArgs, on: bool) -> Result<(), Stop> {
    let path = if on { "/v1/pause" } else { "/v1/resume" };
    let answer = match session.call::<PauseState>(Method::POST, path, Vec::new()) {
        Err(failure) if failure.kind == FailureKind::Unreachable => {
            kernel::pause_pinned(&pins.bpffs, on).map_err(|error| without_daemon(&failure, error))?;
            let action = if on { "pause" } else { "resume" };
            audit::note(&pins.state.state_dir, action, "without a daemon".to_owned());
            PauseState { paused: on, by: Actor::Pins }
        }
        answer => answer?,
    };
    session.output.show(&answer, |out, answer| {
        write!(out, "{}", if answer.paused { WARN } else { GOOD })?;
        write!(
            out,
            "{}",
            if answer.paused { "paused: everything passes, still counted" } else { "resumed: enforcing" }
        )?;
        writeln!(out, "{RESET}{}", by(answer.by))
    })
}

pub(super) fn detach(session: &Session, args: &DetachArgs) -> Result<(), Stop> {
    let interface = args.interface.as_ref();
    let parameter = interface.map(|name| format!("?interface={}", encoded(name))).unwrap_or_default();
    let answer = match session.call::<Detached>(Method::POST, &format!("/v1/detach{parameter}"), Vec::new()) {
        Err(failure) if failure.kind == FailureKind::Unreachable => {
            let interfaces = kernel::detach_pinned(&args.pins.bpffs, interface);
            let interfaces = interfaces.map_err(|error| without_daemon(&failure, error))?;
            if let (Some(name), true) = (interface, interfaces.is_empty()) {
                return Err(Failure::not_found(format!("{name} is not guarded")).into());
            }
            let names: Vec<_> = interfaces.iter().map(InterfaceName::as_str).collect();
            let what = format!("{} (without a daemon)", names.join(" "));
            audit::note(&args.pins.state.state_dir, "detach", what);
            Detached { interfaces, by: Actor::Pins }
        }
        answer => answer?,
    };
    session.output.show(&answer, |out, answer| {
        for name in &answer.interfaces {
            writeln!(out, "{BAD}{name}: no longer guarded{RESET}{}", by(answer.by))?;
        }
        if answer.interfaces.is_empty() {
            writeln!(out, "no interface was guarded{}", by(answer.by))?;
        }
        Ok(())
    })
}

pub(super) fn reload(session: &Session, args: &ReloadArgs) -> Result<(), Stop> {
    let path = format!("/v1/reload?force={}", args.force);
    let answer: Reloaded = session.call(Method::POST, &path, Vec::new())?;
    session.output.show(&answer, |out, answer| {
        let sizes = answer.sizes;
        writeln!(
            out,
            "{GOOD}generation {} is live{RESET}: {} IPv4 and {} IPv6 prefixes, {} ms",
            answer.generation,
            grouped(sizes.ipv4_prefixes),
            grouped(sizes.ipv6_prefixes),
            sizes.milliseconds
        )?;
        for name in &answer.attached {
            writeln!(out, "{name}: guarded from now on")?;
        }
        for name in &answer.detached {
            writeln!(out, "{WARN}{name}: no longer guarded{RESET}")?;
        }
        if !answer.needs_restart.is_empty() {
            writeln!(
                out,
                "{WARN}takes effect at the next start (a table's size: after `xdpgate detach`): {}{RESET}",
                answer.needs_restart.join(", ")
            )?;
        }
        Ok(())
    })
}

const fn by(actor: Actor) -> &'static str {
    match actor {
        Actor::Daemon => "",
        Actor::Pins => " (no daemon answered; done directly in the kernel)",
    }
}

/// Both failures: why the daemon did not do it, and why it could not be done without.
fn without_daemon(unreachable: &Failure, error: kernel::KernelError) -> Failure {
    let failure = Failure::from(error);
    Failure::new(failure.kind, format!("{unreachable}; without the daemon: {failure}"))
}

/// An interface's name may hold characters that mean something in a query.
fn encoded(name: &InterfaceName) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.as_str()
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_query() {
        assert_eq!(encoded(&"eth0.100".parse().unwrap()), "eth0.100");
        assert_eq!(encoded(&"veth@a&b".parse().unwrap()), "veth%40a%26b");
    }
}
