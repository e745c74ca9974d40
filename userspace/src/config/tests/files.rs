use super::*;

#[test]
fn the_embedded_default_parses() {
    assert_eq!(Config::embedded_default(), checked(EMBEDDED_DEFAULT));
    assert!(Config::embedded_default().source_limits.packets.is_some(), "it is not the fallback");
}

#[test]
fn the_packaged_policies_parse() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging");
    let mut policies = vec![packaging.join("xdpgate.toml")];
    policies
        .extend(std::fs::read_dir(packaging.join("examples")).unwrap().map(|entry| entry.unwrap().path()));
    policies.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    assert!(policies.len() > 2, "{policies:?}");
    for policy in policies {
        load(&policy).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn relative_paths_begin_at_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    let text =
        "[daemon]\nsocket = \"s\"\n[[list]]\nname = \"a\"\npath = \"lists/a\"\n[geo]\ndatabase = \"/geo\"\n";
    std::fs::write(&policy, text).unwrap();
    let config = load(&policy).unwrap();
    assert_eq!(config.daemon.socket, folder.path().join("s"));
    assert_eq!(config.lists[0].from, ListFrom::File(folder.path().join("lists/a")));
    assert_eq!(config.geo.database.as_deref(), Some(Path::new("/geo")));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = load(Path::new("/nonexistent/policy.toml")).unwrap_err();
    assert!(error.problems().is_empty());
    assert_eq!(
        error.to_string(),
        "/nonexistent/policy.toml: cannot read the policy: No such file or directory (os error 2); check the path \
         and its permissions, or name another file"
    );
}

#[test]
fn a_file_that_is_no_text_names_the_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"[events]\nburst = \xff\n").unwrap();
    let error = load(file.path()).unwrap_err();
    assert_eq!(error.problems()[0].line, 2);
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn a_device_is_not_read_forever() {
    let error = load(Path::new("/dev/zero")).unwrap_err();
    assert!(error.to_string().contains("larger than 16 MiB"), "{error}");
}
