use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::look::Validators;
use super::*;
use crate::config;
use crate::daemon::inputs::ListSource;
use crate::daemon::{Inputs, clock};
use crate::http::tests::server::{Answer, Server, gzip};
use crate::store::{FeedRecord, Kept, NewEntry, Snapshot, Store};

struct Lab {
    store: Store,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Store::open(&folder.path().join("state")).unwrap(), folder }
    }

    fn inputs(&self, list: &str) -> Inputs {
        let policy = format!("[[list]]\nname = \"feed\"\n{list}\n");
        let config = config::parse(&policy, &self.folder.path().join("policy.toml"));
        Inputs::load(config.unwrap_or_else(|error| panic!("{error}")), Some(&self.store)).unwrap()
    }

    fn source(&self, list: &str) -> ListSource {
        self.inputs(list).list_sources[0].clone()
    }

    fn fetched(&self, server: &Server, keys: &str) -> ListSource {
        self.source(&format!("url = \"{}\"\n{keys}", server.url("/list?key=s3cret")))
    }

    fn look(&self, source: &ListSource) -> Result<Looked, FeedError> {
        look(Look { source: source.clone(), progress: Arc::default() }, &self.store).seen
    }

    /// As the gate does it.
    fn take(&self, source: &mut ListSource) {
        let Looked::New { content, download } = self.look(source).unwrap() else { panic!("nothing new") };
        let Download { text, validators: Validators { etag, last_modified } } = download.unwrap();
        let file = self.store.keep_download(&source.name, text).unwrap();
        let record = FeedRecord {
            name: source.name.clone(),
            url: source.from.url().unwrap().url.to_string(),
            file,
            etag,
            last_modified,
            fetched: clock::now(),
            checked: clock::now(),
        };
        source.content = Arc::new(content);
        source.copy = Some(Arc::new(record.clone()));
        let entry = NewEntry {
            time: clock::now(),
            generation: 1,
            who: "{}".to_owned(),
            command: String::new(),
            summary: String::new(),
            same_as: None,
        };
        let snapshot = Snapshot::default();
        let kept =
            Kept { snapshot: &snapshot, entry: &entry, seen: None, unconfirmed: false, feeds: &[record] };
        self.store.keep(&kept).unwrap();
    }

    fn refused(
        &self,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
        keys: &str,
    ) -> (String, FeedError) {
        let server = Server::start(answer);
        let error = self.look(&self.fetched(&server, keys)).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
        (error.kind().to_owned(), error)
    }

    fn downloads(&self) -> usize {
        fs::read_dir(self.folder.path().join("state/downloads")).unwrap().count()
    }
}

fn same(seen: Result<Looked, FeedError>) -> Option<Validators> {
    match seen.unwrap() {
        Looked::Same(validators) => validators,
        Looked::New { .. } => panic!("something new"),
    }
}

#[test]
fn what_a_server_has_is_read_and_later_only_asked_for_news() {
    let lab = Lab::new();
    let asked = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&asked);
    let server = Server::start(move |request| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => {
            assert!(!request.contains("if-none-match"), "{request}");
            let answer = Answer::ok("# v1\n192.0.2.1\n198.51.100.0/24\n").with("ETag", "\"1\"");
            answer.with("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
        }
        1 => {
            assert!(request.contains("if-none-match: \"1\""), "{request}");
            assert!(request.contains("if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT"), "{request}");
            Answer::raw("HTTP/1.1 304 Not Modified\r\n\r\n")
        }
        2 => Answer::ok("# v1\n192.0.2.1\n198.51.100.0/24\n").with("ETag", "\"2\""),
        _ => Answer::ok("192.0.2.1\n").with("ETag", "\"3\""),
    });
    let mut source = lab.fetched(&server, "");
    assert!(source.is_awaited());
    assert_eq!(source.content.entries, 0, "nothing is fetched before anything is enforced");
    lab.take(&mut source);
    assert_eq!((source.content.entries, source.content.bytes), (2, 31));

    let known = same(lab.look(&source)).unwrap();
    assert_eq!(known.etag.as_deref(), Some("\"1\""));
    let renamed = same(lab.look(&source)).unwrap();
    assert_eq!((renamed.etag.as_deref(), renamed.last_modified), (Some("\"2\""), None));
    let Looked::New { content, download } = lab.look(&source).unwrap() else { panic!("nothing new") };
    assert_eq!(content.entries, 1);
    drop(download);
    assert_eq!(lab.downloads(), 0, "what nobody took is gone");
}

