pub(crate) mod server;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use self::server::{Answer, Authority, Server};
use super::*;

const SOON: Duration = Duration::from_secs(10);
const MOST: u64 = 1 << 20;

fn client(ca: Option<&Path>) -> Client {
    within(SOON, ca)
}

fn within(timeout: Duration, ca: Option<&Path>) -> Client {
    let ca = ca.map(Path::to_owned);
    Client::new(&ClientOptions { ca, identity: None, timeout }).unwrap()
}

fn get(server: &Server, path: &str) -> Result<Vec<u8>, HttpError> {
    client(None).get(&server.url(path), &Headers::default())?.bytes(MOST)
}

#[test]
fn an_answer_comes_with_its_headers() {
    let server = Server::start(|request| {
        assert!(request.contains("\r\nuser-agent: xdpgate/"), "{request}");
        assert!(request.contains("\r\nkey: s3cret\r\n"), "{request}");
        Answer::ok("192.0.2.1\n").with("ETag", "\"7\"")
    });
    let headers = Headers::default().with("Key", "s3cret").unwrap();
    let answer = client(None).get(&server.url("/list"), &headers).unwrap();
    assert_eq!((answer.status(), answer.header("etag"), answer.length()), (200, Some("\"7\""), Some(10)));
    assert_eq!(answer.bytes(MOST).unwrap(), b"192.0.2.1\n");
}

