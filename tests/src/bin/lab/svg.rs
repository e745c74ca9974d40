//! The final table as a picture for the README: text in a fixed pitch on a dark ground.

use std::fmt::Write as _;

use crate::report::{Line, Tone};

/// Pixels. The pitch is that of the usual monospace fonts at this size; `textLength` holds any other to it.
const FONT: f64 = 14.0;
const PITCH: f64 = 8.4;
const LEADING: f64 = 19.0;
const MARGIN: f64 = 20.0;

pub(crate) fn render(lines: &[Line]) -> String {
    let longest = lines.iter().map(|line| columns(&line.text)).fold(0.0, f64::max);
    let count = lines.iter().fold(0.0, |count, _| count + 1.0);
    let (width, height) = (longest * PITCH + 2.0 * MARGIN, count * LEADING + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"The table of the xdpgate lab\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"{FONT}\" xml:space=\"preserve\">\n"
    );
    let mut y = MARGIN + FONT;
    for line in lines {
        if !line.text.trim().is_empty() {
            let (fill, weight) = style(line.tone);
            let length = columns(&line.text) * PITCH;
            // Writing to a String does not fail.
            let _ = writeln!(
                svg,
                "<text x=\"{MARGIN}\" y=\"{y:.0}\" fill=\"{fill}\" font-weight=\"{weight}\" \
                 textLength=\"{length:.1}\">{}</text>",
                escape(&line.text)
            );
        }
        y += LEADING;
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// Every character that the lab prints is one column wide.
fn columns(text: &str) -> f64 {
    text.chars().fold(0.0, |count, _| count + 1.0)
}

const fn style(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Plain => ("#c9d1d9", "normal"),
        Tone::Title => ("#f0f6fc", "bold"),
        Tone::Pass | Tone::Good => ("#56d364", "normal"),
        Tone::Drop => ("#e3b341", "normal"),
        Tone::Bad => ("#ff7b72", "bold"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        let line = Line { tone: Tone::Plain, text: "a < b & c".into() };
        let svg = render(&[line]);
        assert!(svg.contains("a &lt; b &amp; c</text>"));
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
