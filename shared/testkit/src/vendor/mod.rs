//! What vendors refuse, from their documentation: an upstream that takes everything would hide what a gateway breaks.

pub mod openai_chat;

use std::fmt;

use crate::script::Reply;

/// Why a vendor refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field.
    pub param: Option<String>,
    /// For a person.
    pub message: String,
}

impl Refusal {
    /// The vendor's answer.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let body = serde_json::json!({
            "error": {
                "message": self.message,
                "type": "invalid_request_error",
                "param": self.param,
                "code": null,
            }
        });
        Reply::whole(400, "application/json", body.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.param {
            Some(param) => write!(f, "{param}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
