//! Errors as answers. Every path so far speaks OpenAI's error shape
//! (<https://platform.openai.com/docs/guides/error-codes>); a dialect of its own brings its own.

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::error::GatewayError;
use crate::host::Host;
use crate::pipeline::{Body, Reply};

/// An error as a reply with nothing left to do.
pub(crate) fn reply<H: Host>(error: &GatewayError) -> Reply<H> {
    Reply::plain(response(error))
}

/// An error as a response.
pub(crate) fn response<H: Host>(error: &GatewayError) -> Response<Body<H>> {
    let body = json!({
        "error": {
            "message": error.message,
            "type": error.kind.error_type(),
            "param": error.param,
            "code": error.code(),
        }
    });
    let mut response = json_response(error.kind.status(), &body);
    if let Some(wait) = error.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(allow) = error.allow.as_deref().and_then(|methods| HeaderValue::from_str(methods).ok()) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    if error.kind.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// A JSON answer.
pub(crate) fn json_response<H: Host>(status: StatusCode, body: &impl serde::Serialize) -> Response<Body<H>> {
    // The types that come here have string keys and no failing serializers.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::whole(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
