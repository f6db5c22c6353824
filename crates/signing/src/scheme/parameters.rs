//! What a call is given: its mode and its parameters, and the texts that those become.

use std::borrow::Cow;

use crate::python::{Entry, Escape, Text, Value, compact, escape_into, sorted, str_of, write_json, write_json_string};

/// The four methods of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Signs its params, and sends them in the query.
    Get,
    /// Signs its body, and sends the params in the query as well.
    Post,
    /// Signs and sends a body alone.
    Put,
    /// Signs and sends a body alone.
    Delete,
}

/// How a top-level value that is not text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// As text, by Python's `str()`: what the reference client does.
    Python,
    /// As text that is its compact JSON.
    Json,
    /// As itself in the body, as compact JSON in the params.
    Native,
}

/// Which percent-encoding of the source string is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As `urllib.parse.quote` writes it: `/` and `~` stay.
    Python,
    /// As the vendor states the server's rule: `/` and `~` are encoded, too.
    Java,
}

impl Encoding {
    /// As the field `encoding` names it.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Python => "python",
            Encoding::Java => "java",
        }
    }

    /// The other one.
    pub fn other(self) -> Encoding {
        match self {
            Encoding::Python => Encoding::Java,
            Encoding::Java => Encoding::Python,
        }
    }
}

/// Whether a post's parameters stand in its URL as well as in its body. A get has them in the URL alone, a put and a
/// delete in the body alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// In both, as the reference client has it.
    Params,
    /// In the body alone. What is signed is the body in either case.
    None,
}

/// A parameter's text has no UTF-8 and therefore cannot stand in a query or a source string.
#[derive(Debug, PartialEq, Eq)]
pub struct LoneSurrogate {
    /// The parameter, its own lone surrogates replaced by U+FFFD.
    pub parameter: String,
}

/// What a call is given.
pub struct Parameters<'p> {
    /// Of generation 9 alone: what is to be done.
    pub action: &'p str,
    /// Of the others.
    pub mode: Mode,
    /// How the parameters are written.
    pub values: Values,
    /// Whether a post's stand in its URL.
    pub query: Query,
    /// In the order of their keys.
    entries: Vec<&'p Entry<'p>>,
}

impl<'p> Parameters<'p> {
    /// The parameters, in any order, of a call in this mode.
    pub fn new(mode: Mode, entries: &'p [Entry<'p>], values: Values, query: Query) -> Parameters<'p> {
        Parameters { action: "", mode, values, query, entries: sorted(entries).collect() }
    }

    /// Their JSON text, as `json.dumps(data, sort_keys=True)` writes it.
    pub(super) fn body(&self) -> String {
        // Most texts are written as they were given; one of many megabytes is not to be copied as it grows.
        let mut body = String::with_capacity(self.length_given());
        body.push('{');
        for (index, entry) in self.entries.iter().enumerate() {
            if index > 0 {
                body.push_str(", ");
            }
            write_json_string(&entry.key, &mut body);
            body.push_str(": ");
            match self.values {
                Values::Native => write_json(&entry.value, &mut body),
                Values::Python | Values::Json => write_json_string(&self.as_text(entry), &mut body),
            }
        }
        body.push('}');
        body
    }

    /// The same without the blanks between its parts.
    pub(super) fn compact_body(&self) -> String {
        compact(&self.body())
    }

    /// `key=value` joined with `&`, raw: the text that a get signs.
    pub(super) fn params(&self) -> Result<String, LoneSurrogate> {
        let mut params = String::with_capacity(self.length_given());
        for entry in &self.entries {
            let value = self.as_text(entry);
            let (key, value) = utf8(entry, &value)?;
            if !params.is_empty() {
                params.push('&');
            }
            for part in [key, "=", value] {
                params.push_str(part);
            }
        }
        Ok(params)
    }

    /// The same pairs, each key and value percent-encoded on its own, so that the server decodes exactly what was
    /// signed. The reference pastes them raw, and breaks on a value with `& = # + %`.
    pub(super) fn in_query(&self) -> Result<Option<String>, LoneSurrogate> {
        let mut query = String::with_capacity(self.length_given());
        for entry in &self.entries {
            let value = self.as_text(entry);
            let (key, value) = utf8(entry, &value)?;
            if !query.is_empty() {
                query.push('&');
            }
            escape_into(key, Escape::Component, &mut query);
            query.push('=');
            escape_into(value, Escape::Component, &mut query);
        }
        Ok((!self.entries.is_empty()).then_some(query))
    }

    /// About as long as what comes of the entries.
    fn length_given(&self) -> usize {
        self.entries.iter().map(|entry| entry.raw.len() + 64).sum::<usize>() + 64
    }

    /// A parameter's value as text. Text stays text, whatever `values` says.
    fn as_text<'e>(&self, entry: &'e Entry<'_>) -> Cow<'e, Text<'e>> {
        match (&entry.value, self.values) {
            (Value::Text(_), _) | (_, Values::Python) => str_of(&entry.value),
            (_, Values::Json | Values::Native) => Cow::Owned(Text::Utf8(Cow::Owned(compact(entry.raw)))),
        }
    }
}

fn utf8<'e>(entry: &'e Entry<'_>, value: &'e Text<'_>) -> Result<(&'e str, &'e str), LoneSurrogate> {
    entry.key.as_str().zip(value.as_str()).ok_or_else(|| {
        let shown = |point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
        LoneSurrogate { parameter: entry.key.code_points().map(shown).collect() }
    })
}
