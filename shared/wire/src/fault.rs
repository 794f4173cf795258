//! What a failure of an upstream means, whichever vendor it came from.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The class of a failure; it alone decides the status a caller gets and whether another attempt makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The provider refused the request itself: what the caller sent is wrong.
    InvalidRequest,
    /// The prompt does not fit the model's context window.
    ContextTooLong,
    /// The provider's content filter refused the prompt or the answer.
    ContentFilter,
    /// The gateway's own credentials were refused by the provider.
    Authentication,
    /// The credentials are good but may not do this.
    Permission,
    /// The model or resource does not exist at the provider.
    NotFound,
    /// The request is larger than the provider takes.
    TooLarge,
    /// The provider limits the rate.
    RateLimited,
    /// The account has no credit or quota left; waiting does not help.
    QuotaExceeded,
    /// The provider is overloaded.
    Overloaded,
    /// The provider failed.
    ServerError,
    /// The provider could not be reached.
    Unreachable,
    /// A time limit passed: connecting, first byte, between pieces, or the whole call.
    Timeout,
    /// What came back is not what the format says: not JSON, truncated, empty, an HTML page.
    BadAnswer,
    /// A stream ended before it said it was complete.
    Cut,
}

impl FaultKind {
    /// The class by HTTP status alone, for when the body says nothing useful.
    #[must_use]
    pub const fn from_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::QuotaExceeded,
            403 => Self::Permission,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            // 498 is Groq's word for a flex tier without capacity.
            498 | 503 | 529 => Self::Overloaded,
            // A conflict with another request, or one that came too early: both pass by themselves.
            409 | 425 => Self::ServerError,
            400..=499 => Self::InvalidRequest,
            _ => Self::ServerError,
        }
    }
}

/// A failure of one attempt, as the caller may be told about it.
///
/// `message` is the provider's own text when it is about the caller's request, otherwise a text of ours. It never
/// holds credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The class.
    pub kind: FaultKind,
    /// The upstream's HTTP status, when there was one.
    pub status: Option<u16>,
    /// What happened, for a person.
    pub message: String,
    /// The provider's machine-readable code, if it gave one.
    pub code: Option<String>,
    /// The provider's error type, if it gave one.
    pub error_type: Option<String>,
    /// The request field the provider complains about, if it named one.
    pub param: Option<String>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A failure with a text of ours.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            message: message.into(),
            code: None,
            error_type: None,
            param: None,
            retry_after: None,
        }
    }
}
