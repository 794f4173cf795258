//! The one error at the edge of [`handle`](crate::handle). Its kind alone decides status, type and code.
//!
//! Texts here are for the caller: they name fields, models and targets, never prompts, credentials or our internals.

use std::time::Duration;

use http::StatusCode;
use postern_wire::{Fault, FaultKind, dialect::DecodeError};

use crate::host::StoreError;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No such path.
    UnknownRoute,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The request is not what the format or the API says.
    InvalidRequest,
    /// The body is larger than the gateway takes.
    BodyTooLarge,
    /// The body is compressed.
    Compressed,
    /// The body did not arrive in time or broke off.
    BodyIncomplete,
    /// No key was sent.
    MissingKey,
    /// The key is not one of ours.
    InvalidKey,
    /// The key was revoked.
    RevokedKey,
    /// The key's time is over.
    ExpiredKey,
    /// The key may not use this model.
    ModelNotAllowed,
    /// No model of this name.
    UnknownModel,
    /// Nothing of this id.
    UnknownResource,
    /// The change does not fit the present state.
    Conflict,
    /// The deployment lacks something: a secret, a binding.
    NotConfigured,
    /// The store does not answer.
    StoreDown,
    /// No target could answer; the last fault.
    Upstream(FaultKind),
}

impl ErrorKind {
    /// The HTTP status a caller gets.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::UnknownRoute | Self::UnknownModel | Self::UnknownResource => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Compressed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyIncomplete => StatusCode::REQUEST_TIMEOUT,
            Self::MissingKey | Self::InvalidKey | Self::RevokedKey | Self::ExpiredKey => {
                StatusCode::UNAUTHORIZED
            }
            Self::ModelNotAllowed => StatusCode::FORBIDDEN,
            Self::Conflict => StatusCode::CONFLICT,
            Self::NotConfigured | Self::StoreDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream(fault) => match fault {
                FaultKind::InvalidRequest | FaultKind::ContextTooLong | FaultKind::ContentFilter => {
                    StatusCode::BAD_REQUEST
                }
                FaultKind::NotFound => StatusCode::NOT_FOUND,
                FaultKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                FaultKind::RateLimited | FaultKind::QuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
                FaultKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
                FaultKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
                // Our own credentials being refused is the gateway's failure, not the caller's.
                FaultKind::Authentication
                | FaultKind::Permission
                | FaultKind::ServerError
                | FaultKind::Unreachable
                | FaultKind::BadAnswer
                | FaultKind::Cut => StatusCode::BAD_GATEWAY,
            },
        }
    }

    /// The machine-readable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownRoute => "unknown_route",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InvalidRequest => "invalid_request",
            Self::BodyTooLarge => "request_too_large",
            Self::Compressed => "unsupported_content_encoding",
            Self::BodyIncomplete => "request_incomplete",
            Self::MissingKey => "missing_api_key",
            Self::InvalidKey => "invalid_api_key",
            Self::RevokedKey => "revoked_api_key",
            Self::ExpiredKey => "expired_api_key",
            Self::ModelNotAllowed => "model_not_allowed",
            Self::UnknownModel => "model_not_found",
            Self::UnknownResource => "not_found",
            Self::Conflict => "conflict",
            Self::NotConfigured => "not_configured",
            Self::StoreDown => "store_unavailable",
            Self::Upstream(fault) => fault_code(fault),
        }
    }

    /// The error type, in the words OpenAI's SDKs know.
    #[must_use]
    pub const fn error_type(self) -> &'static str {
        match self {
            Self::MissingKey | Self::InvalidKey | Self::RevokedKey | Self::ExpiredKey => {
                "authentication_error"
            }
            Self::ModelNotAllowed => "permission_error",
            Self::Upstream(FaultKind::RateLimited) => "rate_limit_error",
            Self::Upstream(FaultKind::QuotaExceeded) => "insufficient_quota",
            other if other.status().as_u16() >= 500 => "server_error",
            _ => "invalid_request_error",
        }
    }
}

/// The code of an upstream's failure, as callers and records see it.
#[must_use]
pub(crate) const fn fault_code(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::InvalidRequest => "invalid_request",
        FaultKind::ContextTooLong => "context_length_exceeded",
        FaultKind::ContentFilter => "content_filter",
        FaultKind::Authentication => "upstream_authentication",
        FaultKind::Permission => "upstream_permission",
        FaultKind::NotFound => "model_not_found",
        FaultKind::TooLarge => "request_too_large",
        FaultKind::RateLimited => "rate_limit_exceeded",
        FaultKind::QuotaExceeded => "insufficient_quota",
        FaultKind::Overloaded => "upstream_overloaded",
        FaultKind::ServerError => "upstream_error",
        FaultKind::Unreachable => "upstream_unreachable",
        FaultKind::Timeout => "upstream_timeout",
        FaultKind::BadAnswer => "upstream_bad_answer",
        FaultKind::Cut => "upstream_cut",
    }
}

/// An error on its way to a caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GatewayError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// For a person: what was expected and what to do.
    pub message: String,
    /// The field or parameter it is about.
    pub param: Option<String>,
    /// The code, where the upstream gave a better one than the kind's.
    pub code: Option<String>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The methods that the path takes, where another was used.
    pub allow: Option<String>,
}

impl GatewayError {
    /// An error with a text for the caller.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, code: None, retry_after: None, allow: None }
    }

    /// Names the field it is about.
    #[must_use]
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The code a caller sees.
    #[must_use]
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or(self.kind.code())
    }

    /// The failure of an upstream, when no other attempt is left. `place` says which target and attempt.
    #[must_use]
    pub fn upstream(fault: Fault, place: &str) -> Self {
        let kind = ErrorKind::Upstream(fault.kind);
        // What is about the caller's own request is told as the provider told it.
        let message =
            if kind.status().as_u16() < 500 { fault.message } else { format!("{place}: {}", fault.message) };
        Self {
            kind,
            message,
            param: fault.param,
            code: fault.code,
            retry_after: fault.retry_after,
            allow: None,
        }
    }
}

impl From<DecodeError> for GatewayError {
    fn from(error: DecodeError) -> Self {
        let message = error.to_string();
        let param = (!error.path.is_empty()).then_some(error.path);
        Self { param, ..Self::new(ErrorKind::InvalidRequest, message) }
    }
}

impl From<StoreError> for GatewayError {
    fn from(error: StoreError) -> Self {
        // The text may name tables or paths: for the operator only.
        tracing::error!(error = %error, "the store does not answer");
        Self {
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(ErrorKind::StoreDown, "the gateway's store does not answer; try again in a moment")
        }
    }
}