#[test]
fn json_is_sent_and_read() {
    let server = Server::start(|request| {
        assert!(request.starts_with("POST /v1/x HTTP/1.1\r\n"), "{request}");
        assert!(request.to_ascii_lowercase().contains("content-type: application/json"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
        Answer::ok("[1, 2]")
    });
    let url = server.url("/v1/x");
    let answer = client(None).post_json(&url, &Headers::default(), &serde_json::json!({ "a": 1 })).unwrap();
    assert_eq!(answer.json::<Vec<u8>>(MOST).unwrap(), [1, 2]);
    let answer = client(None).post_json(&url, &Headers::default(), &serde_json::json!({ "a": 1 })).unwrap();
    assert!(matches!(answer.json::<String>(MOST), Err(HttpError::OtherShape { .. })));
}

#[test]
fn what_was_packed_for_the_way_is_unpacked_and_measured_unpacked() {
    let server = Server::start(|request| {
        assert!(request.contains("accept-encoding: gzip"), "{request}");
        Answer::packed(&[b'1'; 5000])
    });
    assert_eq!(get(&server, "/").unwrap(), [b'1'; 5000]);
    let answer = client(None).get(&server.url("/"), &Headers::default()).unwrap();
    assert!(matches!(answer.bytes(4999), Err(HttpError::TooLarge { most: 4999 })));
}

#[test]
fn damaged_gzip_is_told() {
    let server = Server::start(|_| {
        let mut answer = Answer::packed(b"192.0.2.1\n");
        let middle = answer.body.len() / 2;
        answer.body[middle] ^= 0xff;
        answer
    });
    assert!(matches!(get(&server, "/"), Err(HttpError::Damaged { .. })));
    let server = Server::start(|_| {
        let mut answer = Answer::packed(b"192.0.2.1\n");
        answer.body.truncate(20);
        answer
    });
    assert!(matches!(get(&server, "/"), Err(HttpError::Damaged { .. })));
}

#[test]
fn a_body_that_ends_early_is_told() {
    let server = Server::start(|_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n192.0.2.1\n"));
    let error = get(&server, "/").unwrap_err();
    assert!(matches!(error, HttpError::CutShort { .. }), "{error:?}");
    let server = Server::start(|_| {
        Answer::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n192.0.2.1\n\r\n")
    });
    let error = get(&server, "/").unwrap_err();
    assert!(matches!(error, HttpError::CutShort { .. }), "{error:?}");
}

#[test]
fn a_server_that_stalls_is_left() {
    for head in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n192"] {
        let server = Server::start(move |_| Answer::raw(head).then_silence(SOON));
        let started = Instant::now();
        let client = within(Duration::from_millis(300), None);
        let answer = client.get(&server.url("/"), &Headers::default());
        let error = answer.and_then(|answer| answer.bytes(MOST)).unwrap_err();
        assert!(matches!(error, HttpError::Timeout { .. }), "{head:?}: {error:?}");
        assert!(error.to_string().ends_with("within 0.3 s"), "{error}");
        assert!(started.elapsed() < SOON / 2, "{:?}", started.elapsed());
    }
}

/// A byte now and then keeps the connection alive, but not for longer than all of it may take.
#[test]
fn a_server_that_trickles_is_left() {
    let server = Server::start(|_| {
        Answer::raw("HTTP/1.1 200 OK\r\n\r\n").then_trickle(Duration::from_millis(50), SOON)
    });
    let client = within(Duration::from_millis(400), None);
    let error = client.get(&server.url("/"), &Headers::default()).unwrap().bytes(MOST).unwrap_err();
    assert!(matches!(error, HttpError::Timeout { .. }), "{error:?}");
}

#[test]
fn what_is_too_large_is_not_read_to_its_end() {
    let server = Server::start(|_| Answer::raw("HTTP/1.1 200 OK\r\n\r\n").then_flood());
    let mut taken = 0;
    let answer = client(None).get(&server.url("/"), &Headers::default()).unwrap();
    let read = answer.read_to(MOST, |block| {
        taken += block.len() as u64;
        Ok(())
    });
    assert!(matches!(read, Err(HttpError::TooLarge { .. })), "{read:?}");
    assert!(taken <= MOST, "{taken}");
}

#[test]
fn redirects_are_followed_and_keys_stay_at_home() {
    let other = Server::start(|request| {
        assert!(!request.contains("s3cret"), "{request}");
        Answer::ok("there")
    });
    let to = other.url("/elsewhere").to_string();
    let server = Server::start(move |request| {
        assert!(request.contains("s3cret"), "{request}");
        match request.split(' ').nth(1) {
            Some("/a") => Answer::redirect("b?x=1"),
            Some("/b?x=1") => Answer::redirect(&to),
            at => panic!("{at:?}"),
        }
    });
    let headers = Headers::default().with("Key", "s3cret").unwrap();
    let answer = client(None).get(&server.url("/a"), &headers).unwrap();
    assert_eq!(answer.url(), &other.url("/elsewhere"));
    assert_eq!(answer.bytes(MOST).unwrap(), b"there");
}

#[test]
fn a_redirect_loop_ends() {
    let server = Server::start(|_| Answer::redirect("/again?key=s3cret"));
    let error = get(&server, "/").unwrap_err();
    assert!(matches!(error, HttpError::TooManyRedirects { .. }), "{error:?}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    assert_eq!(server.requests(), 6);
    for to in ["ftp://127.0.0.1/", "http://user:word@127.0.0.1/", "http://[", ""] {
        let server = Server::start(move |_| Answer::redirect(to));
        let error = get(&server, "/").unwrap_err();
        let loops = to.is_empty() && matches!(error, HttpError::TooManyRedirects { .. });
        assert!(loops || matches!(error, HttpError::NowhereToGo { .. }), "{to}: {error:?}");
    }
}

#[test]
fn encryption_is_not_given_up_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::named("ours");
    let plain = Server::start(|_| Answer::ok("plain"));
    let to = plain.url("/").to_string();
    let server = Server::start_tls(authority.serve(&["localhost"]), move |_| Answer::redirect(&to));
    let client = client(Some(&authority.file(folder.path())));
    let error = client.get(&server.url("/"), &Headers::default()).unwrap_err();
    assert!(matches!(error, HttpError::NotEncrypted { .. }), "{error:?}");
    assert_eq!(plain.requests(), 0);
}

#[test]
fn statuses_are_told_with_what_was_said() {
    let server = Server::start(|request| match request.split(' ').nth(1) {
        Some("/limited") => Answer::status("429 Too Many Requests", "").with("Retry-After", "120"),
        Some("/json") => Answer::status("403 Forbidden", "{\"message\":\n\"bad key\"}")
            .with("Content-Type", "application/json"),
        Some("/page") => Answer::status("500 Oops", "<html>").with("Content-Type", "text/html"),
        _ => Answer::status("404 Not Found", ""),
    });
    let told = |path: &str| get(&server, path).unwrap_err();
    let error = told("/limited?key=s3cret");
    assert_eq!(error.retry_after(), None, "another path: {error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    assert_eq!(told("/limited").retry_after(), Some(Duration::from_mins(2)));
    let text = told("/json").to_string();
    assert!(text.ends_with("/json answered 403 (Forbidden): {\"message\": \"bad key\"}"), "{text}");
    assert!(told("/page").to_string().ends_with("answered 500 (Internal Server Error)"));
    assert!(matches!(told("/x"), HttpError::Status { status: 404, .. }));
}

#[test]
fn nothing_new_is_an_answer() {
    let server = Server::start(|request| {
        assert!(request.contains("if-none-match: \"7\""), "{request}");
        Answer::raw("HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\n\r\n")
    });
    let headers = Headers::default().with("If-None-Match", "\"7\"").unwrap();
    let answer = client(None).get(&server.url("/"), &headers).unwrap();
    assert!(answer.is_unchanged());
}

#[test]
fn nobody_there_is_told_apart_from_no_name() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = client(None).get(&parse_url(&format!("http://{free}/")).unwrap(), &Headers::default());
    assert!(matches!(refused, Err(HttpError::Connect { .. })), "{refused:?}");
    let nameless = client(None).get(&parse_url("http://nobody.invalid/").unwrap(), &Headers::default());
    assert!(matches!(nameless, Err(HttpError::Name { .. })), "{nameless:?}");
    let server = Server::start(|_| Answer::raw("SSH-2.0-OpenSSH\r\n"));
    let other = get(&server, "/").unwrap_err();
    assert!(matches!(other, HttpError::Protocol { .. }), "{other:?}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let encrypted = parse_url(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    let greeting =
        thread::spawn(move || listener.accept().unwrap().0.write_all(b"220 mail.example ESMTP\r\n"));
    let other = client(None).get(&encrypted, &Headers::default()).unwrap_err();
    assert!(matches!(other, HttpError::Tls { .. } | HttpError::CutShort { .. }), "{other:?}");
    greeting.join().unwrap().unwrap();
}

#[test]
fn only_good_certificates_are_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, stranger) = (Authority::named("ours"), Authority::named("another"));
    let ca = authority.file(folder.path());
    let asked = |server: &Server| client(Some(&ca)).get(&server.url("/"), &Headers::default());
    let told = |server: &Server| asked(server).unwrap_err().to_string();

    let good = Server::start_tls(authority.serve(&["localhost"]), |_| Answer::ok("good"));
    assert_eq!(asked(&good).unwrap().bytes(MOST).unwrap(), b"good");
    let of_the_host = client(None).get(&good.url("/"), &Headers::default()).unwrap_err().to_string();
    assert!(of_the_host.contains("not trusted here"), "{of_the_host}");

    let unknown = Server::start_tls(stranger.serve(&["localhost"]), |_| Answer::ok(""));
    assert!(told(&unknown).contains("not trusted here"), "{}", told(&unknown));
    let other = Server::start_tls(authority.serve(&["lists.example"]), |_| Answer::ok(""));
    assert!(told(&other).contains("another name"), "{}", told(&other));
    assert!(told(&other).contains("lists.example"), "{}", told(&other));
    let old = Server::start_tls(authority.serve_until(&["localhost"], 2001), |_| Answer::ok(""));
    assert!(told(&old).contains("has expired (2001-"), "{}", told(&old));
}

#[test]
fn a_client_shows_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::named("ours");
    let ca = authority.file(folder.path());
    let server = Server::start_tls(authority.serve_clients(&["localhost"]), |_| Answer::ok("known"));
    let nameless = client(Some(&ca)).get(&server.url("/"), &Headers::default());
    let nameless = nameless.and_then(|answer| answer.bytes(MOST)).unwrap_err();
    assert!(nameless.to_string().contains("wants a certificate"), "{nameless}");

    let identity = authority.identity(folder.path(), "client");
    let with = |identity: Identity| {
        Client::new(&ClientOptions { ca: Some(ca.clone()), identity: Some(identity), timeout: SOON })
    };
    let answer = with(identity.clone()).unwrap().get(&server.url("/"), &Headers::default()).unwrap();
    assert_eq!(answer.bytes(MOST).unwrap(), b"known");

    let other = authority.identity(folder.path(), "other");
    let mixed = with(Identity { key: other.key, ..identity.clone() }).unwrap_err();
    assert!(mixed.to_string().contains("is not the key of the certificate"), "{mixed}");
    let no_key = with(Identity { key: identity.certificate.clone(), ..identity }).unwrap_err();
    assert!(no_key.to_string().contains("no private key"), "{no_key}");
}

#[test]
fn files_of_certificates_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let told = |ca: &Path| {
        let options = ClientOptions { ca: Some(ca.to_owned()), identity: None, timeout: SOON };
        Client::new(&options).unwrap_err().to_string()
    };
    let path = folder.path().join("ca.pem");
    assert!(told(&path).contains("ca.pem"), "{}", told(&path));
    fs::write(&path, "nothing").unwrap();
    assert!(told(&path).contains("no certificate"), "{}", told(&path));
}

#[test]
fn addresses_are_checked_and_shown_without_keys() {
    let key = "https://lists.example/drop.txt?key=s3cret#part";
    assert_eq!(shown(&parse_url(key).unwrap()), "https://lists.example/drop.txt?…");
    assert_eq!(shown(&parse_url("http://192.0.2.1:80/a").unwrap()), "http://192.0.2.1/a");
    for text in
        ["", "lists.example/drop.txt", "ftp://a/b", "file:///etc/passwd", "https://", "https://u:s3cret@a/"]
    {
        let error = parse_url(text).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
        assert!(error.contains("write it like"), "{error}");
    }
}
