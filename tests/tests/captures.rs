//! Captures from the command line, good ones and bad ones: what is read of them, the exit code, and what is said.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;
use xdpgate_tests::prerequisites::binary_or_skip;
use xdpgate_tests::recording::Recording;

/// Exit codes (docs/operations.md).
const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const INVALID: i32 = 5;
const COMMANDS: [&str; 2] = ["replay", "suggest"];
const FRAMES: u32 = 100;
const FILE_HEADER: usize = 24;

/// The binary, and files of this test's own.
struct Desk {
    binary: PathBuf,
    directory: TempDir,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    error: String,
}

impl Desk {
    fn new(binary: PathBuf) -> Result<Self> {
        let desk = Self { binary, directory: TempDir::new()? };
        // Or a policy of this machine would be taken.
        desk.write("policy.toml", b"")?;
        Ok(desk)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.directory.path().join(name);
        fs::write(&path, bytes)?;
        Ok(path)
    }

    /// Runs `replay` or `suggest` over a capture.
    fn run(&self, command: &str, capture: &Path, input: &[u8]) -> Result<Said> {
        let mut child = Command::new(&self.binary)
            .args(["--json", command, "--policy"])
            .arg(self.directory.path().join("policy.toml"))
            .arg(capture)
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // One that does not read it has ended already.
        let _ = child.stdin.take().context("no standard input")?.write_all(input);
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().with_context(|| format!("{}", output.status))?;
        let said = Said { code, out: text(&output.stdout), error: text(&output.stderr) };
        assert!(!said.error.contains("panicked"), "{said:?}");
        Ok(said)
    }

    /// Both commands refuse such a capture, name it, and say this.
    fn assert_refused(&self, name: &str, bytes: &[u8], parts: &[&str]) -> Result<()> {
        let path = self.write(name, bytes)?;
        for command in COMMANDS {
            let said = self.run(command, &path, &[])?;
            assert_eq!(said.code, INVALID, "{command} {name}: {said:?}");
            for part in parts.iter().chain(&[name]) {
                assert!(said.error.contains(part), "{command} {name}: no {part:?} in {said:?}");
            }
        }
        Ok(())
    }
}

fn seen(said: &Said) -> Result<Value> {
    let answer: Value = serde_json::from_str(&said.out).with_context(|| format!("{said:?}"))?;
    Ok(answer["seen"]["packets"].clone())
}

#[test]
fn a_whole_capture_is_read_from_a_file_and_from_standard_input() -> Result<()> {
    let Some(binary) = binary_or_skip("a_whole_capture_is_read_from_a_file_and_from_standard_input") else {
        return Ok(());
    };
    let desk = Desk::new(binary)?;
    let file = Recording::of(FRAMES, FRAMES, 1).file;
    let path = desk.write("whole.pcap", &file)?;
    for said in [desk.run("replay", &path, &[])?, desk.run("replay", Path::new("-"), &file)?] {
        assert_eq!(said.code, DONE, "{said:?}");
        assert_eq!(seen(&said)?, FRAMES, "{said:?}");
    }
    let said = desk.run("suggest", &path, &[])?;
    assert_eq!(said.code, DONE, "{said:?}");
    let said = desk.run("suggest", Path::new("-"), &file)?;
    assert_eq!(said.code, USAGE, "{said:?}");
    assert!(said.error.contains("standard input"), "{said:?}");
    Ok(())
}

/// What was read is reported, and the exit code says that it was not all.
#[test]
fn a_cut_or_damaged_capture_is_reported_up_to_there() -> Result<()> {
    let Some(binary) = binary_or_skip("a_cut_or_damaged_capture_is_reported_up_to_there") else {
        return Ok(());
    };
    let desk = Desk::new(binary)?;
    let file = Recording::of(FRAMES, FRAMES, 1).file;
    let cut = file.get(..file.len() - 1).context("an empty capture")?;
    let header_cut = file.get(..file.len() - last_record(&file)? + 7).context("an empty capture")?;
    let damaged = [&file[..], &[0xff; 16], &[0; 64]].concat();
    let cases = [
        ("cut.pcap", cut, "the capture is cut", FRAMES - 1),
        ("in-header.pcap", header_cut, "the capture is cut", FRAMES - 1),
        ("damaged.pcap", &damaged, "the capture is damaged", FRAMES),
    ];
    for (name, bytes, part, packets) in cases {
        let path = desk.write(name, bytes)?;
        for command in COMMANDS {
            let said = desk.run(command, &path, &[])?;
            assert_eq!(said.code, FAILED, "{command} {name}: {said:?}");
            for part in [part, name, &format!("after packet {packets}")] {
                assert!(said.error.contains(part), "{command} {name}: no {part:?} in {said:?}");
            }
            if command == "replay" {
                assert_eq!(seen(&said)?, packets, "{name}");
            }
        }
    }
    // As it comes through a pipe whose writer was killed.
    let said = desk.run("replay", Path::new("-"), cut)?;
    assert_eq!((said.code, seen(&said)?), (FAILED, (FRAMES - 1).into()), "{said:?}");
    assert!(said.error.contains("standard input: the capture is cut"), "{said:?}");
    Ok(())
}

#[test]
fn what_is_no_capture_is_refused_and_named() -> Result<()> {
    let Some(binary) = binary_or_skip("what_is_no_capture_is_refused_and_named") else {
        return Ok(());
    };
    let desk = Desk::new(binary)?;
    let file = Recording::of(FRAMES, FRAMES, 1).file;
    desk.assert_refused("empty.pcap", &[], &["it is empty"])?;
    desk.assert_refused("short.pcap", &file[..FILE_HEADER - 1], &["within its own header"])?;
    desk.assert_refused("text.pcap", b"No.,Time,Source\n", &["neither pcap nor pcapng", "4e 6f 2e 2c"])?;
    for (name, magic, program) in [
        ("capture.pcap.gz", &[0x1f, 0x8b, 8, 0][..], "gzip"),
        ("capture.pcap.zst", &[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        ("capture.pcap.xz", &[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        ("capture.pcap.bz2", b"BZh9", "bzip2"),
    ] {
        let bytes = [magic, &file].concat();
        desk.assert_refused(name, &bytes, &["compressed", program, "xdpgate replay -"])?;
    }
    // Bluetooth, of which no Ethernet frame can be made.
    let mut foreign = file;
    foreign.splice(FILE_HEADER - 4..FILE_HEADER, 187_u32.to_le_bytes());
    desk.assert_refused("bluetooth.pcap", &foreign, &["link type", "187", "Ethernet (1)"])?;

    let missing = desk.directory.path().join("missing.pcap");
    for command in COMMANDS {
        for path in [&missing, &desk.directory.path().to_path_buf()] {
            let said = desk.run(command, path, &[])?;
            assert_eq!(said.code, INVALID, "{command}: {said:?}");
            assert!(said.error.contains(&path.display().to_string()), "{said:?}");
            assert!(said.error.contains("can't be read"), "{said:?}");
        }
    }
    Ok(())
}

/// How many bytes the last record takes, with its header.
fn last_record(file: &[u8]) -> Result<usize> {
    let whole = Recording::of(FRAMES, FRAMES, 1);
    let frames = whole.frames(FRAMES as usize - 1..FRAMES as usize);
    let last = frames.first().context("no frame")?;
    assert!(file.ends_with(last));
    Ok(last.len() + 16)
}
