//! Medians, percentiles and ratios.

use std::fmt;

/// The value below which this share of all lies.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() - 1) as f64 * share;
    sorted[place.round() as usize]
}

pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// A figure of several rounds.
#[derive(Clone)]
pub struct Figure(pub Vec<f64>);

impl Figure {
    pub fn median(&self) -> f64 {
        median(&self.0)
    }

    /// Round by round, how many times the other's this one is.
    pub fn over(&self, other: &Figure) -> Figure {
        Figure(self.0.iter().zip(&other.0).map(|(mine, theirs)| mine / theirs).collect())
    }

    /// Round by round, how much more than the other this one is.
    pub fn beyond(&self, other: &Figure) -> Figure {
        Figure(self.0.iter().zip(&other.0).map(|(mine, theirs)| mine - theirs).collect())
    }
}

/// The median, with the least and the greatest.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, middle, greatest] = [0.0, 0.5, 1.0].map(|share| short(percentile(&self.0, share)));
        write!(f, "{middle} ({least} to {greatest})")
    }
}

/// With three digits that count.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
