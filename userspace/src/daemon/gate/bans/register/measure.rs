//! How long bans take through a socket, with a model of the kernel's tables. To be run alone and optimised:
//! `cargo test --release -p xdpgate --lib -- --ignored --nocapture measure`

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use axum::{Json, Router};

use super::tests::Stage;
use crate::api::MAX_BODY_BYTES;
use crate::api::types::{BanAnswer, BanRequest};
use crate::daemon::clock::now;
use crate::daemon::gate::bans::request::{BanLines, Grouped};

const BANS: u32 = 1_000_000;
const SINGLE: u32 = 5_000;

/// As the routes of the daemon.
fn router(stage: Arc<Stage>) -> Router {
    let single = async |State(stage): State<Arc<Stage>>, Json(request): Json<BanRequest>| {
        let work = move || {
            let mut grouped = Grouped::of(&request, now()).unwrap();
            let new = std::mem::take(&mut grouped.new);
            stage.register.ban(&stage.model, &stage.store, new).unwrap();
            BanAnswer { bans: grouped.shown(&request, now()) }
        };
        Json(tokio::task::spawn_blocking(work).await.unwrap())
    };
    let lines = async |State(stage): State<Arc<Stage>>, text: Bytes| {
        let work = move || {
            let (reason, source) = ("feed".to_owned(), "measure".to_owned());
            let ttl_seconds = Some(3_600);
            let lines = BanLines { text: &text, ttl_seconds, reason, source, skip_bad: false, force: false };
            let (new, _) = lines.read(now()).unwrap();
            stage.register.ban(&stage.model, &stage.store, vec![new]).unwrap()
        };
        Json(tokio::task::spawn_blocking(work).await.unwrap())
    };
    Router::new()
        .route("/v1/bans", post(single))
        .route("/v1/bans/lines", post(lines))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(stage)
}

fn ask(stream: &mut UnixStream, path: &str, body: &[u8]) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        let count = stream.read(&mut piece).unwrap();
        answer.extend_from_slice(&piece[..count]);
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
        assert!(
            text.starts_with("http/1.1 200"),
            "{}",
            String::from_utf8_lossy(&answer[..answer.len().min(300)])
        );
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if answer.len() >= head + 4 + length.parse::<usize>().unwrap() {
            return;
        }
    }
}

fn address(n: u32) -> IpAddr {
    // Odd, so that each is another one.
    Ipv4Addr::from_bits(n.wrapping_mul(0x9e37_79b1)).into()
}

fn shown(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 1_000];
    format!("p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}", at(500), at(990), at(999), at(1_000))
}

#[test]
#[ignore = "a measurement"]
fn measure() {
    let stage = Arc::new(Stage::sized(1 << 21));
    let path = stage.directory.path().join("socket");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(async { tokio::net::UnixListener::bind(&path).unwrap() });
    runtime.spawn(axum::serve(listener, router(Arc::clone(&stage))).into_future());
    let mut stream = UnixStream::connect(&path).unwrap();

    for round in 0..3 {
        let mut text = String::new();
        for n in 0..BANS {
            writeln!(text, "{}", address(round * BANS / 4 + n)).unwrap();
        }
        let started = Instant::now();
        ask(&mut stream, "/v1/bans/lines", text.as_bytes());
        let took = started.elapsed();
        let enforced = stage.model.enforced().duration_since(started);
        let rate = f64::from(BANS) / took.as_secs_f64() / 1e6;
        println!(
            "{BANS} bans as lines: enforced after {enforced:?}, answered after {took:?}: {rate:.2} million/s"
        );
        let started = Instant::now();
        stage.store.keep_up().unwrap();
        println!("  brought to the disk in {:?}, which nobody waits for", started.elapsed());
    }
    for fresh in [false, true] {
        let (mut enforced, mut answered) = (Vec::new(), Vec::new());
        for n in 0..SINGLE {
            let prefix = address(2 * BANS + n + if fresh { SINGLE } else { 0 });
            let body = format!(
                r#"{{"bans":[{{"prefix":"{prefix}","ttl_seconds":3600,"reason":"guessing"}}],"source":"x"}}"#
            );
            let started = Instant::now();
            if fresh {
                stream = UnixStream::connect(&path).unwrap();
            }
            ask(&mut stream, "/v1/bans", body.as_bytes());
            answered.push(started.elapsed());
            enforced.push(stage.model.enforced().duration_since(started));
            if n % 500 == 0 {
                stage.store.keep_up().unwrap();
            }
        }
        let how = if fresh { "each on a new connection" } else { "on one connection" };
        println!("one ban among {BANS}, {how}: enforced {}", shown(enforced));
        println!("  answered {}", shown(answered));
    }
    let mut json = String::from(r#"{"bans":["#);
    for n in 0..BANS {
        let comma = if n == 0 { "" } else { "," };
        write!(json, r#"{comma}{{"prefix":"{}","ttl_seconds":3600}}"#, address(n)).unwrap();
    }
    json.push_str("]}");
    let started = Instant::now();
    ask(&mut stream, "/v1/bans", json.as_bytes());
    println!(
        "{BANS} bans as JSON: enforced after {:?}, answered after {:?}",
        stage.model.enforced().duration_since(started),
        started.elapsed()
    );
}
