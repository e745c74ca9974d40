//! The run: sets the stage, lets everyone send, and counts.

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use xdpgate_tests::account::{Account, Balance};
use xdpgate_tests::daemon::Daemon;
use xdpgate_tests::flood::{Bounds, Generator, Sources};
use xdpgate_tests::http::{Client, ClientReport, Server};
use xdpgate_tests::senders::{self, Knocks, Sending, UdpSink};
use xdpgate_tests::veth::{GUARDED, Wire};
use xdpgate_tests::{frame, geo, prerequisites};

use crate::cast::{self, BLOCKLISTED, BLOCKLISTED_RATE, CLIENT, Cast, FLOODED, LOUD, SINK, WEB};
use crate::outcome::{Delivery, Knocking, Outcome, Progress};
use crate::verdict;

/// Between two requests of the client, in each address family.
const REQUEST_EVERY: Duration = Duration::from_millis(200);
/// After which a host of the denied country gives up and tries again.
const KNOCK_TIMEOUT: Duration = Duration::from_millis(250);
/// Frames in a second that each of the two generators aims at. One core decides more; the rest is for the others.
const FLOOD_RATE: u64 = 600_000;
/// The payload of a flooding datagram: together with the headers, the smallest Ethernet frame.
const PAYLOAD: [u8; 18] = [0; 18];
const REFRESH: Duration = Duration::from_millis(500);

/// Everything that is there before the first packet is sent.
pub(crate) struct Scenario {
    pub(crate) cast: Cast,
    // Dropped in this order: the daemon detaches before its namespace is deleted.
    daemon: Daemon,
    servers: Vec<Server>,
    sinks: Vec<UdpSink>,
    _discards: Vec<UdpSocket>,
    wire: Wire,
}

impl Scenario {
    /// Makes the wire, starts the daemon with its embedded policy, and changes that policy as an operator would.
    pub(crate) fn prepare() -> Result<Self> {
        let cast = Cast::choose()?;
        let wire = Wire::create()?;
        wire.add_outside_hosts(&cast.hosts())?;
        let guarded = &wire.guarded;
        let servers =
            cast::sockets(WEB).into_iter().map(|at| Server::start(guarded, at)).collect::<Result<_>>()?;
        let sinks =
            cast::sockets(SINK).into_iter().map(|at| UdpSink::start(guarded, at)).collect::<Result<_>>()?;
        let discards = cast::sockets(FLOODED)
            .into_iter()
            .map(|at| senders::bind_udp(guarded, at))
            .collect::<Result<_>>()?;
        let daemon = Daemon::start(&prerequisites::xdpgate_binary()?, guarded, &["--interface", GUARDED])?;
        instruct(&daemon, &cast).context("cannot set the policy of the lab")?;
        Ok(Self { cast, daemon, servers, sinks, _discards: discards, wire })
    }

    /// Lets everyone send for `duration`; `show` gets each moment.
    pub(crate) fn play(self, duration: Duration, mut show: impl FnMut(&Progress)) -> Result<Outcome> {
        let [over4, over6] = cast::sockets(FLOODED);
        let generators =
            [self.generator(&self.cast.flood4()?, over4)?, self.generator(&self.cast.flood6()?, over6)?];
        let sent = generators.iter().map(Generator::sent).collect();
        let account = Account::open(&self.wire, &self.daemon, sent)?;

        let stop = Arc::new(AtomicBool::new(false));
        let start = Instant::now();
        let senders = self.start_senders(&stop);
        let floods =
            generators.map(|generator| generator.start(&self.wire, bounds(duration), Arc::clone(&stop)));
        let mut last = (Duration::ZERO, Balance::default());
        while start.elapsed() < duration {
            thread::sleep(REFRESH.min(duration.saturating_sub(start.elapsed())));
            let progress = self.progress(&account, &senders.clients, start.elapsed(), last)?;
            last = (progress.elapsed, progress.balance.clone());
            show(&progress);
        }
        stop.store(true, Ordering::Relaxed);
        for flood in floods {
            senders::join(flood)?;
        }
        let elapsed = start.elapsed();
        self.finish(senders, &account, elapsed)
    }

    fn generator(&self, sources: &Sources, to: SocketAddr) -> Result<Generator> {
        Generator::load(&prerequisites::flood_object()?, &self.wire, sources, frame::udp(to, &PAYLOAD)?)
    }

