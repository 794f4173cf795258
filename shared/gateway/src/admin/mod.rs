//! The administration API, `/admin/v1`: keys, usage, records, configuration. Nothing here ever shows a secret twice.

mod config;
mod keys;
mod query;

pub(crate) use query::Query;
mod reports;

pub use config::stored as stored_config;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::http::AdminOperation;
use crate::http::error::{json_response, response};
use crate::identity;
use crate::pipeline::{Body, Gateway, Reply, read_body};

/// The largest body an administrator sends, bytes.
const MAX_BODY: u64 = 4 * 1024 * 1024;

/// Answers an administrator.
pub(crate) async fn run<H, B>(
    gateway: &Gateway,
    host: &H,
    operation: AdminOperation,
    parts: &Parts,
    body: B,
) -> Reply<H>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let answered = answer(gateway, host, operation, parts, body).await;
    Reply::plain(answered.unwrap_or_else(|error| response(&error)))
}

async fn answer<H, B>(
    gateway: &Gateway,
    host: &H,
    operation: AdminOperation,
    parts: &Parts,
    body: B,
) -> Result<Response<Body<H>>, GatewayError>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    identity::authenticate_admin(host, parts).await?;
    let ok = StatusCode::OK;
    Ok(match operation {
        AdminOperation::CreateKey => {
            let body = read_body(host, parts, body, MAX_BODY).await?;
            json_response(StatusCode::CREATED, &keys::create(host, &read_json(&body)?).await?)
        }
        AdminOperation::ListKeys => json_response(ok, &keys::list(host, &Query::of(parts)?).await?),
        AdminOperation::RevokeKey(id) => json_response(ok, &keys::revoke(host, &id).await?),
        AdminOperation::Usage => json_response(ok, &reports::usage(host, &Query::of(parts)?).await?),
        AdminOperation::Logs => json_response(ok, &reports::logs(host, &Query::of(parts)?).await?),
        AdminOperation::ReadConfig => json_response(ok, &config::read(gateway)),
        AdminOperation::WriteConfig => {
            let body = read_body(host, parts, body, MAX_BODY).await?;
            config::write(gateway, host, &read_json(&body)?).await?
        }
    })
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, GatewayError> {
    serde_json::from_slice(body).map_err(|error| {
        // serde names fields and types; it quotes no more than a field's own wrong value.
        GatewayError::new(ErrorKind::InvalidRequest, format!("the body cannot be read: {error}"))
    })
}
