//! Closed sets of words that vendors keep extending: each has a last variant that keeps the word as it came.

/// Declares an enum of words with `Other(String)` for those not known yet.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
            /// A word that is not known here, as it came.
            Other(String),
        }

        impl $name {
            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

words! {
    /// Who speaks.
    Role {
        /// Instructions of the application.
        System = "system",
        /// Instructions of the application, as newer OpenAI models call them.
        Developer = "developer",
        /// The person.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// Results of tools.
        Tool = "tool",
        /// The result of a function, before tools existed (OpenAI, deprecated).
        Function = "function",
    }
}

words! {
    /// How much a model should reason.
    Effort {
        /// Not at all.
        None = "none",
        /// As little as possible.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// The usual amount.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More than `high`.
        ExtraHigh = "xhigh",
        /// As much as possible.
        Max = "max",
    }
}

/// Why a model stopped. Each format has words of its own for these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// The answer is complete.
    Stop,
    /// One of the request's stop sequences came up, where the format tells it apart.
    StopSequence,
    /// The request's output limit was reached.
    Length,
    /// The model's context window is full.
    ContextLength,
    /// The model calls tools and waits for their results.
    ToolCalls,
    /// The model calls a function in the way that came before tools (OpenAI, deprecated).
    FunctionCall,
    /// A content filter cut the answer.
    ContentFilter,
    /// The model refused.
    Refusal,
    /// The answer repeated protected text (Gemini `RECITATION`).
    Recitation,
    /// The model's tool call could not be read (Gemini `MALFORMED_FUNCTION_CALL`).
    MalformedToolCall,
    /// A long turn was paused; the caller sends it back to go on (Anthropic `pause_turn`).
    Pause,
    /// A reason not known here, in the vendor's word.
    Other(String),
}

impl FinishReason {
    /// The word in records: OpenAI's where it has one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::StopSequence => "stop_sequence",
            Self::Length => "length",
            Self::ContextLength => "context_length",
            Self::ToolCalls => "tool_calls",
            Self::FunctionCall => "function_call",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Recitation => "recitation",
            Self::MalformedToolCall => "malformed_tool_call",
            Self::Pause => "pause",
            Self::Other(word) => word,
        }
    }
}