#[test]
fn the_last_good_copy_is_there_at_a_start_without_the_server() {
    let lab = Lab::new();
    let keys = {
        let server = Server::start(|_| Answer::ok("192.0.2.1\n").with("ETag", "\"1\""));
        let mut source = lab.fetched(&server, "");
        lab.take(&mut source);
        format!("url = \"{}\"", server.url("/list?key=s3cret"))
    };
    let source = lab.source(&keys);
    assert_eq!((source.content.entries, source.is_awaited()), (1, false));
    assert_eq!(source.lines_covering("192.0.2.1".parse().unwrap())[0].line, 1);
    assert_eq!(lab.look(&source).unwrap_err().kind(), "connect");
    let elsewhere = lab.source("url = \"http://127.0.0.1:1/other\"");
    assert!(elsewhere.is_awaited(), "a copy is that of its address");

    let copy = lab.store.list_path(&source.copy.unwrap().file);
    fs::write(copy, "<html>").unwrap();
    assert!(lab.source(&keys).is_awaited(), "a damaged copy is none");
}

#[test]
fn packed_files_are_unpacked_within_bounds() {
    let lab = Lab::new();
    let server = Server::start(|request| {
        let file = gzip(b"192.0.2.1\n");
        if request.contains("/both") { Answer::packed(&file) } else { Answer::ok(&file) }
    });
    for path in ["/once", "/both"] {
        let source = lab.source(&format!("url = \"{}\"", server.url(path)));
        let Looked::New { content, .. } = lab.look(&source).unwrap() else { panic!() };
        assert_eq!((content.entries, content.bytes), (1, 10));
    }
    let bomb = gzip(&vec![b'\n'; 1 << 20]);
    assert!(bomb.len() < 16 << 10, "{}", bomb.len());
    assert_eq!(lab.refused(move |_| Answer::ok(&bomb), "max_size = \"64 KiB\"").0, "too-large");
    let mut broken = gzip(b"192.0.2.1\n");
    broken.truncate(20);
    assert_eq!(lab.refused(move |_| Answer::ok(&broken), "").0, "broken");
    assert_eq!(lab.downloads(), 0);
}

#[test]
fn what_is_no_list_is_refused() {
    let lab = Lab::new();
    let page = "<!DOCTYPE html>\n<html><body>Service unavailable</body></html>\n";
    for (text, kind) in [
        (page.as_bytes(), "no-list"),
        (b"", "blank"),
        (b" \r\n\n\t", "blank"),
        (b"\x00\x01\x02\xff\xfe junk \x1b[2J", "no-list"),
        (b"192.0.2.1\n192.0.2.300\n", "no-list"),
        (b"192.0.2.1\n0.0.0.0/0\n", "no-list"),
        (b"192.0.2.1\n::/0\n", "no-list"),
        ("\u{661}\u{669}\u{662}.0.2.1\n".as_bytes(), "no-list"),
    ] {
        let (found, error) = lab.refused(move |_| Answer::ok(text), "");
        assert_eq!(found, kind, "{error}");
        assert!(error.is_refusal(), "{error}");
    }
    let (_, error) = lab.refused(|_| Answer::ok("192.0.2.1\n192.0.2.300\n"), "");
    assert!(error.to_string().contains("line 2: \"192.0.2.300\""), "{error}");
}

#[test]
fn what_no_list_should_hold_refuses_it_or_is_left_out() {
    let lab = Lab::new();
    for entry in ["10.1.2.3", "127.0.0.1", "224.0.0.1", "169.254.1.1", "fe80::1", "2.0.0.0/7", "2000::/3"] {
        let (kind, error) = lab.refused(move |_| Answer::ok(format!("192.0.2.1\n{entry}\n")), "");
        assert_eq!(kind, "dangerous", "{error}");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
    let server = Server::start(|_| Answer::ok("192.0.2.1\n10.0.0.0/8\n"));
    let found = |keys: &str| {
        let Looked::New { content, .. } = lab.look(&lab.fetched(&server, keys)).unwrap() else { panic!() };
        (content.entries, content.left_out.total)
    };
    assert_eq!(found("dangerous = \"leave-out\""), (1, 1));
    assert_eq!(found("dangerous = \"take\""), (2, 0));
}

#[test]
fn a_list_that_grows_or_shrinks_too_much_is_refused() {
    let lab = Lab::new();
    let asked = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&asked);
    let lines = |count: u32| -> String {
        let lines: Vec<_> = (0..count).map(|n| format!("198.51.{}.{}\n", n / 256, n % 256)).collect();
        lines.concat()
    };
    let server = Server::start(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::ok(lines(1000)),
        1 => Answer::ok(lines(5001)),
        2 => Answer::ok(lines(199)),
        3 => Answer::ok("# moved\n"),
        _ => Answer::ok(lines(5000)),
    });
    let mut source = lab.fetched(&server, "");
    lab.take(&mut source);
    for _ in 0..3 {
        assert_eq!(lab.look(&source).unwrap_err().kind(), "size");
    }
    assert!(matches!(lab.look(&source), Ok(Looked::New { .. })));
}

