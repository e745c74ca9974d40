//! `explain` says what the kernel would do, and why.

use anyhow::Result;
use serde_json::Value;
use xdpgate_tests::kernel_or_skip;

use crate::stage::{BURST, COUNTED_WITHIN, Stage, hosts, wait};

const POLICY: &str = "[limits.source]\npackets = \"1/min\"\npackets_burst = 30\n\
    [[list]]\nname = \"scanners\"\npath = \"scanners.txt\"\n[geo]\ndatabase = \"countries.csv\"\n\
    [country]\ndeny = [\"KP\"]\n";

#[test]
fn each_reason_is_explained() -> Result<()> {
    if !kernel_or_skip("each_reason_is_explained") {
        return Ok(());
    }
    let [[banned, listed6], [listed, kp6], [kp, allowed6], [clean, clean6]] = [1, 2, 3, 4].map(hosts);
    let mut stage = Stage::prepare()?;
    stage.write("scanners.txt", format!("# seen\n{listed}\n\n2001:db8:100:1::/64 ; all of it\n"))?;
    stage.write("countries.csv", format!("{kp},{kp},KP\n{kp6},{kp6},KP\n{clean},{clean},DE\n"))?;
    stage.start_under(POLICY)?;
    stage.cli(&format!("ban add {banned} --ttl permanent --reason guessing"))?;
    stage.cli(&format!("allow add {allowed6} --note office"))?;
    let explain = |source| stage.json(&format!("explain {source} --port 443 --proto udp"));
    let says = |answer: &Value, action: &str, reason: &str| {
        assert_eq!((&answer["action"], &answer["reason"]), (&action.into(), &reason.into()), "{answer}");
    };

    let answer = explain(banned)?;
    says(&answer, "drop", "banned");
    assert_eq!(answer["bans"][0]["reason"], "guessing", "{answer}");
    stage.assert_dropped(banned, "banned")?;

    for (source, line) in [(listed, 2), (listed6, 4)] {
        let answer = explain(source)?;
        says(&answer, "drop", "blocklisted");
        assert_eq!(
            (&answer["list"], &answer["lists"][0]["lines"][0]["line"]),
            (&"scanners".into(), &line.into())
        );
        stage.assert_dropped(source, "blocklisted")?;
    }
    for source in [kp, kp6] {
        let answer = explain(source)?;
        says(&answer, "drop", "country-denied");
        assert_eq!(answer["country"]["country"], "KP", "{answer}");
        stage.assert_dropped(source, "country-denied")?;
    }
    let answer = explain(allowed6)?;
    says(&answer, "pass", "allowed");
    assert_eq!(answer["allow"][0]["note"], "office", "{answer}");
    stage.assert_passed(allowed6, "allowed")?;

    for source in [clean, clean6] {
        let answer = explain(source)?;
        says(&answer, "pass", "within-limit");
        assert_eq!((&answer["limits"][0]["left"], &answer["limits"][0]["burst"]), (&30.into(), &30.into()));
        stage.assert_passed(source, "within-limit")?;
        // No test takes a minute here, so nothing comes back.
        let answer = explain(source)?;
        assert_eq!(answer["limits"][0]["left"], 30 - BURST, "asking costs nothing: {answer}");
        stage.send(source)?;
        wait("the limit is reached", COUNTED_WITHIN, || Ok(explain(source)?["reason"] == "packet-limit"))?;
        says(&explain(source)?, "drop", "packet-limit");
        let text = stage.cli(&format!("explain {source}"))?;
        assert!(text.contains("0 of 30 packets left") && text.contains("1/min come back"), "{text}");
    }
    let text = stage.cli(&format!("explain {listed}"))?;
    assert!(text.contains("line 2"), "{text}");

    stage.cli("pause")?;
    says(&explain(banned)?, "pass", "paused");
    Ok(())
}

#[test]
fn packets_of_a_capture_are_explained() -> Result<()> {
    if !kernel_or_skip("packets_of_a_capture_are_explained") {
        return Ok(());
    }
    let stage = Stage::under(
        "[[service]]\nname = \"dns\"\nprotocol = \"udp\"\nports = [53]\nlimits = [\"each\"]\n\
        [[limit]]\nname = \"each\"\nrate = \"1 MB/s\"\nburst = 65536\n[fragments]\nrule = \"drop\"\n",
    )?;
    // Two datagrams to port 53, a later fragment, and one of somebody else.
    let packets = [udp(1, 53, 0, 72), udp(1, 53, 0, 72), udp(1, 53, 1, 100), udp(2, 53, 0, 72)];
    let capture = stage.write("capture.pcap", pcap(&packets))?.display().to_string();
    let answer = stage.json(&format!("explain 198.51.100.1 --in {capture}"))?;
    assert_eq!(answer["packets"], 3, "{answer}");
    let verdicts = serde_json::json!({"pass": {"within-limit": 2}, "drop": {"fragment-denied": 1}});
    assert_eq!((&answer["verdicts"], &answer["number"]), (&verdicts, &3.into()), "{answer}");
    assert_eq!(answer["explanation"]["probe"]["later_fragment"], true, "{answer}");
    let text = stage.cli(&format!("explain 198.51.100.2 --in {capture}"))?;
    for part in
        ["1 packet from", "UDP to port 53 of 192.0.2.2, 86 bytes", "within-limit", "dns", "0 packets charged"]
    {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert_eq!(stage.refused(&format!("explain 198.51.100.3 --in {capture}"))?.code, 4);
    let icmp = stage.json("explain 198.51.100.1 --proto icmp")?;
    assert_eq!((&icmp["action"], &icmp["reason"]), (&"pass".into(), &"default-pass".into()), "{icmp}");
    Ok(())
}

/// A datagram to the guarded host, as IPv4; `offset` is that of a fragment, in units of eight bytes.
fn udp(host: u8, port: u16, offset: u8, bytes: u16) -> Vec<u8> {
    let [high, low] = bytes.to_be_bytes();
    let mut packet =
        vec![0x45, 0, high, low, 0, 0, 0, offset, 64, 17, 0, 0, 198, 51, 100, host, 192, 0, 2, 2];
    packet.extend(40_000_u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend((bytes - 20).to_be_bytes());
    packet.resize(bytes.into(), 0);
    packet
}

/// A capture of IPv4 packets without headers of a link.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    const RAW: u32 = 101;
    let words = [0xa1b2_c3d4_u32, 2 | 4 << 16, 0, 0, 65_535, RAW];
    let mut file: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    for packet in packets {
        let length = u32::try_from(packet.len()).unwrap_or(0);
        file.extend([1_700_000_000, 0, length, length].into_iter().flat_map(u32::to_le_bytes));
        file.extend(packet);
    }
    file
}
