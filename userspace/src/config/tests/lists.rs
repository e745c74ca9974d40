use std::time::Duration;

use super::*;

fn list(keys: &str) -> ListConfig {
    checked(&format!("[[list]]\nname = \"a\"\n{keys}")).lists.remove(0)
}

#[test]
fn a_list_comes_from_one_place() {
    assert_eq!(list("path = \"/x\"").from, ListFrom::File("/x".into()));
    assert_eq!(list("folder = \"/x\"").from, ListFrom::Folder("/x".into()));
    let url = list(
        "url = \"https://lists.example/x?key=1\"\ntimeout = \"5 s\"\nmax_size = \"1 MiB\"\nca = \"/ca\"",
    );
    let source = url.from.url().unwrap();
    assert_eq!(source.url.as_str(), "https://lists.example/x?key=1");
    assert_eq!((source.timeout, source.max_size), (Duration::from_secs(5), 1 << 20));
    assert_eq!(url.from.to_string(), "https://lists.example/x?…");
    let both = "[[list]]\nname = \"a\"\npath = \"/x\"\nurl = \"http://x/\"";
    assert!(problems(both)[0].starts_with("4: list.url: stands beside `path`; "), "{:?}", problems(both));
    let none = problems("[[list]]\nname = \"a\"");
    assert!(none[0].contains("one of `path`, `folder`, `url`, `union` or `asn`"), "{none:?}");
}

#[test]
fn others_are_trusted_less_than_operators() {
    let (file, url) = (list("path = \"/x\""), list("url = \"http://x/\""));
    assert_eq!((file.guard.dangerous, file.guard.ratio, file.every), (Dangerous::Take, None, None));
    assert_eq!((url.guard.dangerous, url.guard.ratio), (Dangerous::Refuse, Some(5)));
    assert_eq!(url.every, Some(Duration::from_hours(1)));
    let own =
        list("url = \"http://x/\"\ndangerous = \"leave-out\"\nratio = 9\nwidest_ipv4 = 16\nevery = \"5 s\"");
    assert_eq!(
        (own.guard.dangerous, own.guard.ratio, own.guard.widest_ipv4),
        (Dangerous::LeaveOut, Some(9), 16)
    );
    assert_eq!(own.every, Some(Duration::from_secs(5)));
}

#[test]
fn keys_without_their_source_are_refused() {
    for (keys, key) in [
        ("path = \"x\"\ntimeout = \"5 s\"", "list.timeout: has no effect without `url`"),
        ("path = \"x\"\nca = \"y\"", "list.ca: has no effect without `url`"),
        ("union = []\nformat = \"csv\"", "list.format: has no effect without `path`, `folder` or `url`"),
        ("path = \"x\"\nformat = \"yaml\"", "list.format: `yaml` is not known"),
        ("url = \"https://u:s3cret@x/\"", "list.url: `https://…@x/` is not an address to ask"),
        ("url = \"http://x/\"\nmax_size = \"1 B\"", "list.max_size: 1 bytes are out of range"),
        ("path = \"x\"\nexcept = [\"192.0.2.1/24\"]", "list.except: "),
        ("path = \"x\"\nexcept = [\"b\"]", "list.except: `b` is not a list"),
        ("union = [\"b\"]", "list.union: `b` is not a list"),
    ] {
        let found = problems(&format!("[[list]]\nname = \"a\"\n{keys}"));
        assert!(found.len() == 1 && found[0].contains(key), "{keys}: {found:?}");
        assert!(!found[0].contains("s3cret"), "{found:?}");
    }
}

#[test]
fn what_is_taken_out_are_lists_and_prefixes() {
    let config = checked(
        "[[list]]\nname = \"a\"\npath = \"x\"\nexcept = [\"b\", \"192.0.2.0/24\", \"2001:db8::1\", \"192.0.2.1\"]\n\
         [[list]]\nname = \"b\"\npath = \"y\"\n",
    );
    let except: Vec<_> = config.lists[0].except.iter().map(ToString::to_string).collect();
    assert_eq!(except, ["b", "192.0.2.0/24", "2001:db8::1/128", "192.0.2.1/32"]);
    assert!(matches!(config.lists[0].except[0], Except::List(_)));
}

#[test]
fn circles_are_refused_with_their_names() {
    let policy = "[[list]]\nname = \"a\"\nunion = [\"b\", \"d\"]\n[[list]]\nname = \"b\"\nunion = [\"d\", \"c\"]\n\
        [[list]]\nname = \"c\"\npath = \"x\"\nexcept = [\"a\"]\n[[list]]\nname = \"d\"\npath = \"y\"\n";
    let found = problems(policy);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("3: list.union: the list depends on itself: a -> b -> c -> a; "),
        "{found:?}"
    );
    let own = problems("[[list]]\nname = \"a\"\nunion = [\"a\"]\n");
    assert!(own[0].contains("a -> a"), "{own:?}");
}
