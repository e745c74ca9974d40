use std::fs;

use super::*;

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
        inputs.geo = Some(Arc::new(LoadedGeo { stamp: FileStamp::of(&self.geo()), ..geo }));
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
