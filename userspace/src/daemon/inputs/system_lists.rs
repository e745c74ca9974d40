//! Lists of autonomous systems: what they announce, from the database in use.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Inputs, ListSource, LoadedAsn, LoadedGeo};
use crate::api::Failure;
use crate::policy::LoadedList;

impl Inputs {
    /// The same with other databases.
    pub(in crate::daemon) fn with_databases(
        &self,
        geo: Option<Arc<LoadedGeo>>,
        asn: Option<Arc<LoadedAsn>>,
    ) -> Result<Self, Failure> {
        let (mut lists, mut sources) = (self.lists.to_vec(), self.list_sources.to_vec());
        for (list, source) in lists.iter_mut().zip(&mut sources) {
            if let Some(systems) = source.systems.clone() {
                *list = source.of_systems(&systems, asn.as_ref())?;
            }
        }
        let (lists, list_sources) = (Arc::new(lists), Arc::new(sources));
        Ok(Self { lists, list_sources, geo, asn, ..self.clone() })
    }
}

impl ListSource {
    /// The list, as the database tells it.
    pub(super) fn of_systems(
        &mut self,
        systems: &BTreeSet<u32>,
        asn: Option<&Arc<LoadedAsn>>,
    ) -> Result<LoadedList, Failure> {
        let asn = asn.ok_or_else(|| {
            Failure::invalid(format!(
                "list {}: there is no database of autonomous systems; name one in the policy (geo.asn_database)",
                self.name
            ))
        })?;
        self.path.clone_from(&asn.path);
        self.loaded = asn.loaded;
        let ranges = asn.database.ranges_of(systems);
        let entries = ranges.ipv4().len() + ranges.ipv6().len();
        Ok(LoadedList { name: self.name.clone(), mode: self.mode, ranges: Arc::new(ranges), entries })
    }
}