#[test]
fn servers_that_do_not_give_are_told_apart() {
    let lab = Lab::new();
    let (kind, error) = lab.refused(|_| Answer::status("429 Slow Down", "").with("Retry-After", "90"), "");
    assert_eq!((kind.as_str(), error.retry_after()), ("status", Some(Duration::from_secs(90))));
    assert!(!error.is_refusal());
    assert_eq!(lab.refused(|_| Answer::status("404 Not Found", ""), "").0, "status");
    assert_eq!(lab.refused(|_| Answer::redirect("/list"), "").0, "redirect");
    assert_eq!(
        lab.refused(|_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n192"), "").0,
        "broken"
    );
    let stall = |_: &str| Answer::raw("HTTP/1.1 200 OK\r\n\r\n192").then_silence(Duration::from_secs(5));
    assert_eq!(lab.refused(stall, "timeout = \"1 s\"").0, "timeout");
    assert_eq!(
        lab.refused(|_| Answer::raw("HTTP/1.1 200 OK\r\n\r\n").then_flood(), "max_size = \"64 KiB\"").0,
        "too-large"
    );
    assert_eq!(lab.downloads(), 0);
}

#[test]
fn keys_go_along_and_only_from_files_of_root() {
    let lab = Lab::new();
    let server = Server::start(|request| {
        assert!(request.contains("\r\nkey: s3cret\r\n"), "{request}");
        Answer::ok("192.0.2.1\n")
    });
    let path = lab.folder.path().join("keys");
    fs::write(&path, "Key: s3cret\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let source = lab.fetched(&server, "header_file = \"keys\"");
    assert!(matches!(lab.look(&source), Ok(Looked::New { .. })));
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(lab.look(&source).unwrap_err().kind(), "header-file");
    assert_eq!(server.requests(), 1);
}

#[test]
fn watched_files_and_folders_are_read_when_they_change() {
    let lab = Lab::new();
    let folder = lab.folder.path().join("lists");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("b"), "192.0.2.2\n").unwrap();
    fs::write(folder.join("a.gz"), gzip(b"192.0.2.1\n192.0.2.9\n")).unwrap();
    fs::write(folder.join(".hidden"), "nonsense").unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    let source = lab.source("folder = \"lists\"\nevery = \"1 min\"");
    assert_eq!((source.content.entries, source.files().len()), (3, 2));
    let line = &source.lines_covering("192.0.2.9".parse().unwrap())[0];
    assert_eq!((line.file.clone(), line.line), (folder.join("a.gz"), 2));

    fs::remove_file(folder.join("b")).unwrap();
    let Ok(Looked::New { content, download: None }) = lab.look(&source) else { panic!("nothing new") };
    assert_eq!(content.entries, 2);
    fs::write(folder.join("c"), "nonsense\n").unwrap();
    let error = lab.look(&source).unwrap_err();
    assert_eq!(error.kind(), "no-list");
    assert!(error.to_string().contains("lists/c: "), "{error}");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(lab.look(&source).unwrap_err().kind(), "unreadable");
}

#[test]
fn a_wish_is_over_after_the_look_that_follows_it() {
    let lab = Lab::new();
    let inputs = lab.inputs("url = \"http://127.0.0.1:1/\"\n[[list]]\nname = \"all\"\nunion = [\"feed\"]");
    let board = FeedBoard::default();
    let name: crate::config::Name = "feed".parse().unwrap();
    let due = board.due(&inputs);
    assert_eq!(due.len(), 1, "the union has no source of its own");
    assert!(board.due(&inputs).is_empty(), "it is being looked at");
    let wish = board.hurry(&inputs, &[name.clone(), "all".parse().unwrap()]);
    assert_eq!((wish.len(), wish[0].attempts), (1, 2), "what comes now may be older than the wish");

    let source = &due[0].source;
    let error = || lab.look(source).unwrap_err();
    board.failed(source, Duration::ZERO, &error());
    let state = board.states(&inputs).remove(&name).unwrap();
    assert_eq!((state.failures, state.updates.attempts, state.next), (1, 1, Some(Duration::ZERO)));
    assert!(state.trouble.is_some_and(|trouble| !trouble.refused && trouble.kind == "connect"));
    assert_eq!(board.due(&inputs).len(), 1);
    board.succeeded(source, Duration::ZERO, true);
    let state = board.states(&inputs).remove(&name).unwrap();
    assert_eq!((state.updates.attempts, state.updates.changed, state.failures), (2, 1, 0));
    assert!(state.trouble.is_none() && state.next.is_some_and(|next| next > Duration::from_mins(50)));

    let moved = lab.inputs("url = \"http://127.0.0.1:1/moved\"");
    board.succeeded(source, Duration::ZERO, true);
    assert_eq!(board.due(&moved).len(), 1, "another address is another list");
}
