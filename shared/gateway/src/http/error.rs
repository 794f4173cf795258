//! Errors as answers, each in the format of its path. Paths that are nobody's format speak OpenAI's error shape
//! (<https://platform.openai.com/docs/guides/error-codes>).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use postern_wire::dialect::ErrorBody;

use crate::error::GatewayError;
use crate::host::Host;
use crate::http::Surface;
use crate::pipeline::{Body, Call, Reply, RequestId};

/// An error as a reply with nothing left to do.
pub(crate) fn reply<H: Host>(surface: Surface, id: &RequestId, error: &GatewayError) -> Reply<H> {
    Reply::plain(response_in(surface, Some(id.as_str()), error))
}

/// An error as a response to a call, in its format.
pub(crate) fn response_to<H: Host>(call: &Call, error: &GatewayError) -> Response<Body<H>> {
    response_in(call.surface, Some(call.id.as_str()), error)
}

/// An error as a response on a path that is nobody's format.
pub(crate) fn response<H: Host>(error: &GatewayError) -> Response<Body<H>> {
    response_in(Surface::OTHER, None, error)
}

/// An error as a response on a path of this surface.
pub(crate) fn response_in<H: Host>(
    surface: Surface,
    request_id: Option<&str>,
    error: &GatewayError,
) -> Response<Body<H>> {
    let status = error.kind.status();
    let body = surface.encode_error(&ErrorBody {
        status: status.as_u16(),
        message: &error.message,
        error_type: error.kind.error_type(),
        param: error.param.as_deref(),
        code: Some(error.code()),
        request_id,
    });
    let mut response = with_json(status, body);
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
    with_json(status, serde_json::to_vec(body).unwrap_or_default())
}

fn with_json<H: Host>(status: StatusCode, bytes: impl Into<Bytes>) -> Response<Body<H>> {
    let mut response = Response::new(Body::whole(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
