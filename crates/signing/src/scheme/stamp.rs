//! One attempt's stamp: the payload under a pass at a time.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::parameters::Encoding;
use super::payload::{FORM, Payload, Sent};
use super::rule::Scheme;
use crate::python::{Escape, escape_into, escape_to};
use crate::secret::Secret;

/// The payload under a pass at a time. Each stage of the signature can be seen.
pub struct Stamp<'a> {
    /// By whose rule.
    pub scheme: &'static dyn Scheme,
    /// What is signed, and sent.
    pub payload: &'a Payload,
    /// The access token or the appkey, which is the key as well.
    pub pass: &'a Secret,
    /// Of the source string.
    pub encoding: Encoding,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

/// A body as it is sent.
pub enum Body<'a> {
    /// What was signed, as it is.
    Signed(&'a str),
    /// The same in a form that holds the stamp.
    Form(Secret),
}

impl Body<'_> {
    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Body::Signed(text) => text,
            Body::Form(form) => form.expose(),
        }
    }
}

impl Stamp<'_> {
    /// The source string: what is signed of the payload, the pass, and the time.
    pub fn source(&self) -> Secret {
        self.joined(|part, text| text.push_str(part))
    }

    /// The source string percent-encoded.
    pub fn encoded(&self) -> Secret {
        self.joined(|part, text| escape_into(part, self.rule(), text))
    }

    fn joined(&self, write: impl Fn(&str, &mut String)) -> Secret {
        // Sized for the worst case, so that no reallocation leaves a copy of the pass behind.
        let longest = self.payload.signed.len() + self.pass.expose().len() + 64;
        let mut text = String::with_capacity(3 * longest);
        let mut digits = itoa::Buffer::new();
        for part in self.parts(digits.format(self.time())) {
            write(part, &mut text);
        }
        Secret::new(text)
    }

    /// Base64 of the lower-case hex of HMAC-SHA256 over the encoded source string.
    pub fn signature(&self) -> String {
        let key = self.scheme.key(self.pass.expose()).as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes a key of any length");
        let mut digits = itoa::Buffer::new();
        escape_to(&self.parts(digits.format(self.time())), self.rule(), |piece| mac.update(piece));
        let mut hex = [0; 64];
        let hex = base16ct::lower::encode(&mac.finalize().into_bytes(), &mut hex).expect("32 bytes are 64 digits");
        BASE64_STANDARD.encode(hex)
    }

    /// The time as it is signed and sent.
    pub fn time(&self) -> u64 {
        self.scheme.time(self.timestamp)
    }

    /// Whether the two encodings write this source string differently.
    pub fn is_written_differently(&self) -> bool {
        let differs = |text: &str| text.bytes().any(|byte| matches!(byte, b'/' | b'~'));
        differs(&self.payload.signed) || self.scheme.end(self.pass.expose(), "").iter().any(|part| differs(part))
    }

    /// What is sent as the body, and the content type.
    pub fn body(&self, signature: &str) -> (Option<Body<'_>>, Option<&'static str>) {
        match self.payload.sent {
            Sent::Nothing(content_type) => (None, content_type),
            Sent::Body(content_type) => (Some(Body::Signed(&self.payload.signed)), Some(content_type)),
            Sent::Form { action } => (Some(Body::Form(self.form(action, signature))), Some(FORM)),
        }
    }

    /// `action=...&param=...&timestamp=...&sign=...&token=...`
    fn form(&self, action: usize, signature: &str) -> Secret {
        let (names, mut digits) = ("action=".len(), itoa::Buffer::new());
        let (action, param) = self.payload.signed.split_at(names + action);
        let values = [
            ("action=", &action[names..]),
            ("&param=", &param["&param=".len()..]),
            ("&timestamp=", digits.format(self.time())),
            ("&sign=", signature),
            ("&token=", self.pass.expose()),
        ];
        // Sized for the worst case, as above.
        let longest: usize = values.iter().map(|(name, value)| name.len() + 3 * value.len()).sum();
        let mut form = String::with_capacity(longest);
        for (name, value) in values {
            form.push_str(name);
            escape_into(value, Escape::Component, &mut form);
        }
        Secret::new(form)
    }

    fn parts<'s>(&'s self, time: &'s str) -> [&'s str; 5] {
        let [a, b, c, d] = self.scheme.end(self.pass.expose(), time);
        [&self.payload.signed, a, b, c, d]
    }

    fn rule(&self) -> Escape {
        match self.encoding {
            Encoding::Python => Escape::Python,
            Encoding::Java => Escape::Java,
        }
    }
}
