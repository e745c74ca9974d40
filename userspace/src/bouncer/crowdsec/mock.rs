//! The API, asked from a server that answers as newer, older and broken ones do.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::config::{CrowdsecConfig, CrowdsecLogin, Mode};
use crate::http::tests::server::{Answer as HttpAnswer, Server};

fn config(folder: &Path, server: &Server) -> CrowdsecConfig {
    let key = folder.join("key");
    fs::write(&key, "0123456789abcdef\n").unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    CrowdsecConfig {
        url: server.url(""),
        login: CrowdsecLogin::Key(key),
        ca: None,
        every: Duration::from_secs(10),
        scopes: ["ip", "range"].map(str::to_owned).to_vec(),
        origins: vec!["CAPI".to_owned(), "lists".to_owned()],
        scenarios_containing: Vec::new(),
        scenarios_not_containing: vec!["http".to_owned()],
        mode: Mode::Enforce,
    }
}

/// A connection to a server that answers like this, and what it was asked.
fn lapi(answer: impl Fn() -> HttpAnswer + Send + Sync + 'static) -> (Lapi, Server, Arc<Mutex<Vec<String>>>) {
    let folder = TempDir::new().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let server = Server::start(move |request| {
        seen.lock().unwrap().push(request.to_owned());
        answer()
    });
    (Lapi::new(&config(folder.path(), &server)).unwrap(), server, asked)
}

#[test]
fn wishes_and_key_are_in_each_question() {
    let (lapi, _server, asked) = lapi(|| HttpAnswer::ok("{\"new\": null, \"deleted\": null}"));
    assert_eq!(lapi.ask(Ask::All).unwrap(), Answer::default());
    lapi.ask(Ask::Changes).unwrap();
    let asked = asked.lock().unwrap();
    let wishes = "scopes=ip%2Crange&origins=CAPI%2Clists&scenarios_not_containing=http&dedup=false";
    for (question, startup) in asked.iter().zip(["true", "false"]) {
        let line = format!("GET /v1/decisions/stream?{wishes}&startup={startup} HTTP/1.1\r\n");
        assert!(question.starts_with(&line), "{question}");
        let lower = question.to_lowercase();
        assert!(lower.contains("\r\nx-api-key: 0123456789abcdef\r\n"), "{question}");
        assert!(lower.contains("\r\nuser-agent: xdpgate/"), "{question}");
    }
}

#[test]
fn a_hundred_thousand_decisions_come_in_one_answer() {
    let mut body = "{\"deleted\":[],\"new\":[".to_owned();
    for n in 0..100_000 {
        let comma = if n == 0 { "" } else { "," };
        let address = std::net::Ipv4Addr::from_bits(0x0B00_0000 + n);
        write!(
            body,
            "{comma}{{\"duration\":\"23h59m59.5s\",\"id\":{n},\"origin\":\"CAPI\",\"scenario\":\"s\",\"scope\":\"Ip\",\
             \"type\":\"ban\",\"uuid\":\"x\",\"value\":\"{address}\"}}"
        )
        .unwrap();
    }
    body.push_str("]}");
    let (lapi, _server, _) = lapi(move || HttpAnswer::packed(body.as_bytes()));
    let changes = Book::default().replace(&lapi.ask(Ask::All).unwrap(), Timestamp::now());
    assert_eq!((changes.ban.len(), changes.lift.len()), (100_000, 0));
}

#[test]
fn what_is_no_answer_is_named() {
    let said = |answer: fn() -> HttpAnswer| lapi(answer).0.ask(Ask::All).unwrap_err().to_string();
    let forbidden = said(|| HttpAnswer::status("403 Forbidden", "{\"message\":\"access forbidden\"}"));
    assert!(
        forbidden.contains("refuses the key (403)") && forbidden.contains("cscli bouncers add"),
        "{forbidden}"
    );
    let broken =
        said(|| HttpAnswer::status("500 Internal Server Error", "").with("Content-Type", "text/plain"));
    assert!(broken.contains("500"), "{broken}");
    let page = said(|| HttpAnswer::ok("<html>Welcome</html>"));
    assert!(page.contains("another shape"), "{page}");
    let other = said(|| HttpAnswer::ok("{\"new\": \"all\"}"));
    assert!(other.contains("another shape"), "{other}");
}

#[test]
fn usage_is_told_where_the_server_takes_it() {
    let usage = serde_json::json!({ "remediation_components": [] });
    let (newer, _server, asked) = lapi(|| HttpAnswer::status("201 Created", ""));
    assert!(newer.tell(&usage).unwrap());
    assert!(asked.lock().unwrap()[0].starts_with("POST /v1/usage-metrics HTTP/1.1\r\n"), "{asked:?}");
    let (older, _server, _) = lapi(|| HttpAnswer::status("404 Not Found", ""));
    assert!(!older.tell(&usage).unwrap());
    let (broken, _server, _) = lapi(|| HttpAnswer::status("503 Service Unavailable", ""));
    assert!(broken.tell(&usage).is_err());
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(|_| HttpAnswer::ok("{}"));
    let config = config(folder.path(), &server);
    let CrowdsecLogin::Key(path) = &config.login else { unreachable!() };
    let refused = || Lapi::new(&config).unwrap_err().to_string();
    for text in ["", " \n", "two words"] {
        fs::write(path, text).unwrap();
        assert!(refused().contains("does not hold one key"), "{text:?}");
    }
    fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
    assert!(refused().contains("chmod 600"), "{}", refused());
    fs::remove_file(path).unwrap();
    assert!(refused().contains("cannot read the key"), "{}", refused());
}
