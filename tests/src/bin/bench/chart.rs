//! Bars for the documents: ours and the peer's, one row below the other. Readable on light and on dark ground.

use std::fmt::Write as _;

use crate::report::figure;
use crate::row::Row;

/// A picture of some rows of one unit.
pub(crate) struct Chart {
    /// Its file, and its title.
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    /// The rows in it, and what each is called there.
    rows: &'static [(&'static str, &'static str)],
}

/// All pictures.
pub(crate) const CHARTS: [Chart; 5] = [
    Chart {
        file: "lookup.svg",
        title: "Prefix look-up, nanoseconds net of an empty program (shorter is better)",
        rows: &[
            ("ipv4-lookup-10k", "IPv4, 10 thousand"),
            ("ipv4-lookup-100k", "IPv4, 100 thousand"),
            ("ipv4-lookup-1m", "IPv4, 1 million"),
            ("ipv6-lookup-10k", "IPv6, 10 thousand"),
            ("ipv6-lookup-100k", "IPv6, 100 thousand"),
            ("ipv6-lookup-1m", "IPv6, 1 million"),
        ],
    },
    Chart {
        file: "verdict.svg",
        title: "Whole verdict, nanoseconds net of an empty program (shorter is better)",
        rows: &[
            ("verdict-resident", "100 thousand sources"),
            ("verdict-spoofed", "every source new"),
            ("verdict-hot", "one source"),
        ],
    },
    Chart {
        file: "memory.svg",
        title: "Memory of the prefix tables, bytes for each prefix (shorter is better)",
        rows: &[
            ("ipv4-memory-random", "IPv4, 1 million random"),
            ("ipv4-memory-geo", "IPv4, geo data"),
            ("ipv6-memory-random", "IPv6, 1 million random"),
            ("ipv6-memory-geo", "IPv6, geo data"),
        ],
    },
    Chart {
        file: "veth.svg",
        title: "Packets dropped per second on veth (longer is better)",
        rows: &[
            ("veth-hot", "one source"),
            ("veth-random", "131,072 sources"),
            ("veth-nftables", "131,072 sources"),
            ("veth-iptables", "131,072 sources"),
            ("veth-xdp-filter", "8,192 sources"),
        ],
    },
    Chart {
        file: "load.svg",
        title: "1 million prefixes from file to enforced, seconds (shorter is better)",
        rows: &[("load-1m-nftables", "against nft -f"), ("load-1m-ipset", "against ipset restore")],
    },
];

/// Pixels.
const WIDTH: f64 = 860.0;
const LABELS: f64 = 200.0;
const BARS: f64 = 430.0;
const BAR: f64 = 15.0;
const GROUP: f64 = 48.0;
const TOP: f64 = 44.0;

const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 15px; }
.ours { fill: #1a7f37; }
.peer { fill: #8c959f; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .ours { fill: #3fb950; } .peer { fill: #768390; } }
";

impl Chart {
    /// The picture; none where no row of it was measured.
    pub(crate) fn draw(&self, rows: &[Row]) -> Option<String> {
        let find = |(name, label): &(&str, &'static str)| {
            let row = rows.iter().find(|row| row.name == *name && row.ours.is_some())?;
            Some((*label, row))
        };
        let rows: Vec<(&str, &Row)> = self.rows.iter().filter_map(find).collect();
        let figures = rows.iter().flat_map(|(_, row)| [row.ours, row.peer]).flatten();
        let longest = figures.fold(0.0, f64::max);
        if longest <= 0.0 {
            return None;
        }
        let height = rows.iter().fold(TOP + 8.0, |height, _| height + GROUP);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\">\n\
             <style>\n{STYLE}</style>\n<text class=\"title\" x=\"8\" y=\"24\">{title}</text>\n",
            title = escape(self.title)
        );
        let mut top = TOP;
        for (label, row) in rows {
            let middle = top + BAR + 5.0;
            // Writing to a String does not fail, here and below.
            let _ = writeln!(svg, "<text x=\"8\" y=\"{middle:.0}\">{}</text>", escape(label));
            bar(&mut svg, top, "ours", "xdpgate", row.ours, &row.unit, longest);
            let peer = row.peer_name.as_deref().unwrap_or_default();
            bar(&mut svg, top + BAR + 3.0, "peer", peer, row.peer, &row.unit, longest);
            top += GROUP;
        }
        svg.push_str("</svg>\n");
        Some(svg)
    }
}

fn bar(svg: &mut String, top: f64, class: &str, who: &str, value: Option<f64>, unit: &str, longest: f64) {
    let Some(value) = value else { return };
    // At least a line, so that a very good figure can be seen.
    let length = (value / longest * BARS).max(1.5);
    let (right, base) = (LABELS + length + 6.0, top + BAR - 3.0);
    let text = escape(&format!("{} {who}", figure(value, unit)));
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{LABELS}\" y=\"{top:.0}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>\n\
         <text x=\"{right:.0}\" y=\"{base:.0}\">{text}</text>"
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::GOALS;
    use crate::row::{Better, Measured};

    #[test]
    fn every_row_of_a_chart_is_a_row() {
        for (name, _) in CHARTS.iter().flat_map(|chart| chart.rows) {
            assert!(GOALS.iter().any(|goal| goal.name == *name), "{name}");
        }
    }

    #[test]
    fn a_chart_has_both_bars_and_no_chart_is_empty() {
        let found = Measured::new("verdict-hot", 50.0, "ns").against("a < b", 100.0, Better::Lower);
        let svg = CHARTS[1].draw(&[Row::measured(found)]).unwrap();
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("a &lt; b") && svg.trim_end().ends_with("</svg>"));
        assert!(CHARTS[1].draw(&[]).is_none());
    }
}
