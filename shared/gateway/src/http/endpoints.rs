//! The list of endpoints, as MLflow's clients and Databricks' ask for it. An endpoint is a model: one of the
//! configuration, or `PROVIDER/MODEL`.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use postern_wire::catalog::{self, Task};
use postern_wire::dialect::mlflow::endpoints::{self, Endpoint, EndpointType};

use super::error::response_in;
use super::models::{names, owner};
use super::{Surface, surface_of};
use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::identity;
use crate::pipeline::{Body, Gateway, Reply, Snapshot};
use crate::time::Timestamp;

/// Every endpoint that the key may use, on one page.
pub(crate) async fn list<H: Host>(gateway: &Gateway, host: &H, parts: &Parts, now: Timestamp) -> Reply<H> {
    let surface = surface_of(parts.uri.path());
    let caller = match identity::authenticate(&gateway.keys, host, parts, now).await {
        Ok(caller) => caller,
        Err(refused) => return Reply::plain(response_in(surface, None, &refused.error)),
    };
    let snapshot = gateway.snapshot();
    let names: Vec<String> = names(&snapshot, &caller).map(|(name, _)| name).collect();
    let all = names.iter().filter_map(|name| describe(&snapshot, name));
    Reply::plain(reply(match surface {
        Surface::Databricks => endpoints::encode_serving_endpoints(all),
        _ => endpoints::encode_endpoints(all, None),
    }))
}

/// One endpoint.
pub(crate) async fn retrieve<H: Host>(
    gateway: &Gateway,
    host: &H,
    parts: &Parts,
    now: Timestamp,
    name: &str,
) -> Reply<H> {
    let surface = surface_of(parts.uri.path());
    let caller = match identity::authenticate(&gateway.keys, host, parts, now).await {
        Ok(caller) => caller,
        Err(refused) => return Reply::plain(response_in(surface, None, &refused.error)),
    };
    let snapshot = gateway.snapshot();
    let known = owner(&snapshot, &caller, name).and_then(|_| describe(&snapshot, name));
    let Some(endpoint) = known else {
        let text = format!("this key has no endpoint `{name}`: the list of endpoints says what it has");
        let error = GatewayError::new(ErrorKind::UnknownModel, text);
        return Reply::plain(response_in(surface, None, &error));
    };
    Reply::plain(reply(match surface {
        Surface::Databricks => endpoints::encode_serving_endpoint(&endpoint),
        _ => endpoints::encode_endpoint(&endpoint),
    }))
}

/// An endpoint shows what its first target is. There are no types for models that rank or judge: those are no endpoints.
fn describe<'a>(snapshot: &'a Snapshot, name: &'a str) -> Option<Endpoint<'a>> {
    let config = &snapshot.config;
    let first = config.models.get(name).and_then(|model| model.targets.first());
    let (provider, model) = match first {
        Some(target) => (target.provider.as_str(), target.model.as_str()),
        None => name.split_once('/').unwrap_or(("", name)),
    };
    let vendor = config.providers.get(provider).map_or("", |provider| provider.kind.kind);
    let kind = match catalog::find(vendor, model).map(|entry| entry.task) {
        _ if snapshot.embeds(provider, model) => EndpointType::Embeddings,
        Some(Task::Chat | Task::Responses) | None => EndpointType::Chat,
        Some(Task::Completion) => EndpointType::Completions,
        Some(_) => return None,
    };
    Some(Endpoint { name, kind, model, provider: vendor })
}

fn reply<H: Host>(body: Bytes) -> Response<Body<H>> {
    let mut response = Response::new(Body::whole(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
