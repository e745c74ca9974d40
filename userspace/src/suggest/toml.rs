//! The suggestion as a piece of a policy.

use std::fmt::Write as _;

use super::report::ServiceFindings;
use crate::thousands::grouped;

/// Limits and services, each with what speaks for it.
pub(super) fn text(services: &[ServiceFindings], seconds: f64) -> String {
    let mut text = String::new();
    for service in services {
        let Some(limit) = service.candidates.iter().find(|candidate| candidate.suggested) else { continue };
        let peaks = service.peaks.packets_per_second;
        let name = &service.name;
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a String does not fail, here and below.
        let _ = writeln!(
            text,
            "# {name}: {packets} packets from {sources} sources in {seconds:.0} s. In their busiest second, 99 % of the\n\
             # sources sent at most {p99} packets, 99.9 % at most {p999}, and the busiest {max}. This limit would have\n\
             # touched {touched} of them, and rejected {rejected} packets ({share:.3} %).\n\
             [[limit]]\n\
             name = \"{name}-per-source\"\n\
             rate = \"{rate} packets/s\"\n\
             burst = {burst}",
            packets = grouped(service.packets),
            sources = grouped(service.sources),
            p99 = grouped(peaks.p99),
            p999 = grouped(peaks.p999),
            max = grouped(peaks.max),
            touched = grouped(limit.sources_touched),
            rejected = grouped(limit.packets_rejected),
            share = limit.packets_percent,
            rate = limit.packets_per_second,
            burst = limit.burst,
        );
        if service.in_policy {
            let _ = writeln!(text, "# In the [[service]] {name}: limits = [\"{name}-per-source\"]");
            continue;
        }
        let _ = writeln!(
            text,
            "\n[[service]]\n\
             name = \"{name}\"\n\
             protocol = \"{}\"\n\
             ports = [{}]\n\
             limits = [\"{name}-per-source\"]",
            service.protocol,
            service.ports.join(", ")
        );
    }
    text
}
