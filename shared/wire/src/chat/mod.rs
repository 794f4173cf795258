//! The one canonical conversation: what every format is read into and written from.
//!
//! A format reads what it understands into the typed fields and leaves the rest of each object, in the vendor's own
//! nesting, in `extra`: unknown fields, explicit `null`s, empty placeholders. Writing the same format again puts
//! `extra` back, so reading and writing gives what was there. A writer of *another* format must not send `extra` on:
//! it is in the words of the format it came from.
//!
//! Nothing here knows a vendor's JSON; that is the dialects' part.

mod collect;
mod delta;
pub(crate) mod foreign;
mod message;
mod part;
mod request;
mod response;
mod tool;
mod words;

pub use collect::{Collector, collect};
pub use delta::{AudioDelta, ChoiceDelta, Delta, ReasoningDelta, Start, ToolCallDelta};
pub use message::{Message, Shape};
pub use part::{
    Annotation, Audio, CacheLife, CacheMark, Content, File, Image, Part, Reasoning, ReasoningForm,
    ReasoningSpelling, Source, Text, ToolCall, ToolKind, ToolResult,
};
pub use request::{
    AudioOutput, Location, OutputLimit, Prediction, ReasoningRequest, ReasoningRequestSpelling, Request,
    ResponseFormat, Sampling, Schema, Stop, WebSearch,
};
pub use response::{Choice, Logprobs, Response, TokenLogprob};
pub use tool::{Definition, Function, Tool, ToolChoice};
pub use words::{Effort, FinishReason, Role};

/// What a format said beyond the typed fields, in its own words and nesting.
///
/// A name that begins with [`AS_SAID`] is no field of the format: its value keeps how a typed field was spelt, for the
/// reader's own format only, and says nothing beyond that field.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// Begins the names in [`Extra`] that keep a spelling. No format's fields begin so.
pub(crate) const AS_SAID: char = '=';
