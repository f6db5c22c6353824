//! Texts that anybody may have written, made fit for a log.

/// Without control and direction characters, and no more of it than anyone reads.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let is_unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().take(MOST).map(|c| if is_unfit(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
