//! Bans of other programs: a CrowdSec local API that is asked again and again, and what other tools have written down.

pub mod crowdsec;
pub mod import;
