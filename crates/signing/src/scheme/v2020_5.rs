//! The scheme of generations 2020.5 and 2021.1: that of [2020.4](super::v2020_4), with another encoding.
//!
//! | | |
//! |---|---|
//! | published | the token call by query parameters, sorted keys, HMAC-SHA256 as hex, its Base64 without line breaks; special characters are "handled" in the encoding |
//! | inferred | that those are encoded by the rule that the vendor states for 10.3 ([`Encoding::Java`]); all the rest, which is 2020.4's |

use super::parameters::{Encoding, LoneSurrogate, Parameters, Values};
use super::payload::Payload;
use super::rule::{Pass, Scheme};
use super::v2020_4::V2020_4;

/// Generations 2020.5 and 2021.1.
pub struct V2020_5;

impl Scheme for V2020_5 {
    fn name(&self) -> &'static str {
        "2020.5"
    }

    fn pass(&self) -> Pass {
        Pass::Token
    }

    fn usual(&self) -> (Encoding, Values) {
        (Encoding::Java, Values::Python)
    }

    fn payload(&self, call: &Parameters<'_>) -> Result<Payload, LoneSurrogate> {
        V2020_4.payload(call)
    }

    fn end<'s>(&self, pass: &'s str, time: &'s str) -> [&'s str; 4] {
        V2020_4.end(pass, time)
    }

    fn inferred(&self) -> Option<&'static str> {
        Some(
            "generation 2020.5: published are the token call, sorted keys and HMAC-SHA256; inferred are the java encoding, and that all else is as in 2020.4; `encoding`, `query` and `values` change it (2020.5的java编码及其余与2020.4相同之处为推断;可用encoding、query、values更改)",
        )
    }

    fn pass_header(&self) -> Option<&'static str> {
        V2020_4.pass_header()
    }
}
