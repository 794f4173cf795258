//! What vendors refuse, from their documentation: an upstream that takes everything would hide what a gateway breaks.

pub mod anthropic;
pub mod bedrock;
pub mod cohere;
pub mod embed;
pub mod gemini;
pub mod moderation;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_forms;
pub mod openai_responses;
pub mod rerank;

use std::fmt;

use serde_json::{Map, Value};

use crate::script::Reply;

type Checked = Result<(), Refusal>;

/// Why a vendor refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field.
    pub param: Option<String>,
    /// For a person.
    pub message: String,
}

fn wrong<T>(param: impl Into<String>, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { param: Some(param.into()).filter(|p| !p.is_empty()), message: message.into() })
}

/// The body as an object.
fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal { param: None, message: format!("not a JSON object: {error}") })
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
