use std::fs;

use super::*;
use crate::daemon::file_stamp::FileStamp;

fn reload(before: &Inputs, config: Config) -> Result<Inputs, Failure> {
    let state = OperatorState::default();
    Inputs::read(Some(before), PolicyText::default(), config, &state, None)
}

/// A policy with one list and a geo database, in a folder of its own.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write_list("192.0.2.1\nnonsense\n");
        files.write_geo("192.0.2.0,192.0.2.255,DE\n");
        files
    }

    fn list(&self) -> PathBuf {
        self.0.path().join("scanners.txt")
    }

    fn geo(&self) -> PathBuf {
        self.0.path().join("countries.csv")
    }

    fn write_list(&self, text: &str) {
        fs::write(self.list(), text).unwrap();
    }

    fn write_geo(&self, text: &str) {
        fs::write(self.geo(), text).unwrap();
    }

    fn config(&self, list: &str) -> Config {
        let policy = format!(
            "[geo]\ndatabase = \"countries.csv\"\n[[list]]\nname = \"scanners\"\npath = \"scanners.txt\"\n{list}"
        );
        crate::config::parse(&policy, &self.0.path().join("policy.toml")).unwrap()
    }

    /// What a daemon has that read these files a while ago.
    fn inputs(&self) -> Inputs {
        let mut inputs = Inputs::load(self.config("skip_bad = true"), None).unwrap();
        let content = &mut Arc::make_mut(&mut inputs.list_sources)[0].content;
        let files = &mut Arc::get_mut(content).unwrap().files;
        assert_eq!(files[0].stamp, None, "they are new");
        files[0].stamp = FileStamp::of(&self.list());
        let geo = LoadedGeo::open(&self.geo(), Origin::Policy).unwrap();
        inputs.geo = Some(Arc::new(LoadedGeo { stamp: FileStamp::of(&self.geo()).into(), ..geo }));
        inputs
    }
}

fn shares_list(before: &Inputs, after: &Inputs) -> bool {
    Arc::ptr_eq(&before.lists[0].ranges, &after.lists[0].ranges)
}

#[test]
fn what_has_not_changed_is_taken_over() {
    let files = Files::new();
    let before = files.inputs();
    let after = reload(&before, files.config("skip_bad = true\nmode = \"monitor\"")).unwrap();
    assert!(shares_list(&before, &after));
    assert!(Arc::ptr_eq(before.geo.as_ref().unwrap(), after.geo.as_ref().unwrap()));
    assert_eq!((after.lists[0].entries, after.list_sources[0].content.skipped.total), (1, 1));
    assert_eq!(after.list_sources[0].content.loaded, before.list_sources[0].content.loaded);
    assert_eq!((after.lists[0].mode, after.list_sources[0].mode), (Mode::Monitor, Mode::Monitor));
    assert_eq!(before.lists[0].mode, Mode::Enforce);
    let again = reload(&after, files.config("skip_bad = true")).unwrap();
    assert!(shares_list(&before, &again), "the stamp goes along");
}

#[test]
fn what_has_changed_is_read_again() {
    let files = Files::new();
    let before = files.inputs();
    files.write_list("192.0.2.1\n192.0.2.9\n");
    files.write_geo("192.0.2.0,192.0.2.255,FR\n");
    let after = reload(&before, files.config("skip_bad = true")).unwrap();
    assert_eq!((after.lists[0].entries, after.list_sources[0].content.skipped.total), (2, 0));
    let country = after.geo.unwrap().database.lookup("192.0.2.1".parse().unwrap());
    assert_eq!(country, "FR".parse().ok());
}

#[test]
fn a_list_that_is_read_in_another_way_is_read_again() {
    let files = Files::new();
    let before = files.inputs();
    let error = reload(&before, files.config("")).unwrap_err();
    assert!(error.message.contains("scanners.txt: 1 bad line:\n  line 2: \"nonsense\""), "{error}");
}

