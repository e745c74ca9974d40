//! What the documents say is what the code does.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use xdpgate::config::{self, Config, DefaultAction, FragmentRule, Mode};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Action;

/// Set to 1 to write generated documents anew.
const BLESS: &str = "XDPGATE_BLESS";

const INTRODUCTION: &str = "\
# Reasons

Every packet leaves with exactly one of these reasons. It is the label `reason` in metrics, the row in `xdpgate stats`, and
the word in events and in `xdpgate explain`. Over all reasons of an interface, the packets add up to the packets seen.

This page is written from the list in the code (`ebpf/src/reason.rs`); do not edit it by hand. The order in which the
questions are asked is in [architecture.md](architecture.md#the-order-of-the-decision).
";

const MONITOR_MODE: &str = "\
A rule in monitor mode drops nothing. It counts what it would have dropped under the same label, apart from the packets that
were really dropped, and the packet goes on to the next question. So one packet can be counted by several rules in monitor
mode, and these counts are no part of the sum above.
";

#[test]
fn the_page_of_reasons_is_current() -> Result<()> {
    let path = root().join("docs/reasons.md");
    let current = reasons_page();
    if env::var_os(BLESS).is_some_and(|value| value == "1") {
        fs::write(&path, &current)?;
    }
    let written = fs::read_to_string(&path)?;
    assert_eq!(written, current, "run `XDPGATE_BLESS=1 cargo test -p xdpgate-tests --test docs`");
    Ok(())
}

#[test]
fn the_policy_in_the_readme_is_a_policy() -> Result<()> {
    let blocks = fenced(&fs::read_to_string(root().join("README.md"))?, "toml");
    assert_eq!(blocks.len(), 1, "one example, so that this test reads the one that operators copy");
    let policy = parse(&blocks.concat())?;

    // What the text around it promises.
    assert_eq!(policy.interfaces, ["eth0".parse()?]);
    assert_eq!(policy.default_action, DefaultAction::Pass);
    let modes: Vec<_> = policy.lists.iter().map(|list| list.mode).collect();
    assert_eq!(modes, [Mode::Enforce, Mode::Monitor]);
    assert_eq!(policy.country.mode, Mode::Enforce);
    assert!(policy.geo.database.is_some(), "a country rule needs a database");
    let packets = policy.source_limits.packets.context("no limit in packets")?;
    assert_eq!((packets.units, packets.per, packets.burst), (1000, Duration::from_secs(1), 2000));
    let bytes = policy.source_limits.bytes.context("no limit in bytes")?;
    assert_eq!(bytes.units, 50_000_000 / 8);
    assert_eq!((policy.source_limits.ipv4_prefix, policy.source_limits.ipv6_prefix), (32, 64));
    assert!(matches!(policy.fragments.rule, FragmentRule::Limit(_)));
    Ok(())
}

#[test]
fn every_command_in_the_documents_is_a_command() -> Result<()> {
    let mut found = 0;
    for page in markdown_pages()? {
        let blocks = fenced(&fs::read_to_string(&page)?, "sh").concat();
        for line in blocks.lines().map(without_comment).filter(|line| line.starts_with("xdpgate ")) {
            let parsed = xdpgate::cli::command().try_get_matches_from(words(line));
            parsed.with_context(|| format!("{}: {line}", page.display()))?;
            found += 1;
        }
    }
    assert!(found > 10, "the README alone has more than that");
    Ok(())
}

/// The words of a command line; what stands in double quotes is one.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_policy_in_the_documents_is_a_policy() -> Result<()> {
    let mut found = 0;
    for page in markdown_pages()? {
        for block in fenced(&fs::read_to_string(&page)?, "toml") {
            parse(&block).with_context(|| page.display().to_string())?;
            found += 1;
        }
    }
    assert!(found > 0, "the README has one");
    Ok(())
}

#[test]
fn every_reason_is_in_the_chart_of_the_decision() -> Result<()> {
    let page = fs::read_to_string(root().join("docs/architecture.md"))?;
    let chart = fenced(&page, "mermaid").concat();
    for reason in Reason::ALL {
        let word = reason.label();
        let named = chart.split(|c: char| !c.is_ascii_lowercase() && c != '-').any(|found| found == word);
        assert!(named, "docs/architecture.md: the chart has no exit `{word}`");
    }
    Ok(())
}

fn parse(policy: &str) -> Result<Config> {
    config::parse(policy, Path::new("example.toml")).with_context(|| policy.to_owned())
}

fn reasons_page() -> String {
    let passed = table(Action::Pass, "| reason | meaning |\n|---|---|\n", |reason| {
        format!("| `{}` | {} |\n", reason.label(), reason.help())
    });
    let dropped = table(Action::Drop, "| reason | meaning | monitor mode |\n|---|---|---|\n", |reason| {
        let monitor = if Reason::MONITORABLE.contains(&reason) { "yes" } else { "no" };
        format!("| `{}` | {} | {monitor} |\n", reason.label(), reason.help())
    });
    format!(
        "{INTRODUCTION}\n## Packets that pass\n\n{passed}\n## Packets that are dropped\n\n{dropped}\n{MONITOR_MODE}"
    )
}

/// The reasons of one action, each as a row.
fn table(action: Action, head: &str, row: impl Fn(Reason) -> String) -> String {
    let reasons = Reason::ALL.iter().copied().filter(|reason| reason.action() == action);
    reasons.fold(head.to_owned(), |table, reason| table + &row(reason))
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

fn without_comment(line: &str) -> &str {
    line.split_once(" #").map_or(line, |(command, _)| command)
}

fn markdown_pages() -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for folder in [root(), root().join("docs"), root().join("docs/adr")] {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    Ok(pages)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