    fn start_senders(&self, stop: &Arc<AtomicBool>) -> Senders {
        let outside = &self.wire.outside;
        let [web, sink] = [WEB, SINK].map(cast::sockets);
        let send =
            |source, to, rate| (source, senders::send_udp(outside, source, to, rate, Arc::clone(stop)));
        let paired = |host: cast::Host, to: [SocketAddr; 2]| host.both().into_iter().zip(to);
        Senders {
            clients: paired(CLIENT, web)
                .map(|(source, to)| Client::start(outside, source, to, REQUEST_EVERY, Arc::clone(stop)))
                .collect(),
            loud: paired(LOUD, sink).map(|(source, to)| send(source, to, self.cast.loud_rate())).collect(),
            blocklisted: paired(BLOCKLISTED, sink)
                .map(|(source, to)| send(source, to, BLOCKLISTED_RATE))
                .collect(),
            denied: self
                .cast
                .denied
                .hosts()
                .into_iter()
                .zip(web)
                .map(|(source, to)| {
                    (source, senders::knock_tcp(outside, source, to, KNOCK_TIMEOUT, Arc::clone(stop)))
                })
                .collect(),
        }
    }

    fn progress(
        &self,
        account: &Account,
        clients: &[Client],
        elapsed: Duration,
        step: (Duration, Balance),
    ) -> Result<Progress> {
        let counts = clients.iter().map(Client::progress);
        let (requests, failed) = counts.fold((0, 0), |(r, f), (requests, failed)| (r + requests, f + failed));
        Ok(Progress { elapsed, balance: account.balance(&self.wire, &self.daemon)?, step, requests, failed })
    }

    fn finish(self, senders: Senders, account: &Account, elapsed: Duration) -> Result<Outcome> {
        let clients: Vec<ClientReport> =
            senders.clients.into_iter().map(Client::finish).collect::<Result<_>>()?;
        let sent = |sending: Vec<(IpAddr, JoinHandle<Result<Sending>>)>| {
            let sent = sending.into_iter().map(|(source, thread)| Ok((source, senders::join(thread)?)));
            sent.collect::<Result<Vec<_>>>()
        };
        let (loud, blocklisted) = (sent(senders.loud)?, sent(senders.blocklisted)?);
        let denied = senders.denied.into_iter().map(|(source, thread)| Ok((source, senders::join(thread)?)));
        let denied: Vec<_> = denied.collect::<Result<_>>()?;
        // Only now: what was sent last may still be on its way.
        let balance = account.at_rest(&self.wire, &self.daemon)?;

        let deliveries = |sent: Vec<_>| {
            let arrived = |source| self.sinks.iter().map(|sink| sink.received_from(source)).sum();
            sent.into_iter()
                .map(|(source, sending)| Delivery { source, sending, arrived: arrived(source) })
                .collect()
        };
        let accepted = |source| self.servers.iter().map(|server| server.accepted_from(source)).sum::<u64>();
        let knocking = denied.into_iter().map(|(source, Knocks { tried, connected })| Knocking {
            source,
            tried,
            connected: connected.max(accepted(source)),
        });
        let (requests, failed) = clients.iter().fold((0, 0), |(r, f), c| (r + c.requests, f + c.failed));
        let mut outcome = Outcome {
            end: Progress { elapsed, balance, step: (Duration::ZERO, Balance::default()), requests, failed },
            clients,
            loud: deliveries(loud),
            blocklisted: deliveries(blocklisted),
            denied: knocking.collect(),
            checks: Vec::new(),
        };
        outcome.checks = verdict::checks(&outcome, &self.cast);
        Ok(outcome)
    }
}

struct Senders {
    clients: Vec<Client>,
    loud: Vec<(IpAddr, JoinHandle<Result<Sending>>)>,
    blocklisted: Vec<(IpAddr, JoinHandle<Result<Sending>>)>,
    denied: Vec<(IpAddr, JoinHandle<Result<Knocks>>)>,
}

fn bounds(duration: Duration) -> Bounds {
    Bounds {
        frames: FLOOD_RATE * duration.as_secs().saturating_add(1),
        time: duration,
        per_second: FLOOD_RATE,
    }
}

/// What an operator types.
fn instruct(daemon: &Daemon, cast: &Cast) -> Result<()> {
    let blocklist = daemon.directory().join("lab-blocklist.txt");
    fs::write(&blocklist, cast::blocklist())
        .with_context(|| format!("cannot write {}", blocklist.display()))?;
    daemon.cli(&["list", "add", "lab-blocklist", text(&blocklist)?])?;
    daemon.cli(&["geo", "database", text(&geo::database()?)?])?;
    daemon.cli(&["geo", "deny", &cast.denied.code.to_string()])?;
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
