//! Bars as an SVG that can be read on a light and on a dark page.

use std::fmt::Write;

/// One bar: what it shows, its length, and its kind, which decides the colour.
pub struct Bar {
    pub label: String,
    pub seconds: f64,
    pub kind: usize,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 250.0;
const ROW: f64 = 22.0;
/// Colours with contrast on white and on black.
const COLOURS: [&str; 4] = ["#8a8a8a", "#4c8eda", "#d98324", "#3f9c5a"];

/// A title, what the colours mean, and the bars.
pub fn bars(title: &str, kinds: &[&str], bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.seconds).fold(1.0, f64::max);
    let height = 66.0 + ROW * bars.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<style>text{{fill:#333}}@media(prefers-color-scheme:dark){{text{{fill:#ddd}}}}</style>\n\
         <text x=\"8\" y=\"20\" font-size=\"15\">{title}</text>\n"
    );
    let mut x = 8.0;
    for (kind, colour) in kinds.iter().zip(COLOURS) {
        _ = writeln!(svg, "<rect x=\"{x}\" y=\"32\" width=\"12\" height=\"12\" fill=\"{colour}\"/>");
        _ = writeln!(svg, "<text x=\"{}\" y=\"43\">{kind}</text>", x + 18.0);
        x += 34.0 + 7.5 * kind.len() as f64;
    }
    for (n, bar) in bars.iter().enumerate() {
        let y = 58.0 + ROW * n as f64;
        let width = (WIDTH - LEFT - 70.0) * bar.seconds / longest;
        let colour = COLOURS[bar.kind % COLOURS.len()];
        _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 12.0,
            bar.label
        );
        _ = writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"15\" fill=\"{colour}\"/>"
        );
        _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\">{:.0} s</text>",
            LEFT + width + 6.0,
            y + 12.0,
            bar.seconds
        );
    }
    svg + "</svg>\n"
}
