//! Bars, and bytes over time, as SVG that can be read on a light and on a dark page.

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

/// Bytes over time: microseconds and bytes, from the first frame on.
pub type Course = Vec<(u64, u32)>;

/// One field of a picture: what it shows, and a course for each kind of line.
pub struct Panel {
    pub label: String,
    pub courses: Vec<Course>,
}

const PANEL_WIDTH: f64 = 220.0;
const PANEL_HEIGHT: f64 = 130.0;
const PANELS_A_ROW: usize = 3;

/// A title, what the colours mean, and a field for each panel, with an axis of time of its own.
pub fn courses(title: &str, kinds: &[&str], panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(PANELS_A_ROW);
    let mut svg = head(title, kinds, 66.0 + rows as f64 * (PANEL_HEIGHT + 50.0));
    for (n, panel) in panels.iter().enumerate() {
        let left = 16.0 + (n % PANELS_A_ROW) as f64 * (PANEL_WIDTH + 26.0);
        let top = 78.0 + (n / PANELS_A_ROW) as f64 * (PANEL_HEIGHT + 50.0);
        let ends = || panel.courses.iter().filter_map(|course| course.last());
        let latest = ends().map(|(at, _)| *at).max().unwrap_or(1).max(1) as f64;
        let most = ends().map(|(_, bytes)| *bytes).max().unwrap_or(1).max(1) as f64;
        _ = writeln!(svg, "<text x=\"{left}\" y=\"{}\">{}</text>", top - 6.0, panel.label);
        _ = writeln!(
            svg,
            "<path d=\"M{left} {top}v{PANEL_HEIGHT}h{PANEL_WIDTH}\" fill=\"none\" stroke=\"#8a8a8a\"/>"
        );
        _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.0} s</text>",
            left + PANEL_WIDTH,
            top + PANEL_HEIGHT + 15.0,
            latest / 1e6
        );
        for (course, colour) in panel.courses.iter().zip(COLOURS) {
            // Not more points than can be told apart.
            let step = course.len().div_ceil(120).max(1);
            let points = course.iter().step_by(step).chain(course.last());
            let drawn: Vec<String> = points
                .map(|(at, bytes)| {
                    let x = left + PANEL_WIDTH * *at as f64 / latest;
                    let y = top + PANEL_HEIGHT * (1.0 - f64::from(*bytes) / most);
                    format!("{x:.1},{y:.1}")
                })
                .collect();
            let start = format!("{left},{}", top + PANEL_HEIGHT);
            _ = writeln!(
                svg,
                "<polyline points=\"{start} {}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                drawn.join(" ")
            );
        }
    }
    svg + "</svg>\n"
}

fn head(title: &str, kinds: &[&str], height: f64) -> String {
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
    svg
}

/// A title, what the colours mean, and the bars.
pub fn bars(title: &str, kinds: &[&str], bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.seconds).fold(1.0, f64::max);
    let mut svg = head(title, kinds, 66.0 + ROW * bars.len() as f64);
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
