//! The databases of countries and of autonomous systems.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;

use super::Inputs;
use crate::api::types::{AsnDatabaseInfo, GeoDatabaseInfo, Origin, System};
use crate::api::{Failure, FailureKind};
use crate::daemon::clock;
use crate::daemon::file_stamp::FileStamp;
use crate::feeds::{AsnDatabase, GeoDatabase, GeoError};
use crate::policy;
use crate::thousands::grouped;

/// A database in use.
#[derive(Debug)]
pub struct Loaded<D> {
    /// The file.
    pub path: PathBuf,
    /// Who named it.
    pub origin: Origin,
    /// What is in it.
    pub database: D,
    /// When it was read.
    pub loaded: Timestamp,
    /// What the file was like when it was read.
    pub(super) stamp: Mutex<Option<FileStamp>>,
}

/// The geo database in use.
pub type LoadedGeo = Loaded<GeoDatabase>;
/// The database of autonomous systems in use.
pub type LoadedAsn = Loaded<AsnDatabase>;

impl Inputs {
    /// What the policy names and the databases have no range of: misspelt, most likely.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let countries = self.with_sources(policy::countries_without_ranges);
        let countries = countries.into_iter().map(|country| {
            format!("the policy names the country {country}, of which the geo database has no range")
        });
        let systems = self.list_sources.iter().flat_map(|list| {
            let asn = self.asn.as_ref();
            let named = list.systems.iter().flatten();
            let unknown = named.filter(move |system| asn.is_some_and(|asn| !asn.database.knows(**system)));
            let name = &list.name;
            unknown.map(move |system| {
                format!(
                    "the list {name} names AS{system}, of which the database of autonomous systems has no range"
                )
            })
        });
        countries.chain(systems).collect()
    }
}

/// What is the same of all databases.
pub trait Database: Sized + PartialEq {
    /// What it is of, in words.
    const KIND: &'static str;

    /// Reads a file.
    ///
    /// # Errors
    /// When it is no such database.
    fn open(path: &Path) -> Result<Self, GeoError>;

    /// How many ranges it has.
    fn ranges(&self) -> usize;

    /// What it calls itself.
    fn name(&self) -> &str;

    /// When it was built, where it says so.
    fn built(&self) -> Option<SystemTime>;
}

impl Database for GeoDatabase {
    const KIND: &'static str = "geo";

    fn open(path: &Path) -> Result<Self, GeoError> {
        Self::open(path)
    }

    fn ranges(&self) -> usize {
        self.ranges()
    }

    fn name(&self) -> &str {
        self.name()
    }

    fn built(&self) -> Option<SystemTime> {
        self.built()
    }
}

impl Database for AsnDatabase {
    const KIND: &'static str = "asn";

    fn open(path: &Path) -> Result<Self, GeoError> {
        Self::open(path)
    }

    fn ranges(&self) -> usize {
        self.ranges()
    }

    fn name(&self) -> &str {
        self.name()
    }

    fn built(&self) -> Option<SystemTime> {
        self.built()
    }
}

impl<D: Database> Loaded<D> {
    /// Reads a database.
    ///
    /// # Errors
    /// When it cannot be read or is not valid.
    pub fn open(path: &Path, origin: Origin) -> Result<Self, Failure> {
        let (database, stamp) = FileStamp::around(path, || D::open(path));
        Ok(Self {
            path: path.to_owned(),
            origin,
            database: database?,
            loaded: clock::now(),
            stamp: Mutex::new(stamp),
        })
    }

    /// The database as it was read before, if its file is the same.
    pub(super) fn open_after(
        known: Option<&Arc<Self>>,
        path: &Path,
        origin: Origin,
    ) -> Result<Arc<Self>, Failure> {
        let known = known.filter(|known| known.path == path && known.origin == origin);
        if let Some(known) = known.filter(|known| !known.has_changed()) {
            return Ok(Arc::clone(known));
        }
        let new = Self::open(path, origin)?;
        match known.and_then(|known| new.shrinkage(known)) {
            Some(problem) => {
                let message = format!("{problem}; to take it: xdpgate geo update --force");
                Err(Failure::new(FailureKind::Refused, message))
            }
            None => Ok(Arc::new(new)),
        }
    }

    /// What is suspicious about a file that takes the place of another: it may be cut short.
    pub(in crate::daemon) fn shrinkage(&self, before: &Self) -> Option<String> {
        let (now, before) = (self.database.ranges(), before.database.ranges());
        let (path, now, before) = (self.path.display(), now as u64, before as u64);
        (now < before / 2).then(|| {
            format!(
                "{path}: {} ranges are less than half of the {} of the database in use, which stays",
                grouped(now),
                grouped(before)
            )
        })
    }

    /// Whether the file is another one than that which was read.
    pub(in crate::daemon) fn has_changed(&self) -> bool {
        !self.stamp().is_some_and(|stamp| stamp.is_of(&self.path))
    }

    /// Notes that the file holds the same, although it was written again.
    pub(in crate::daemon) fn take_stamp(&self, again: &Self) {
        *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) = again.stamp();
    }

    fn stamp(&self) -> Option<FileStamp> {
        *self.stamp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn built(&self) -> Option<Timestamp> {
        self.database.built().and_then(|built| Timestamp::try_from(built).ok())
    }
}

impl LoadedGeo {
    /// The database as the API shows it.
    #[must_use]
    pub fn info(&self) -> GeoDatabaseInfo {
        GeoDatabaseInfo {
            path: self.path.clone(),
            origin: self.origin,
            name: self.database.name().to_owned(),
            built: self.built(),
            loaded: self.loaded,
            ranges: self.database.ranges() as u64,
            countries: self.database.countries().len() as u64,
        }
    }
}

impl LoadedAsn {
    /// The system that announces an address.
    #[must_use]
    pub fn system(&self, address: IpAddr) -> Option<System> {
        let number = self.database.lookup(address)?;
        Some(System { number, name: self.database.name_of(number).map(ToOwned::to_owned) })
    }

    /// The database as the API shows it.
    #[must_use]
    pub fn info(&self) -> AsnDatabaseInfo {
        AsnDatabaseInfo {
            path: self.path.clone(),
            name: self.database.name().to_owned(),
            built: self.built(),
            loaded: self.loaded,
            ranges: self.database.ranges() as u64,
            systems: self.database.systems() as u64,
        }
    }
}
