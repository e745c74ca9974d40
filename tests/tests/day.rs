//! A day of feeds, bans and ends in two minutes: at each check the kernel's tables hold what they should, and the memory of the
//! daemon does not grow.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ipnet::IpNet;
use xdpgate::api::types::{BanRequest, NewBan, UnbanRequest};
use xdpgate::daemon::{Caller, Gate, RunOptions, run_faster};
use xdpgate::kernel::Kernel;
use xdpgate::store::Store;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::program::Folder;
use xdpgate_tests::veth::{GUARDED, Wire};

/// Seconds of the daemon's clocks in one of the machine's.
const RATE: u32 = 720;
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Until then bans pile up: none lasts longer.
const SETTLED: Duration = Duration::from_hours(6);
/// What an allocator may keep in its pockets.
const MOST_GROWTH: u64 = 6 << 20;

const POLICY: &str = "\
[tables]
bans = 65536

[[list]]
name = \"scanners\"
url = \"http://ADDRESS/scanners\"
every = \"1 h\"

[[list]]
name = \"botnet\"
url = \"http://ADDRESS/botnet\"
every = \"20 min\"
mode = \"monitor\"

[[list]]
name = \"both\"
union = [\"scanners\", \"botnet\"]
except = [\"20.1.0.0/16\"]
";

/// What a server publishes, by path.
type Pages = Arc<Mutex<BTreeMap<&'static str, String>>>;

#[test]
fn a_day_of_feeds_and_bans_leaves_no_drift_and_no_growth() -> Result<()> {
    if !kernel_or_skip("a_day_of_feeds_and_bans_leaves_no_drift_and_no_growth") {
        return Ok(());
    }
    let wire = Wire::create()?;
    wire.guarded.within(day)
}

fn day() -> Result<()> {
    run_faster(RATE);
    let directory = tempfile::tempdir()?;
    let pins = Folder::new();
    let pages = Pages::default();
    let server = serve(Arc::clone(&pages))?;
    let policy = directory.path().join("policy.toml");
    fs::write(&policy, POLICY.replace("ADDRESS", &server.to_string()))?;
    let options = RunOptions {
        config: Some(policy),
        interfaces: vec![GUARDED.parse()?],
        state_dir: Some(directory.path().join("state")),
        bpffs: Some(pins.path().to_owned()),
        ..RunOptions::default()
    };
    let text = options.read()?;
    let config = options.check(&text)?;
    let kernel = Kernel::open(&options.kernel(&config))?;
    let store = Store::open(&config.daemon.state_dir)?;
    let mut today = Today {
        gate: Gate::start(kernel, store, options, text)?,
        pages,
        random: Random(20_260_101),
        banned: Vec::new(),
        published: 0,
        tally: Tally::default(),
    };
    today.go_through()?;
    println!("{:?}", today.tally);
    let Tally { checks, bans, ended, updates, refused, .. } = today.tally;
    assert!(checks >= 40 && bans > 10_000 && ended > 1_000, "{:?}", today.tally);
    assert!(updates > 20 && refused > 10, "{:?}", today.tally);
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    checks: u32,
    bans: usize,
    lifted: usize,
    /// Bans that came to their end and were cleared away.
    ended: usize,
    updates: u64,
    refused: u64,
    /// The memory of this process at each full hour from [`SETTLED`] on.
    memory: Vec<u64>,
}

struct Today {
    gate: Gate,
    pages: Pages,
    random: Random,
    banned: Vec<IpNet>,
    published: u64,
    tally: Tally,
}

impl Today {
    fn go_through(&mut self) -> Result<()> {
        let start = Instant::now();
        let passed = || start.elapsed() * RATE;
        let mut next_hour = SETTLED;
        let (mut next_news, mut next_check) = (Duration::ZERO, 30 * MINUTE);
        while passed() < DAY {
            if passed() >= next_news {
                self.publish();
                next_news += 15 * MINUTE;
            }
            self.ban_some()?;
            self.lift_some()?;
            self.tally.ended += self.gate.sweep_bans()?;
            let looks = self.gate.due_feeds();
            let done = looks.into_iter().map(|look| self.gate.look_at_feed(look)).collect();
            self.gate.take_feeds(done);
            if passed() >= next_check {
                self.check()?;
                next_check += 30 * MINUTE;
            }
            if passed() >= next_hour {
                self.tally.memory.push(resident()?);
                next_hour += HOUR;
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.check()?;
        for list in self.gate.list_statuses().lists {
            self.tally.updates += list.updates.changed;
            self.tally.refused += list.updates.failed;
        }
        let (first, most) = (self.tally.memory.first(), self.tally.memory.iter().max());
        let grown = first.zip(most).map(|(first, most)| most - first).context("no hour was measured")?;
        ensure!(grown <= MOST_GROWTH, "grown by {grown} bytes: {:?}", self.tally);
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        let verified = self.gate.verify(&Caller::daemon())?;
        ensure!(verified.entries() == 0, "after {} checks: {}", self.tally.checks, verified.in_words());
        self.tally.checks += 1;
        Ok(())
    }

    /// New text for both feeds, now and then of a kind that must not be taken.
    fn publish(&mut self) {
        self.published += 1;
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        for path in ["/scanners", "/botnet"] {
            let page = match self.random.below(8) {
                0 => "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>".to_owned(),
                1 => String::new(),
                2 => "10.0.0.0/8\n127.0.0.1\n".to_owned(),
                3 => "20.1.2.3\n20.1.2.300\n".to_owned(),
                _ => {
                    let count = 2_000 + self.random.below(2_000);
                    (0..count).map(|_| format!("{}\n", self.random.address())).collect::<Vec<_>>().concat()
                }
            };
            pages.insert(path, page);
        }
    }

    fn ban_some(&mut self) -> Result<()> {
        let bans: Vec<_> = (0..10).map(|_| self.new_ban()).collect();
        self.banned.extend(bans.iter().map(|ban| ban.prefix.net()));
        self.tally.bans += bans.len();
        let request = BanRequest { bans, source: "test".to_owned(), lengthen: None, force: false };
        self.gate.ban(&request, &Caller::daemon())?;
        Ok(())
    }

    fn new_ban(&mut self) -> NewBan {
        let prefix: IpNet = match self.random.below(4) {
            0 => IpNet::new(self.random.address().into(), 24).unwrap_or_default().trunc(),
            1 => IpAddr::from(Ipv6Addr::from_bits(0x2600 << 112 | u128::from(self.random.next()))).into(),
            _ => IpAddr::from(self.random.address()).into(),
        };
        let seconds = 5 * 60 + self.random.below(SETTLED.as_secs() - 10 * 60);
        let reason = format!("rule {}", self.random.below(5));
        NewBan { prefix: prefix.into(), ttl_seconds: Some(seconds), reason, note: String::new() }
    }

    fn lift_some(&mut self) -> Result<()> {
        if self.banned.len() < 1_000 {
            return Ok(());
        }
        let at = usize::try_from(self.random.below(self.banned.len() as u64))?;
        let prefixes = vec![self.banned.swap_remove(at).into()];
        let request = UnbanRequest { prefixes, source: None, all: false };
        self.tally.lifted += self.gate.unban(&request, &Caller::daemon())?.removed.len();
        // Most have ended by then.
        self.banned.truncate(4_000);
        Ok(())
    }
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// In 20.0.0.0/7, where nobody of this test lives.
    fn address(&mut self) -> Ipv4Addr {
        Ipv4Addr::from_bits(20 << 24 | u32::try_from(self.next() >> 39).unwrap_or_default())
    }
}

fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}

/// Answers until the process ends.
fn serve(pages: Pages) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever hangs up gets no answer.
            let _ = answer(stream, &pages);
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream, pages: &Pages) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().context("no request")??;
    let path = request.split(' ').nth(1).context("no path")?;
    let mut known = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        if name.eq_ignore_ascii_case("if-none-match") {
            known = Some(value.to_owned());
        }
    }
    let page = pages.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned().unwrap_or_default();
    let etag =
        format!("\"{:x}\"", page.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte)));
    if known.as_ref() == Some(&etag) {
        write!(stream, "HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\nConnection: close\r\n\r\n")?;
    } else {
        let length = page.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(page.as_bytes())?;
    }
    Ok(())
}
