//! The pipeline: one readable function, one file a stage.
//!
//! accept -> authenticate -> resolve -> dispatch -> transcode -> settle. Each stage takes the former's result, so
//! their order cannot be wrong.

mod accept;
mod account;
mod attempt;
mod authorize;
mod body;
mod chat;
mod count;
mod deadline;
mod demo;
mod dispatch;
mod draft;
mod echo;
mod embed;
mod exchange;
mod figures;
mod gateway;
mod headers;
mod intake;
mod invoke;
mod media;
mod moderate;
mod passage;
mod reading;
mod relay;
mod rerank;
mod resolve;
mod rest;
mod run;
mod settle;
mod stream;
mod tally;
mod timer;
mod toy;
mod translation;
mod write;

pub(crate) use accept::{Address, Asks, Call, Kind, read_body};
pub use accept::{RequestId, TraceContext};
pub use body::Body;
pub use deadline::Deadline;
pub(crate) use echo::models as demo_models;
pub use gateway::{Gateway, Origin, Snapshot};
pub(crate) use media::{Media, Resource, Verb};
pub use settle::{After, settle};

use bytes::Bytes;
use http::Request;
use postern_wire::Dialect;
use tracing::Instrument as _;

use crate::host::Host;
use crate::http::{Route, Surface};
use crate::{admin, http as surface};

/// The answer to a request, and what is still to be done once it has been sent.
pub struct Reply<H: Host> {
    /// For the caller.
    pub response: http::Response<Body<H>>,
    /// For [`settle`]: run it once the response's body has been sent or dropped.
    pub after: After,
}

impl<H: Host> Reply<H> {
    /// A reply that leaves nothing to do.
    pub(crate) const fn plain(response: http::Response<Body<H>>) -> Self {
        Self { response, after: After::nothing() }
    }
}

/// Answers one request. Never fails: every failure is an answer in the caller's dialect.
///
/// Dropping the future means that the caller has left: the upstream is cancelled, and the record of the call goes to
/// [`Host::abandoned`].
pub async fn handle<H, B>(gateway: &Gateway, host: &H, request: Request<B>) -> Reply<H>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let arrived = host.now();
    let id = RequestId::new(host, arrived);
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let route = gateway.router.find(&parts.method, path, parts.uri.query());
    let whose = surface::surface_of(path);
    let span = tracing::debug_span!("request", request_id = %id);
    let mut reply = async {
        match route {
            Ok(Route::Call(asks)) => {
                let call = Call::new(host, id.clone(), arrived, asks, parts);
                match call.kind {
                    // In boxes, so that other calls do not carry the room of these about.
                    Kind::Media(made) => Box::pin(media::run(gateway, host, call, made, body)).await,
                    _ => run::run(gateway, host, call, body).await,
                }
            }
            Ok(Route::Resource(resource, thing)) => {
                let kind = Kind::Resource(resource);
                let asks = Asks { dialect: Dialect::OpenAiChat, kind, address: None, endpoint: None };
                let call = Call::new(host, id.clone(), arrived, asks, parts);
                Box::pin(media::run_resource(gateway, host, call, resource, &thing, body)).await
            }
            Ok(Route::Models) => surface::models::list(gateway, host, &parts, arrived).await,
            Ok(Route::Model(name)) => surface::models::retrieve(gateway, host, &parts, arrived, &name).await,
            Ok(Route::Endpoints) => surface::endpoints::list(gateway, host, &parts, arrived).await,
            Ok(Route::Endpoint(name)) => {
                surface::endpoints::retrieve(gateway, host, &parts, arrived, &name).await
            }
            Ok(Route::Admin(operation)) => admin::run(gateway, host, operation, &parts, body).await,
            Ok(Route::Health) => surface::health::health(),
            Ok(Route::Ready) => surface::health::ready(gateway, host).await,
            Ok(Route::OpenApi) => surface::openapi::reply(),
            Err(error) => surface::error::reply(whose, &id, &error),
        }
    }
    .instrument(span)
    .await;
    let headers = reply.response.headers_mut();
    headers.insert(&surface::REQUEST_ID, id.header());
    if whose == Surface::Vendor(Dialect::Anthropic) {
        // Where Anthropic's SDKs look for it.
        headers.insert(&surface::ANTHROPIC_REQUEST_ID, id.header());
    }
    reply
}
