//! `[bans]`.

use crate::config::BanConfig;
use crate::config::error::Report;
use crate::config::reference;
use crate::config::section::Section;

pub(super) fn bans(section: &Section<'_>, report: &mut Report) -> BanConfig {
    let default = BanConfig::default();
    let mut time = |key| section.get(key)?.duration(report);
    let longest = time(&reference::BANS_LONGEST).unwrap_or(default.longest);
    let forget = time(&reference::BANS_FORGET).unwrap_or(longest);
    let lengthen = section.get(&reference::BANS_LENGTHEN).and_then(|entry| entry.flag(report));
    BanConfig { lengthen: lengthen.unwrap_or(default.lengthen), longest, forget }
}
