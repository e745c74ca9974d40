use super::*;

/// Two services, `one` on line 1 and `two` on line 5.
fn two(one: &str, two: &str) -> String {
    format!("[[service]]\nname = \"one\"\n{one}\n\n[[service]]\nname = \"two\"\n{two}\n")
}

#[test]
fn the_same_traffic_belongs_to_one_service() {
    let allowed = "allowed: one service for the same protocol, port and destination; change the ports or the destinations of one of them";
    for (one, other, line, what) in [
        ("ports = [443]", "ports = [443]", 5, "tcp port 443 to any address"),
        ("ports = [\"80-90\"]", "ports = [\"85-99\", 1000]", 5, "tcp ports 85-90 to any address"),
        (
            "ports = [53]\nprotocol = \"tcp+udp\"",
            "ports = [53]\nprotocol = \"udp\"",
            6,
            "udp port 53 to any address",
        ),
        ("protocol = \"icmp\"", "protocol = \"icmp\"", 5, "protocol icmp to any address"),
        ("protocol = \"any\"", "protocol = \"any\"", 5, "protocol any to any address"),
        (
            "ports = [443]\ndestinations = [\"192.0.2.1\", \"192.0.2.2\"]",
            "ports = [443]\ndestinations = [\"192.0.2.2\"]",
            6,
            "tcp port 443 to 192.0.2.2/32",
        ),
        ("ports = [443]", "ports = [443]\ndestinations = [\"::/0\"]", 5, "tcp port 443 to ::/0"),
    ] {
        let expected = format!("{line}: service: `two` and `one` (line 1) both cover {what}; {allowed}");
        assert_eq!(problems(&two(one, other)), [expected]);
    }
}

#[test]
fn other_traffic_does_not_conflict() {
    for (one, other) in [
        ("ports = [443]", "ports = [444]"),
        ("ports = [443]", "ports = [443]\nprotocol = \"udp\""),
        ("ports = [443]", "protocol = \"any\""),
        ("ports = [443]", "ports = [443]\ndestinations = [\"192.0.2.0/24\"]"),
        (
            "ports = [443]\ndestinations = [\"192.0.2.0/25\"]",
            "ports = [443]\ndestinations = [\"192.0.2.0/24\"]",
        ),
        (
            "protocol = \"any\"\ndestinations = [\"192.0.2.1\"]",
            "protocol = \"any\"\ndestinations = [\"192.0.2.2\"]",
        ),
    ] {
        assert_eq!(checked(&two(one, other)).services.len(), 2, "{one} {other}");
    }
}

#[test]
fn each_conflict_is_told() {
    let one = "[[service]]\nname = \"a\"\nports = [1]\n";
    let text = ["a", "b", "c"].map(|name| one.replace("\"a\"", &format!("\"{name}\""))).concat();
    assert_eq!(problems(&text).len(), 3);
}
