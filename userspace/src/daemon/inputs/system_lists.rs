//! Lists of autonomous systems: what they announce, from the database in use.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Inputs, ListContent, ListSource, LoadedAsn, LoadedGeo};
use crate::api::Failure;
use crate::config::ListFrom;

impl Inputs {
    /// The same with other databases.
    pub(in crate::daemon) fn with_databases(
        &self,
        geo: Option<Arc<LoadedGeo>>,
        asn: Option<Arc<LoadedAsn>>,
    ) -> Result<Self, Failure> {
        let mut sources = self.list_sources.to_vec();
        for source in &mut sources {
            if let ListFrom::Systems(systems) = source.from.clone() {
                source.load_systems(&systems, asn.as_ref())?;
            }
        }
        Ok(Self { geo, asn, ..self.with_lists(sources) })
    }
}

impl ListSource {
    /// Reads what the database tells of these systems.
    pub(super) fn load_systems(
        &mut self,
        systems: &BTreeSet<u32>,
        asn: Option<&Arc<LoadedAsn>>,
    ) -> Result<(), Failure> {
        let asn = asn.ok_or_else(|| {
            Failure::invalid(format!(
                "list {}: there is no database of autonomous systems; name one in the policy (geo.asn_database)",
                self.name
            ))
        })?;
        let ranges = asn.database.ranges_of(systems);
        let entries = ranges.ipv4().len() + ranges.ipv6().len();
        self.content = Arc::new(ListContent {
            ranges: Arc::new(ranges),
            entries,
            loaded: asn.loaded,
            ..ListContent::default()
        });
        Ok(())
    }
}
