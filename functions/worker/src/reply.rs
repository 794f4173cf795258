//! A reply on its way to the caller.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::Response;
use http_body::Body as _;
use js_sys::Promise;
use postern_gateway::upload::BrokenOff;
use postern_gateway::{Body, Host as _};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys;

use crate::edge::{self, Outlet};
use crate::host::WorkerHost;
use crate::upstream::{Flow, head_text};

/// How long a copy is still read when its caller has left.
const LAST_LOOK: Duration = Duration::from_millis(25);

/// A reply whose head can be sent.
pub(crate) struct Sending {
    response: JsValue,
    rest: Option<(Outlet, Body<WorkerHost>)>,
}

impl Sending {
    /// Takes the head of a response, and its body if it is there already.
    pub(crate) async fn begin(response: Response<Body<WorkerHost>>) -> Result<Self, JsValue> {
        let (parts, mut body) = response.into_parts();
        let (status, head) = (parts.status.as_u16(), head_text(&parts.headers));
        if body.size_hint().exact().is_some() {
            let bytes = next(&mut body).await.and_then(Result::ok).unwrap_or_default();
            let response = edge::whole_response(status, &head, &bytes)?;
            return Ok(Self { response, rest: None });
        }
        let outlet = Outlet::new(status, &head)?;
        Ok(Self { response: outlet.response(), rest: Some((outlet, body)) })
    }

    /// What the platform sends.
    pub(crate) fn response(&self) -> web_sys::Response {
        self.response.clone().unchecked_into()
    }

    /// Sends what is still to come, until the end or until the caller has gone. Whatever is left is dropped then, which
    /// cancels the upstream.
    pub(crate) async fn finish(self, host: &WorkerHost, gone: &mut (impl Future<Output = ()> + Unpin)) {
        let Some((outlet, mut body)) = self.rest else { return };
        if host.lets_streams_flow()
            && let Some(upstream) = body.release()
        {
            let flow = upstream.flow(&outlet);
            return watch(host, &outlet, body, &flow, gone).await;
        }
        while let Some(bytes) = unless(gone, next(&mut body)).await.flatten() {
            let Ok(bytes) = bytes else {
                drop(body);
                written(gone, outlet.abort()).await;
                return;
            };
            // One piece is under way at a time: a slow caller slows the upstream down.
            if !written(gone, outlet.write(&bytes)).await {
                return;
            }
        }
        drop(body);
        written(gone, outlet.close()).await;
    }
}

/// Watches over an answer that flows by itself, and ends it.
async fn watch(
    host: &WorkerHost,
    outlet: &Outlet,
    mut body: Body<WorkerHost>,
    flow: &Flow,
    gone: &mut (impl Future<Output = ()> + Unpin),
) {
    let Some(last) = unless(gone, next(&mut body)).await else {
        // An SDK leaves at the end mark. Whether it has had it is in what the copy holds.
        flow.hurry();
        select(pin!(next(&mut body)), host.sleep(LAST_LOOK)).await;
        return;
    };
    drop(body);
    let last = last.and_then(Result::ok).unwrap_or_default();
    written(gone, outlet.end(&last)).await;
}

/// The next bytes, `None` at the end.
async fn next(body: &mut Body<WorkerHost>) -> Option<Result<Bytes, BrokenOff>> {
    match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await? {
        Ok(frame) => frame.into_data().ok().map(Ok),
        Err(broken) => Some(Err(broken)),
    }
}

/// Whether a write was taken.
async fn written(gone: &mut (impl Future<Output = ()> + Unpin), write: Promise) -> bool {
    matches!(unless(gone, JsFuture::from(write)).await, Some(Ok(_)))
}

/// What `future` gives, or nothing when the caller is gone before.
pub(crate) async fn unless<F: Future>(
    gone: &mut (impl Future<Output = ()> + Unpin),
    future: F,
) -> Option<F::Output> {
    match select(pin!(future), gone).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
