//! Generation 9: one path, a form, and a signature by a key that is the same everywhere.

use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::{check_signature, timestamp};
use crate::Center;
use crate::content_type::{self, Expected};
use crate::envelope::Refusal;
use crate::notes::Notes;
use crate::params::Params;
use crate::percent::{self, Pairs, Plus};
use crate::source::{Content, Received};

/// The vendor's own fixed key.
const KEY: &str = "isearch";

/// What a form of generation 9 asks for, once its signature is right.
#[derive(Debug)]
pub struct Asked {
    pub action: String,
    pub params: Params,
    /// The param as it came.
    pub param: String,
    /// All pairs of the form, in the order received.
    pub pairs: Pairs,
}

pub fn verify(center: &Center, headers: &HeaderMap, body: &[u8], notes: &Notes) -> Result<Asked, Refusal> {
    content_type::check(&Method::POST, headers, &[Expected::Form])?;
    let broken = || Refusal::parameter("表单格式错误", "the body is not a form in UTF-8");
    let text = std::str::from_utf8(body).map_err(|_| broken())?;
    let pairs = percent::pairs(text, Plus::IsSpace).map_err(|_| broken())?;
    let field = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if let Some((name, _)) = pairs
        .iter()
        .enumerate()
        .find_map(|(at, pair)| pairs[..at].iter().any(|(earlier, _)| *earlier == pair.0).then_some(pair))
    {
        let name = name.clone();
        return Err(Refusal::parameter(format!("{name}重复"), format!("the form has {name} twice")));
    }
    let action = field("action").filter(|action| !action.is_empty());
    let action = action.ok_or_else(|| Refusal::parameter("缺少action", "the form has no action"))?;
    let param = field("param").ok_or_else(|| Refusal::parameter("缺少param", "the form has no param"))?;
    let timestamp = timestamp::check(field("timestamp"), 1000, center.clock.now_ms())?;

    let signed = format!("action={action}&param={param}&timestamp={timestamp}");
    let content = Content::Text(&signed);
    let received = Received { content, tail: String::new(), key: KEY, signature: field("sign") };
    check_signature(center, notes, &received, Vec::new)?;

    let params: Map<String, Value> = serde_json::from_str(param)
        .map_err(|_| Refusal::parameter("param应为JSON对象", "param is not a JSON object"))?;
    let (action, param) = (action.to_owned(), param.to_owned());
    Ok(Asked { action, params: Params::new(params), param, pairs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::percent::Accepted;
    use crate::signature;

    #[test]
    fn the_vendors_known_answer() {
        let signed = r#"action=get-process&param={"proc_code":""}&timestamp=1361431471"#;
        let signature = "MDJkMWEyZTY2MWZhY2ZmNWE3OTQwNmQ0ZWMwYzNlZDE1YWNjZjY3MGI0MjM1NjZmMmMzYjIyZDY5Y2Y5OGYxYg==";
        let received =
            Received { content: Content::Text(signed), tail: String::new(), key: KEY, signature: Some(signature) };
        assert!(signature::check(Accepted::Python, &received, Vec::new).matches);
    }
}
