//! Bans: ends that the data path keeps by itself, prefixes in prefixes, full tables, changes under traffic.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use xdpgate::kernel::{KernelError, monotonic_ns};
use xdpgate_ebpf::abi::{Ban, EXPIRY_SHIFT};
use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::packets::{Ipv4, Ipv6, Payload, World};

use super::gate::{Gate, Program, stay_on};

/// How often all bans are replaced under traffic, and how many packets must have met that.
const ROUNDS: usize = 200;
const PACKETS: u64 = 500_000;
/// The size of tables that are to be full.
const ROOM: u8 = 8;
/// How long a ban holds that is to end within a test.
const MOMENT: Duration = Duration::from_millis(300);
/// How long after that it has surely ended: ends are kept in units, rounded up.
const UNTIL_ENDED: Duration = MOMENT.saturating_add(Duration::from_nanos(1 << EXPIRY_SHIFT));

/// The nth prefix of some.
type PrefixOf = fn(u8) -> String;

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn from(text: &str) -> Vec<u8> {
    let payload = Payload::udp(40_000, 5_000);
    match text.parse().unwrap() {
        IpAddr::V4(source) => Ipv4::from(source).carrying(&payload).ethernet().bytes,
        IpAddr::V6(source) => Ipv6::from(source).carrying(&payload).ethernet().bytes,
    }
}

fn gate() -> Gate {
    live(Gate::new())
}

/// Anything that is not banned passes by default.
fn live(gate: Gate) -> Gate {
    gate.kernel.install(&World::new().unwrap().compile("", 1).unwrap()).unwrap();
    gate
}

/// As the tables keep it.
fn soon() -> u64 {
    let expires_ns = monotonic_ns() + u64::try_from(MOMENT.as_nanos()).unwrap();
    Ban::from_expiry(Ban { expires_ns }.expiry()).unwrap().expires_ns
}

#[test]
fn the_data_path_itself_ends_a_ban() {
    if !kernel_or_skip("the_data_path_itself_ends_a_ban") {
        return;
    }
    let gate = gate();
    let bans = [
        ("192.0.2.1/32", "192.0.2.1"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("198.51.100.0/24", "198.51.100.7"),
        ("2001:db8:1::/48", "2001:db8:1::7"),
    ];
    let end = soon();
    for (prefix, _) in bans {
        gate.kernel.ban(net(prefix), Some(end)).unwrap();
    }
    for (prefix, source) in bans {
        assert_eq!(gate.reason_of(&from(source)), Reason::Banned, "{prefix}");
    }
    thread::sleep(UNTIL_ENDED);
    for (prefix, source) in bans {
        assert_eq!(gate.reason_of(&from(source)), Reason::DefaultPass, "{prefix}");
        // What has ended stays in the table until it is swept, and can be made to hold again.
        assert!(gate.kernel.bans().contains(&(net(prefix), Some(end))), "{prefix}");
        gate.kernel.ban(net(prefix), None).unwrap();
        assert_eq!(gate.reason_of(&from(source)), Reason::Banned, "{prefix}");
        assert!(gate.kernel.unban(net(prefix)));
        assert!(!gate.kernel.unban(net(prefix)));
        assert_eq!(gate.reason_of(&from(source)), Reason::DefaultPass, "{prefix}");
    }
    assert!(gate.kernel.bans().is_empty());
}

/// Each length is looked up by itself; the latest end around a source counts.
#[test]
fn the_latest_of_nested_bans_holds() {
    if !kernel_or_skip("the_latest_of_nested_bans_holds") {
        return;
    }
    let families = [
        ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "10.1.2.3"),
        ("2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:1:2::3/128", "2001:db8:1:2::3"),
    ];
    for (wide, middle, narrow, exact, source) in families {
        let gate = gate();
        let (wide, middle, narrow, exact) = (net(wide), net(middle), net(narrow), net(exact));
        let reason = || gate.reason_of(&from(source));

        // The inner one first, then the outer one around it.
        let end = soon();
        gate.kernel.ban(narrow, Some(end)).unwrap();
        gate.kernel.ban(exact, Some(end)).unwrap();
        gate.kernel.ban(wide, None).unwrap();
        // And one between them.
        gate.kernel.ban(middle, Some(end)).unwrap();
        assert_eq!(reason(), Reason::Banned);
        thread::sleep(UNTIL_ENDED);
        assert_eq!(reason(), Reason::Banned, "the outer ban has no end");

        assert!(gate.kernel.unban(narrow));
        assert_eq!(reason(), Reason::Banned, "an inner ban was lifted, the outer one holds");
        assert!(gate.kernel.unban(exact));
        assert_eq!(reason(), Reason::Banned);
        gate.kernel.ban(narrow, Some(end)).unwrap();
        assert_eq!(reason(), Reason::Banned, "an inner ban that has ended does not end the outer one");

        assert!(gate.kernel.unban(wide));
        assert_eq!(reason(), Reason::DefaultPass, "the outer ban was lifted, the inner ones have ended");
        gate.kernel.ban(middle, None).unwrap();
        assert_eq!(reason(), Reason::Banned, "a longer end reaches the prefixes inside");
        assert!(gate.kernel.unban(middle));
        assert_eq!(reason(), Reason::DefaultPass);
        let left = gate.kernel.bans();
        assert_eq!(left, [(narrow, Some(end))]);
    }
}

