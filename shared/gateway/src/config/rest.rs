//! A REST service whose formats the configuration declares.

use serde_json::{Map as Object, Value, json};

use super::collection::Maybe;
use super::reader::Reader;
use super::scalar::Text;
use super::shape::{Description, Shape};
use crate::template;

section! {
    /// What a service takes and gives (`kind: rest`). What it takes is JSON in which every text may have expressions, as
    /// docs/classic-models.md tells.
    pub struct Rest, checked by check {
        /// Where calls go, below `base_url`; `{model}` stands for the target's model. The `base_url` itself if left out.
        path: Option<String> as Maybe<Text>,
        /// Conversations.
        chat: Option<RestChat> as Maybe<RestChat>,
        /// The input of classic models.
        invocation: Option<RestInvocation> as Maybe<RestInvocation>,
    }
}

section! {
    /// How a conversation is told to the service, and how its answer is read.
    pub struct RestChat {
        /// The body. Expressions know `messages`, `prompt`, `system`, `model`, and what else callers can ask, such as
        /// `temperature` and `max_tokens`.
        request: Value as ChatRequest,
        /// The text of the answer: an expression that knows `body`.
        text: Value as Answer,
        /// Why the answer ended, in OpenAI's words: an expression that knows `body`. `stop` if left out.
        finish_reason: Option<Value> as Maybe<Answer>,
        /// Tokens that were read: an expression that knows `body`. Counted by Postern if left out.
        input_tokens: Option<Value> as Maybe<Answer>,
        /// Tokens that were written.
        output_tokens: Option<Value> as Maybe<Answer>,
    }
}

section! {
    /// How the input of a classic model is told to the service, and how its answer is told to the caller.
    pub struct RestInvocation {
        /// The body. Expressions know `body`, which the caller sent, and `model`. The caller's bytes if left out.
        request: Option<Value> as Maybe<Invocation>,
        /// What the caller gets. Expressions know `body`, which the service answered, and `model`. The service's bytes if
        /// left out.
        response: Option<Value> as Maybe<Invocation>,
    }
}

/// What the body of a conversation may name.
pub(crate) const CHAT: [&str; 16] = [
    "messages",
    "prompt",
    "system",
    "model",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "n",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "user",
    "metadata",
    "response_format",
];

macro_rules! templates {
    ($($(#[$meta:meta])* $name:ident knows $known:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        pub(super) struct $name;

        impl Shape for $name {
            type Value = Value;

            fn read(value: &Value, reader: &mut Reader) -> Option<Value> {
                for unfilled in template::check(value, $known) {
                    reader.problem(unfilled.to_string());
                }
                Some(value.clone())
            }

            fn write(value: &Value) -> Value {
                value.clone()
            }

            fn describe() -> Description {
                let label = format!("JSON with expressions over {}", $known.join(", "));
                Description::scalar(label, json!({"description": "JSON; its texts may have {{ expressions }}"}))
            }
        }
    )+};
}

templates! {
    /// The body of a conversation.
    ChatRequest knows &CHAT;
    /// What is read from an answer.
    Answer knows &["body", "model"];
    /// The body of a call of a classic model, or its answer.
    Invocation knows &["body", "model"];
}

fn check(rest: &mut Rest, _given: &Object<String, Value>, reader: &mut Reader) {
    if rest.chat.is_none() && rest.invocation.is_none() {
        reader.problem("says nothing of calls: give chat, invocation or both");
    }
}
