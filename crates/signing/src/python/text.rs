//! A Python string: code points, lone surrogates included.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Text as Python holds it. JSON may spell half of a surrogate pair (`"\ud800"`); Python reads it and Rust's `str`
/// cannot, so that rare text is kept as code points.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    /// As nearly all text is.
    Utf8(Cow<'a, str>),
    /// Code points, some of them halves of surrogate pairs.
    WithSurrogates(Vec<u32>),
}

impl Text<'_> {
    /// The text as UTF-8; `None` where it holds a lone surrogate, which has no UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Text::Utf8(text) => Some(text),
            Text::WithSurrogates(_) => None,
        }
    }

    /// The code points in order.
    pub fn code_points(&self) -> impl Iterator<Item = u32> {
        let (utf8, points) = match self {
            Text::Utf8(text) => (&**text, &[][..]),
            Text::WithSurrogates(points) => ("", &points[..]),
        };
        utf8.chars().map(u32::from).chain(points.iter().copied())
    }
}

/// By code point, as Python compares strings; for UTF-8 that is the order of the bytes.
impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Text::Utf8(a), Text::Utf8(b)) => a.cmp(b),
            _ => self.code_points().cmp(other.code_points()),
        }
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Text<'_> {}

/// Collects code points, as UTF-8 until the first lone surrogate comes.
#[derive(Default)]
pub(super) struct TextBuilder {
    utf8: String,
    points: Option<Vec<u32>>,
}

impl TextBuilder {
    pub(super) fn push_str(&mut self, text: &str) {
        match &mut self.points {
            None => self.utf8.push_str(text),
            Some(points) => points.extend(text.chars().map(u32::from)),
        }
    }

    pub(super) fn push(&mut self, code_point: u32) {
        match (char::from_u32(code_point), &mut self.points) {
            (Some(c), None) => self.utf8.push(c),
            (_, Some(points)) => points.push(code_point),
            (None, None) => {
                let mut points: Vec<u32> = self.utf8.chars().map(u32::from).collect();
                points.push(code_point);
                self.points = Some(points);
            }
        }
    }

    pub(super) fn finish<'a>(self) -> Text<'a> {
        match self.points {
            None => Text::Utf8(Cow::Owned(self.utf8)),
            Some(points) => Text::WithSurrogates(points),
        }
    }
}