#[test]
fn the_widest_ban_holds_for_everyone_of_its_family() {
    if !kernel_or_skip("the_widest_ban_holds_for_everyone_of_its_family") {
        return;
    }
    let gate = gate();
    gate.kernel.ban(net("0.0.0.0/0"), None).unwrap();
    assert_eq!(gate.reason_of(&from("203.0.113.1")), Reason::Banned);
    assert_eq!(gate.reason_of(&from("2001:db8::1")), Reason::DefaultPass);
    gate.kernel.ban(net("::/0"), None).unwrap();
    assert_eq!(gate.reason_of(&from("2001:db8::1")), Reason::Banned);
    assert!(gate.kernel.unban(net("0.0.0.0/0")));
    assert_eq!(gate.reason_of(&from("203.0.113.1")), Reason::DefaultPass);
    assert_eq!(gate.reason_of(&from("2001:db8::1")), Reason::Banned);
}

#[test]
fn a_full_table_says_so_and_keeps_what_it_has() {
    if !kernel_or_skip("a_full_table_says_so_and_keeps_what_it_has") {
        return;
    }
    let gate = live(Gate::sized(|options| options.bans = u32::from(ROOM)));
    let prefixes = ROOM / 4;
    let tables: [(&str, u8, PrefixOf); 4] = [
        ("bans-ipv4", ROOM, |n| format!("192.0.2.{n}/32")),
        ("bans-ipv6", ROOM, |n| format!("2001:db8::{n}/128")),
        ("ban-prefixes-ipv4", prefixes, |n| format!("10.{n}.0.0/16")),
        ("ban-prefixes-ipv6", prefixes, |n| format!("2001:db8:{n}::/48")),
    ];
    for (name, room, prefix) in tables {
        for n in 0..room {
            gate.kernel.ban(net(&prefix(n)), None).unwrap();
        }
        let error = gate.kernel.ban(net(&prefix(room)), None).unwrap_err();
        assert!(
            matches!(error, KernelError::TableFull { table, capacity, .. }
                if table == name && capacity == u64::from(room)),
            "{name}: {error}"
        );
        assert_eq!(error.exit_code(), 11);
        let source = |n| net(&prefix(n)).addr().to_string();
        for n in 0..room {
            assert_eq!(gate.reason_of(&from(&source(n))), Reason::Banned, "{}", prefix(n));
        }
        assert_eq!(gate.reason_of(&from(&source(room))), Reason::DefaultPass, "{name}");
        // A ban that is there can be changed, and room that is made can be used.
        gate.kernel.ban(net(&prefix(0)), Some(1)).unwrap();
        assert_eq!(gate.reason_of(&from(&source(0))), Reason::DefaultPass, "{name}");
        assert!(gate.kernel.unban(net(&prefix(0))));
        gate.kernel.ban(net(&prefix(room)), None).unwrap();
        assert_eq!(gate.reason_of(&from(&source(room))), Reason::Banned, "{name}");
    }
    assert_eq!(gate.kernel.bans().len(), 2 * usize::from(ROOM + prefixes));
}

/// A ban that was and will be holds meanwhile, whatever changes around it.
#[test]
fn bans_are_replaced_without_a_gap() {
    if !kernel_or_skip("bans_are_replaced_without_a_gap") {
        return;
    }
    let gate = gate();
    let always = ["192.0.2.1/32", "10.1.0.0/16", "2001:db8:1::/48"];
    let sources = ["192.0.2.1", "10.1.2.3", "2001:db8:1::3"];
    let around = ["10.0.0.0/8", "10.1.2.0/24", "2001:db8::/32", "2001:db8:1:2::/64", "192.0.2.0/24"];
    let with = |more: &[&str], expires_ns| -> Vec<(IpNet, Option<u64>)> {
        let kept = always.iter().map(|prefix| (net(prefix), None));
        kept.chain(more.iter().map(|prefix| (net(prefix), expires_ns))).collect()
    };
    gate.kernel.replace_bans(&with(&[], None)).unwrap();
    let frames = sources.map(from);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for cpu in 0..2 {
            let (gate, done, frames) = (&gate, &done, &frames);
            scope.spawn(move || {
                stay_on(cpu);
                while !done.load(Ordering::Relaxed) {
                    for frame in frames {
                        gate.run(Program::Fragments, frame, 2_000);
                    }
                }
            });
        }
        let mut round = 0;
        while round < ROUNDS || gate.counted().seen.packets < PACKETS {
            gate.kernel.replace_bans(&with(&around, (round % 2 == 0).then_some(1))).unwrap();
            gate.kernel.replace_bans(&with(&around[..round % 5], None)).unwrap();
            round += 1;
        }
        gate.kernel.replace_bans(&with(&[], None)).unwrap();
        done.store(true, Ordering::Relaxed);
    });
    let counted = gate.counted();
    println!("{} packets of banned sources while the bans around them changed", counted.seen.packets);
    assert_eq!(counted.decided(Reason::Banned).packets, counted.seen.packets);
    let mut left = gate.kernel.bans();
    left.sort_unstable();
    let mut expected = with(&[], None);
    expected.sort_unstable();
    assert_eq!(left, expected);
}

#[test]
fn host_bits_of_a_prefix_do_not_matter() {
    if !kernel_or_skip("host_bits_of_a_prefix_do_not_matter") {
        return;
    }
    let gate = gate();
    for (written, prefix, source) in
        [("10.1.2.3/16", "10.1.0.0/16", "10.1.9.9"), ("2001:db8::1/48", "2001:db8::/48", "2001:db8::9")]
    {
        gate.kernel.ban(net(written), None).unwrap();
        assert_eq!(gate.kernel.bans(), [(net(prefix), None)]);
        gate.kernel.replace_bans(&[(net(written), None)]).unwrap();
        assert_eq!(gate.reason_of(&from(source)), Reason::Banned, "{written}");
        assert!(gate.kernel.unban(net(prefix)), "{written}");
        assert_eq!(gate.reason_of(&from(source)), Reason::DefaultPass, "{written}");
    }
}
