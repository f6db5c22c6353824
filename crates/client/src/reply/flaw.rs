//! How much of a text that is not UTF-8 is UTF-8, and where it first is not.

use std::fmt;

/// The first place where a text is no UTF-8.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flaw {
    /// Counted from 1.
    pub(super) place: usize,
    byte: u8,
    /// A character begins there, and another or the end comes before its last byte.
    is_cut: bool,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flaw { place, byte, is_cut } = self;
        let what = if *is_cut { "begins a character that is cut short" } else { "belongs to no character" };
        write!(f, "byte {place} ({byte:#04x}) {what}")
    }
}

/// How much of a text that is not UTF-8 is.
pub(super) struct Utf8 {
    pub(super) flaw: Flaw,
    flaws: usize,
    /// Its characters of two bytes and more.
    wide: usize,
    /// Its characters of three bytes and more, as all Chinese ones are. In GBK such bytes seldom stand in a row.
    wider: usize,
}

impl Utf8 {
    pub(super) fn of(bytes: &[u8]) -> Utf8 {
        let none = Flaw { place: 0, byte: 0, is_cut: false };
        let mut utf_8 = Utf8 { flaw: none, flaws: 0, wide: 0, wider: 0 };
        let mut place: usize = 1;
        for chunk in bytes.utf8_chunks() {
            for size in chunk.valid().chars().map(char::len_utf8) {
                utf_8.wide = utf_8.wide.saturating_add((size > 1).into());
                utf_8.wider = utf_8.wider.saturating_add((size > 2).into());
            }
            place = place.saturating_add(chunk.valid().len());
            if let Some(&byte) = chunk.invalid().first() {
                if utf_8.flaws == 0 {
                    utf_8.flaw = Flaw { place, byte, is_cut: matches!(byte, 0xc2..=0xf4) };
                }
                utf_8.flaws = utf_8.flaws.saturating_add(1);
            }
            place = place.saturating_add(chunk.invalid().len());
        }
        utf_8
    }

    /// So much of it that it is no text of letters with accents.
    pub(super) fn prevails(&self) -> bool {
        self.wide > 0 && self.flaws <= self.wide
    }

    /// So much of it that it is no Chinese in pairs of bytes.
    pub(super) fn is_beyond_gb(&self) -> bool {
        self.wider > 0 && self.flaws <= self.wider
    }
}
