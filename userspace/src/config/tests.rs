use super::*;

#[test]
fn the_embedded_default_parses() {
    let parsed = parse(EMBEDDED_DEFAULT, Path::new("default.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(Config::embedded_default(), parsed);
    assert!(parsed.limits.packets.is_some(), "it is not the fallback");
}
