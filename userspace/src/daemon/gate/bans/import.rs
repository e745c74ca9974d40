//! Bans that another program had.

use std::collections::HashMap;

use crate::api::Failure;
use crate::api::types::{BanImport, BanImportAnswer, BanRequest, LeftOut};
use crate::daemon::Caller;
use crate::daemon::clock::now;
use crate::daemon::gate::replace::Change;
use crate::daemon::gate::{Gate, lockout};

use super::request::Grouped;

impl Gate {
    /// Bans all that may be banned, and says of the others why not. None is lengthened: that other program has given them
    /// their times.
    ///
    /// # Errors
    /// When the table is full, then none is made; or when the disk refuses, then all are in force.
    pub fn import_bans(&self, import: BanImport, caller: &Caller) -> Result<BanImportAnswer, Failure> {
        let live = self.live();
        let BanImport { bans, source, force } = import;
        let mut left_out = HashMap::new();
        let kept = bans.into_iter().filter(|ban| {
            let refused =
                if force { None } else { lockout::why_not(&live.inputs, ban.prefix.net(), caller.ssh) };
            refused.map(|why| left_out.insert(ban.prefix, why)).is_none()
                && !left_out.contains_key(&ban.prefix)
        });
        let request = BanRequest { bans: kept.collect(), source, lengthen: Some(false), force };
        let mut left_out: Vec<_> =
            left_out.into_iter().map(|(prefix, why)| LeftOut { prefix, why }).collect();
        left_out.sort_by_key(|left| left.prefix);
        if request.bans.is_empty() {
            return Ok(BanImportAnswer { left_out, ..BanImportAnswer::default() });
        }
        let grouped = Grouped::of(&request, now())?;
        let bans = request.bans.len();
        let new = self.bans.ban(&self.kernel, &self.store, grouped.new)?;
        tracing::info!(bans, new, left_out = left_out.len(), source = request.source, "bans imported");
        let to = Some(format!("source {}", request.source));
        self.audit(&Change { to, ..Change::new(caller, "ban import", format!("{bans} prefixes")) }, None);
        Ok(BanImportAnswer { bans: bans as u64, new: new as u64, left_out })
    }
}
