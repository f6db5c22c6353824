//! How a refused signature looks. No vendor's page says it, so tests of clients choose.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::envelope::Refusal;

/// Given as JSON: `{"http_status": 200, "code": 1001, "msg": "签名错误"}`, each of which may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Look {
    pub http_status: u16,
    pub code: i64,
    pub msg: String,
}

impl Default for Look {
    fn default() -> Self {
        Self { http_status: 403, code: 403, msg: "签名错误".to_owned() }
    }
}

impl Look {
    pub fn parse(text: &str) -> Result<Self, String> {
        let look: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match (200..=599).contains(&look.http_status) {
            true => Ok(look),
            false => Err("http_status must be from 200 to 599".to_owned()),
        }
    }

    pub fn refusal(&self, reason: &'static str) -> Refusal {
        let status = StatusCode::from_u16(self.http_status).unwrap_or(StatusCode::FORBIDDEN);
        Refusal::looking(status, self.code, &self.msg, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_ever() {
        let look = Look::parse(r#"{"http_status":200,"msg":"验签失败"}"#).unwrap();
        assert_eq!(look, Look { http_status: 200, code: 403, msg: "验签失败".to_owned() });
        assert_eq!(Look::parse("{}").unwrap(), Look::default());
        for text in ["", "1", r#"{"status":1}"#, r#"{"http_status":100}"#] {
            assert!(Look::parse(text).is_err(), "{text}");
        }
    }
}
