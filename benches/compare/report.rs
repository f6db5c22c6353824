//! The page with the figures.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::statistics::{Figure, short};

/// What a figure must reach.
#[derive(Clone, Copy)]
pub enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Default)]
pub struct Report {
    bars: String,
    tables: String,
}

impl Report {
    /// One line of the first table.
    pub fn bar(&mut self, what: &str, figure: &Figure, bar: Bar) {
        let (wanted, reached) = match bar {
            Bar::AtMost(most) => (format!("≤ {most}"), figure.median() <= most),
            Bar::AtLeast(least) => (format!("≥ {least}"), figure.median() >= least),
        };
        let measured = if figure.0.len() == 1 { short(figure.0[0]) } else { figure.to_string() };
        let verdict = if reached { "yes" } else { "**no**" };
        let line = format!("| {what} | {wanted} | {measured} | {verdict} |");
        println!("{line}");
        self.bars += &(line + "\n");
    }

    pub fn table(&mut self, title: &str, titles: &[&str], rows: Vec<Vec<String>>) {
        let _ = write!(self.tables, "\n### {title}\n\n| {} |\n|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
        for row in rows {
            let _ = writeln!(self.tables, "| {} |", row.join(" | "));
        }
    }

    /// The size of the library as it is handed out.
    pub fn size(&mut self, library: &Path) {
        let bytes = fs::metadata(library).expect("the library is there").len();
        self.bar("the stripped library, MB", &Figure(vec![bytes as f64 / 1e6]), Bar::AtMost(2.5));
    }

    pub fn write(&self) {
        let text = format!(
            "# The library beside other clients\n\nMade by `cargo bench`: every peer against the same nginx, one after the other within each round. A figure is the \
             median of the rounds, with the least and the greatest. What they mean is in [Performance](../docs/performance.md).\n\n| what | bar | measured | reached |\n|---|---|---|---|\n{}{}",
            self.bars, self.tables
        );
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/RESULTS.md");
        fs::write(path, text).expect("the results can be written");
    }

    pub fn show(&self) {
        println!("{}", self.tables);
    }
}
