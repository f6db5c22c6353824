//! Changes while the emulator runs: the rule of signatures, the look of a refused one, and the end of all tokens.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Deserializer};

use super::state::respond;
use crate::Center;
use crate::envelope::Refusal;
use crate::look::Look;
use crate::percent::Accepted;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    encoding: Option<Accepted>,
    /// Null takes it back.
    #[serde(default, deserialize_with = "given")]
    refuse_signature: Option<Option<Look>>,
    #[serde(default)]
    expire_tokens: bool,
}

/// Tells null from a field that is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Look>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub async fn change(State(center): State<Arc<Center>>, body: Bytes) -> Result<Response, Refusal> {
    let change: Change = serde_json::from_slice(&body)
        .map_err(|error| Refusal::parameter("设置不正确", format!("not a change of settings: {error}")))?;
    center.rules.change(|rules| {
        rules.encoding = change.encoding.unwrap_or(rules.encoding);
        if let Some(look) = change.refuse_signature {
            rules.refuse_signature = look;
        }
    });
    if change.expire_tokens {
        center.tokens.expire_all(center.clock.now_ms());
    }
    Ok(respond(&center.rules.now()))
}
