//! The SDK's requests go through the client that upstreams are called with: one TLS stack, one set of connections,
//! nothing read from the disk at the start.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use postern_common::Client;
use postern_gateway::FetchError;

/// How long a connection may take. Tables are in the same region.
const CONNECT: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(super) struct Connector(pub(super) Client);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(exchange(self.0.clone(), request))
    }
}

async fn exchange(client: Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let (parts, body) =
        request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?.into_parts();
    let body = body.bytes().ok_or_else(|| ConnectorError::user("a request of unknown length".into()))?;
    let request = http::Request::from_parts(parts, Bytes::copy_from_slice(body));
    let (parts, mut body) = client.fetch(request, CONNECT).await.map_err(failure)?.into_parts();
    let mut all: Option<BytesMut> = None;
    let mut first = Bytes::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(failure)?;
        // One piece is the usual case and is not copied.
        match &mut all {
            None if first.is_empty() => first = piece,
            None => {
                let mut joined = BytesMut::from(first.as_ref());
                joined.extend_from_slice(&piece);
                all = Some(joined);
            }
            Some(all) => all.extend_from_slice(&piece),
        }
    }
    let body = all.map_or(first, BytesMut::freeze);
    let response = http::Response::from_parts(parts, SdkBody::from(body));
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

fn failure(error: FetchError) -> ConnectorError {
    match error {
        FetchError::Connect(_) => ConnectorError::io(error.into()).never_connected(),
        FetchError::ConnectTimeout => ConnectorError::timeout(error.into()).never_connected(),
        FetchError::Broken(_) => ConnectorError::io(error.into()),
    }
}
