//! What the documents say is what the code does.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use xdpgate::config::{self, Config, DefaultAction, FragmentRule, Mode};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Action;

/// Set to 1 to write generated documents anew.
const BLESS: &str = "XDPGATE_BLESS";

#[test]
fn the_page_of_reasons_is_current() {
    let path = root().join("docs/reasons.md");
    let current = reasons_page();
    if env::var_os(BLESS).is_some_and(|value| value == "1") {
        fs::write(&path, &current).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written, current, "run `XDPGATE_BLESS=1 cargo test -p xdpgate-tests --test docs`");
}

#[test]
fn the_policy_in_the_readme_is_a_policy() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = toml_blocks(&readme);
    assert_eq!(blocks.len(), 1, "one example, so that this test reads the one that operators copy");
    let policy = parse(&blocks[0]);

    // What the text around it promises.
    assert_eq!(policy.interfaces, ["eth0".parse().unwrap()]);
    assert_eq!(policy.default_action, DefaultAction::Pass);
    let modes: Vec<_> = policy.lists.iter().map(|list| list.mode).collect();
    assert_eq!(modes, [Mode::Enforce, Mode::Monitor]);
    assert_eq!(policy.country.mode, Mode::Enforce);
    assert!(policy.geo.is_some(), "a country rule needs a database");
    let packets = policy.limits.packets.unwrap();
    assert_eq!((packets.units, packets.per, packets.burst), (1000, Duration::from_secs(1), 2000));
    assert_eq!(policy.limits.bytes.unwrap().units, 50_000_000 / 8);
    assert_eq!((policy.limits.ipv4_prefix, policy.limits.ipv6_prefix), (32, 64));
    assert!(matches!(policy.fragments.rule, FragmentRule::Limit(_)));
}

#[test]
fn every_policy_in_the_documents_is_a_policy() {
    let mut found = 0;
    for page in markdown_pages() {
        for block in toml_blocks(&fs::read_to_string(&page).unwrap()) {
            parse(&block);
            found += 1;
        }
    }
    assert!(found > 0, "the README has one");
}

#[test]
fn every_reason_is_in_the_chart_of_the_decision() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let chart = fenced(&page, "mermaid").concat();
    for reason in Reason::ALL {
        let word = reason.label();
        let named = chart.split(|c: char| !c.is_ascii_lowercase() && c != '-').any(|found| found == word);
        assert!(named, "docs/architecture.md: the chart has no exit `{word}`");
    }
}

fn parse(policy: &str) -> Config {
    config::parse(policy, Path::new("example.toml")).unwrap_or_else(|error| panic!("{error}\n{policy}"))
}

fn reasons_page() -> String {
    let mut page = String::from(
        "# Reasons\n\n\
         Every packet leaves with exactly one of these reasons. It is the label `reason` in metrics, the row in\n\
         `xdpgate stats`, and the word in events and in `xdpgate explain`. Over all reasons of an interface, the packets add\n\
         up to the packets seen.\n\n\
         This page is written from the list in the code (`ebpf/src/reason.rs`); do not edit it by hand. The order in which the\n\
         questions are asked is in [architecture.md](architecture.md#the-order-of-the-decision).\n",
    );
    let intro = [
        (Action::Pass, "Packets that pass", "The packet goes on to the network stack."),
        (Action::Drop, "Packets that are dropped", "The packet ends in the driver, or in the network stack in generic mode."),
    ];
    for (action, title, text) in intro {
        let columns = match action {
            Action::Pass => "| reason | meaning |\n|---|---|\n",
            Action::Drop => "| reason | meaning | monitor mode |\n|---|---|---|\n",
        };
        let _ = write!(page, "\n## {title}\n\n{text}\n\n{columns}");
        for reason in Reason::ALL.iter().filter(|reason| reason.action() == action) {
            let (label, help) = (reason.label(), reason.help());
            let _ = match action {
                Action::Pass => writeln!(page, "| `{label}` | {help} |"),
                Action::Drop => writeln!(page, "| `{label}` | {help} | {} |", monitor_mode(*reason)),
            };
        }
    }
    page.push_str(
        "\nA rule in monitor mode drops nothing. It counts what it would have dropped under the same label, apart from the\n\
         packets that were really dropped, and the packet goes on to the next question. So one packet can be counted by\n\
         several rules in monitor mode, and these counts are no part of the sum above.\n",
    );
    page
}

fn monitor_mode(reason: Reason) -> &'static str {
    if Reason::MONITORABLE.contains(&reason) { "yes" } else { "no" }
}

fn toml_blocks(page: &str) -> Vec<String> {
    fenced(page, "toml")
}

/// The fenced blocks of one language.
fn fenced(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.strip_prefix("```") != Some(language) {
            continue;
        }
        let block = lines.by_ref().take_while(|line| *line != "```");
        blocks.push(block.flat_map(|line| [line, "\n"]).collect());
    }
    blocks
}

fn markdown_pages() -> Vec<PathBuf> {
    let folders = [root(), root().join("docs"), root().join("docs/adr")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