#[test]
fn a_list_that_went_is_named() {
    let files = Files::new();
    let before = files.inputs();
    fs::remove_file(files.list()).unwrap();
    let error = reload(&before, files.config("skip_bad = true")).unwrap_err();
    let path = files.list();
    let wanted =
        format!("list scanners: {}: can't be read: No such file or directory (os error 2)", path.display());
    assert_eq!(error.message, wanted);
}

#[test]
fn a_database_that_shrinks_is_refused_and_the_same_one_is_known_again() {
    let files = Files::new();
    files.write_geo("192.0.2.0,192.0.2.9,DE\n192.0.2.10,192.0.2.19,FR\n192.0.2.20,192.0.2.29,US\n192.0.2.30,192.0.2.39,GB\n");
    let before = files.inputs();
    files.write_geo("192.0.2.0,192.0.2.255,FR\n");
    let error = reload(&before, files.config("skip_bad = true")).unwrap_err();
    let path = files.geo();
    let wanted = format!(
        "{}: 1 ranges are less than half of the 4 of the database in use, which stays; to take it: xdpgate geo update --force",
        path.display()
    );
    assert_eq!(error.message, wanted);
    files.write_geo("192.0.2.0,192.0.2.9,DE\n192.0.2.10,192.0.2.19,FR\n");
    assert!(reload(&before, files.config("skip_bad = true")).is_ok(), "half of them is enough");

    let (known, again) =
        (before.geo.as_ref().unwrap(), LoadedGeo::open(&files.geo(), Origin::Policy).unwrap());
    assert!(known.has_changed());
    known.take_stamp(&LoadedGeo { stamp: FileStamp::of(&files.geo()).into(), ..again });
    assert!(!known.has_changed());
}

#[test]
fn a_list_of_systems_is_what_the_database_tells() {
    let files = Files::new();
    let asn = files.0.path().join("asn.csv");
    fs::write(
        &asn,
        "192.0.2.0,192.0.2.127,64500,One\n192.0.2.128,192.0.2.255,64501\n198.51.100.0,198.51.100.9,64500\n",
    )
    .unwrap();
    let policy = "[geo]\nasn_database = \"asn.csv\"\n[[list]]\nname = \"cloud\"\nasn = [64500]\n";
    let config = crate::config::parse(policy, &files.0.path().join("policy.toml")).unwrap();
    let inputs = Inputs::load(config, None).unwrap();
    let list = &inputs.lists[0];
    let contains = |list: &LoadedList, address: &str| list.ranges.contains(address.parse().unwrap());
    assert!(
        contains(list, "192.0.2.127") && contains(list, "198.51.100.9") && !contains(list, "192.0.2.128")
    );
    assert_eq!((list.entries, inputs.list_sources[0].from.to_string()), (2, "AS64500".to_owned()));
    assert_eq!(
        inputs.asn.as_ref().unwrap().system("192.0.2.1".parse().unwrap()).unwrap().name.as_deref(),
        Some("One")
    );

    fs::write(&asn, "192.0.2.0,192.0.2.255,64501\n203.0.113.0,203.0.113.255,64500\n").unwrap();
    assert!(inputs.warnings().is_empty(), "{:?}", inputs.warnings());
    fs::write(&asn, "192.0.2.0,192.0.2.255,64501\n").unwrap();
    let without = Arc::new(LoadedAsn::open(&asn, Origin::Policy).unwrap());
    assert_eq!(
        inputs.with_databases(None, Some(without)).unwrap().warnings(),
        ["the list cloud names AS64500, of which the database of autonomous systems has no range"]
    );
    fs::write(&asn, "192.0.2.0,192.0.2.255,64501\n203.0.113.0,203.0.113.255,64500\n").unwrap();
    let swapped = LoadedAsn::open(&asn, Origin::Policy).unwrap();
    let after = inputs.with_databases(None, Some(Arc::new(swapped))).unwrap();
    assert!(contains(&after.lists[0], "203.0.113.1") && !contains(&after.lists[0], "192.0.2.1"));
    let error = inputs.with_databases(None, None).unwrap_err();
    assert!(error.message.starts_with("list cloud: there is no database of autonomous systems"), "{error}");
}
