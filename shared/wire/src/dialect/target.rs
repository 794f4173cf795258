//! What a writer must know of whom it writes for.

/// The model that a request is written for, and what is odd about its vendor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// The upstream model's name. It replaces the one in the request.
    pub model: &'a str,
    /// The vendor's `kind` in the table of providers (`openai`, `groq`, `vertex`); empty when not known. Formats that
    /// several vendors speak with differences look at it.
    pub kind: &'a str,
    /// The most tokens the model writes, by the catalog; `None` when not known. Formats that require a limit use it
    /// when the caller gave none.
    pub max_output: Option<u64>,
}

impl<'a> Target<'a> {
    /// A model of an unknown vendor.
    #[must_use]
    pub const fn model(model: &'a str) -> Self {
        Self { model, kind: "", max_output: None }
    }
}

/// What a writer of an answer must know beside the answer. Formats take from it what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerContext {
    /// Letters and digits that no other answer has; formats put their own mark in front (`msg_`, `resp_`, `chatcmpl-`)
    /// and derive ids of parts from it.
    pub id: String,
    /// When the answer began, in seconds since 1970.
    pub created: u64,
    /// The model's name as the caller knows it.
    pub model: String,
    /// Whether the caller asked for an event of its own for usage (OpenAI Chat Completions, Completions).
    pub include_usage: bool,
    /// Input tokens, counted before the answer: for formats whose stream begins with them (Anthropic). The provider's
    /// own figures replace them when they come.
    pub input_tokens: Option<u64>,
    /// What was asked, for formats whose answers repeat it (OpenAI Responses).
    pub request: Option<std::sync::Arc<crate::chat::Request>>,
}

/// An error as a caller is told of it, in any format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorBody<'a> {
    /// The HTTP status.
    pub status: u16,
    /// What happened, for a person.
    pub message: &'a str,
    /// OpenAI's word for the type; formats with words of their own go by the status.
    pub error_type: &'a str,
    /// The field that is wrong.
    pub param: Option<&'a str>,
    /// The machine-readable code.
    pub code: Option<&'a str>,
    /// The id of the request, for formats that name it in the body.
    pub request_id: Option<&'a str>,
}
