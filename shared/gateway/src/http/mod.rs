//! The HTTP surface: routes, error bodies, and the small operations that are not calls to models.

pub(crate) mod endpoints;
pub(crate) mod error;
pub(crate) mod health;
mod media_routes;
mod mlflow_routes;
mod model_shapes;
pub(crate) mod models;
pub(crate) mod openapi;
mod routes;
mod service_routes;
mod surface;

pub(crate) use routes::{AdminOperation, Route, Router};
pub(crate) use surface::{Surface, surface_of};

use http::HeaderName;

/// The id of a request, ours to our caller and the provider's to us.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The same under Anthropic's name.
pub(crate) static ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// The W3C trace.
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
