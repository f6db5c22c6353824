//! The plot of docs/performance.md: how long one call takes, on a logarithmic scale.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::peers::Peer;
use crate::statistics::short;

/// One bar.
pub struct Bar {
    pub peer: Peer,
    pub tls: bool,
    pub micros: f64,
}

const LEFT: f64 = 250.0;
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 22.0;

pub fn write(bars: &[Bar]) {
    let greatest = bars.iter().map(|bar| bar.micros).fold(10.0, f64::max).log10().ceil();
    let place = |micros: f64| LEFT + WIDTH * (micros.log10() - 1.0) / (greatest - 1.0);
    let mut marks = String::new();
    let mut y = 40.0;
    for tls in [false, true] {
        let title = if tls { "TLS 1.3" } else { "plain HTTP" };
        let _ = writeln!(marks, r#"<text x="10" y="{}" font-weight="bold">{title}</text>"#, y + 14.0);
        y += HEIGHT;
        for bar in bars.iter().filter(|bar| bar.tls == tls) {
            let name = bar.peer.name().replace('*', "");
            let colour = if bar.peer.is_ours() { "#1a7f5a" } else { "#9aa5b1" };
            let (end, middle) = (place(bar.micros.max(10.0)), y + 14.0);
            let _ = writeln!(marks, r#"<text x="{}" y="{middle}" text-anchor="end">{name}</text>"#, LEFT - 8.0);
            let _ =
                writeln!(marks, r#"<rect x="{LEFT}" y="{y}" width="{:.1}" height="16" fill="{colour}"/>"#, end - LEFT);
            let _ = writeln!(marks, r#"<text x="{:.1}" y="{middle}">{} µs</text>"#, end + 6.0, short(bar.micros));
            y += HEIGHT;
        }
        y += 8.0;
    }
    let mut grid = String::new();
    for power in 1..=greatest as i32 {
        let x = place(10f64.powi(power));
        let _ = writeln!(grid, r##"<line x1="{x:.1}" y1="36" x2="{x:.1}" y2="{y}" stroke="#e1e5ea"/>"##);
        let _ = writeln!(
            grid,
            r#"<text x="{x:.1}" y="{}" text-anchor="middle">{} µs</text>"#,
            y + 16.0,
            10i64.pow(power as u32)
        );
    }
    let text = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="13" fill="#24292f">
<rect width="760" height="{height}" fill="#ffffff"/>
<text x="10" y="22" font-size="15">One call on a kept connection, p50 (logarithmic scale, shorter is better)</text>
{grid}{marks}</svg>
"##,
        height = y + 28.0
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/latency.svg");
    fs::write(path, text).expect("the plot can be written");
}
