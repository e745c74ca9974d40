//! The timeline as a picture: packets each second, what passed below, what was dropped above it, by reason.

mod axis;
mod series;

use std::fmt::Write as _;

use self::axis::Axis;
use self::series::{Series, series};
use super::timeline::Timeline;

/// Pixels.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const PLOT: f64 = 300.0;
const BELOW: f64 = 48.0;
const LEGEND_ROW: f64 = 20.0;

const STYLE: &str = "\
svg { background: #ffffff; }
text { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 15px; }
.faint { fill: #59636e; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.axis { stroke: #59636e; stroke-width: 1; }
.monitored { fill: none; stroke: #9a6700; stroke-width: 1.5; stroke-dasharray: 5 3; }
";

/// Draws it. `first_ns` is when the first packet was captured.
pub(super) fn draw(title: &str, timeline: &Timeline, elapsed_ns: u64, first_ns: Option<u64>) -> String {
    let shown = series(timeline, elapsed_ns);
    let rows = shown.iter().fold(0.0, |rows, _| rows + 1.0);
    let height = TOP + PLOT + BELOW + 16.0 + rows * LEGEND_ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>\n{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"26\">{title}</text>\n",
        title = escape(title)
    );
    let (time, rate) = (Axis::of_time(elapsed_ns, timeline), Axis::of_rate(&shown));
    // Writing to a String does not fail, here and below.
    grid(&mut svg, &time, &rate, first_ns);
    for part in &shown {
        area(&mut svg, part, &time, &rate);
    }
    let _ = writeln!(
        svg,
        "<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{:.0}H{:.0}\"/>",
        TOP + PLOT,
        WIDTH - RIGHT
    );
    legend(&mut svg, &shown);
    svg.push_str("</svg>\n");
    svg
}

fn grid(svg: &mut String, time: &Axis, rate: &Axis, first_ns: Option<u64>) {
    for (value, label) in rate.ticks() {
        let y = down(rate, value);
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.0}\"/>\
             <text class=\"faint\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0
        );
    }
    for (value, label) in time.ticks() {
        let (x, bottom) = (right(time, value), TOP + PLOT);
        let _ = writeln!(
            svg,
            "<path class=\"axis\" d=\"M{x:.1} {bottom:.0}v5\"/>\
             <text class=\"faint\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>",
            bottom + 19.0
        );
    }
    let start = first_ns.and_then(|ns| jiff::Timestamp::from_nanosecond(ns.into()).ok());
    let start = start.map(|time| format!(" since {time:.0}")).unwrap_or_default();
    let (middle, below) = (LEFT + (WIDTH - LEFT - RIGHT) / 2.0, TOP + PLOT + 38.0);
    let (left, centre) = (16.0, TOP + PLOT / 2.0);
    let _ = writeln!(
        svg,
        "<text x=\"{middle:.0}\" y=\"{below:.0}\" text-anchor=\"middle\">{unit}{start}</text>\n\
         <text x=\"{left}\" y=\"{centre:.0}\" text-anchor=\"middle\" \
         transform=\"rotate(-90 {left} {centre:.0})\">packets per second</text>",
        unit = time.unit()
    );
}

/// What lies between the lower and the upper edge of a series; steps, since a bin is a piece of time.
fn area(svg: &mut String, part: &Series, time: &Axis, rate: &Axis) {
    let mut path = String::new();
    for (step, (from, to)) in part.upper.iter().zip(&part.edges) {
        let y = down(rate, *step);
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{:.1} {y:.1}H{:.1}", right(time, *from), right(time, *to));
    }
    if part.is_line {
        let _ = writeln!(svg, "<path class=\"monitored\" d=\"{path}\"/>");
        return;
    }
    for (step, (from, to)) in part.lower.iter().zip(&part.edges).rev() {
        let y = down(rate, *step);
        let _ = write!(path, "L{:.1} {y:.1}H{:.1}", right(time, *to), right(time, *from));
    }
    let _ = writeln!(svg, "<path fill=\"{}\" d=\"{path}Z\"/>", part.colour);
}

fn legend(svg: &mut String, shown: &[Series]) {
    let mut y = TOP + PLOT + BELOW + 14.0;
    // As the eye meets them: the topmost first.
    for part in shown.iter().rev() {
        let swatch = if part.is_line {
            format!("<path class=\"monitored\" d=\"M{LEFT} {:.0}h14\"/>", y - 5.0)
        } else {
            format!(
                "<rect x=\"{LEFT}\" y=\"{:.0}\" width=\"14\" height=\"12\" rx=\"2\" fill=\"{}\"/>",
                y - 10.0,
                part.colour
            )
        };
        let _ = writeln!(
            svg,
            "{swatch}<text x=\"{:.0}\" y=\"{y:.0}\">{}</text>",
            LEFT + 22.0,
            escape(&part.label)
        );
        y += LEGEND_ROW;
    }
}

fn right(time: &Axis, value: f64) -> f64 {
    LEFT + time.share(value) * (WIDTH - LEFT - RIGHT)
}

fn down(rate: &Axis, value: f64) -> f64 {
    TOP + PLOT - rate.share(value) * PLOT
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
