//! Python's text forms of JSON data, to the byte: what `json.loads` reads, what `str()`, `json.dumps` and
//! `urllib.parse.quote` write. The reference client is Python, and its signature covers these texts.

mod dumps;
mod loads;
mod percent;
mod printable;
mod repr;
mod text;
mod unescaped;

pub use dumps::{compact, write_json, write_json_string};
pub use loads::{Malformed, loads};
pub use percent::{Escape, escape_into, escape_to};
pub use repr::str_of;
pub use text::Text;

/// What `json.loads` makes of a JSON text. A number stays the text it was, since `json` and `native` values keep
/// every digit.
#[derive(Debug)]
pub enum Value<'a> {
    /// `null`
    None,
    /// `true` or `false`
    Bool(bool),
    /// Digits and a sign alone.
    Int(&'a str),
    /// Anything with a point or an exponent; also `NaN`, `Infinity` and `-Infinity`, which Python reads.
    Float(&'a str),
    /// A string.
    Text(Text<'a>),
    /// An array.
    List(Vec<Value<'a>>),
    /// An object.
    Dict(Vec<Entry<'a>>),
}

/// One member of a dict. A dict keeps the order of the first appearance of each key, and the last value.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Its name.
    pub key: Text<'a>,
    /// What it is.
    pub value: Value<'a>,
    /// The value as it stood in the JSON text.
    pub raw: &'a str,
}

/// The places of the entries in the order of their keys, equal ones as they stand.
fn by_key(entries: &[Entry<'_>]) -> Vec<usize> {
    let key = |place: &usize| entries.get(*place).map(|entry| &entry.key);
    let mut places: Vec<usize> = (0..entries.len()).collect();
    places.sort_by(|a, b| key(a).cmp(&key(b)));
    places
}

/// The entries in the order of their keys.
pub fn sorted<'e, 'a>(entries: &'e [Entry<'a>]) -> impl Iterator<Item = &'e Entry<'a>> {
    by_key(entries).into_iter().filter_map(|place| entries.get(place))
}
