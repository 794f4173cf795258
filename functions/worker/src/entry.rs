//! The event that a request is.
//!
//! All of a call runs in a promise that the platform waits for, so that a caller who leaves does not end it before its
//! record is written.

use futures_channel::oneshot;
use futures_util::FutureExt as _;
use postern_gateway::{ErrorKind, handle, settle};
use wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys;
use worker::{Context, Env, event};

use crate::host::WorkerHost;
use crate::reply::{Sending, unless};
use crate::setup::{self, Bindings, unavailable};
use crate::{edge, isolate, logging, request};

/// Answers a request.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    logging::start();
    let bindings = match Bindings::find(&env) {
        Ok(bindings) => bindings,
        Err(missing) => return setup::answer(&request, env, context, missing).await,
    };
    let host = WorkerHost::new(env, context, bindings);
    #[cfg(feature = "doors")]
    if let Some(answer) = crate::doors::answer(&host, &request).await {
        return answer;
    }
    let (head, answered) = oneshot::channel();
    host.wait_until(Box::pin(serve(host.clone(), request, head)));
    match answered.await {
        Ok(response) => response,
        // The caller has left: nobody gets this.
        Err(oneshot::Canceled) => unavailable(ErrorKind::BodyIncomplete, "the caller has left"),
    }
}

async fn serve(
    host: WorkerHost,
    request: web_sys::Request,
    head: oneshot::Sender<worker::Result<web_sys::Response>>,
) {
    // Nobody takes the head when the caller has left meanwhile.
    let answer = |response| drop(head.send(response));
    let gateway = match isolate::gateway(&host).await {
        Ok(gateway) => gateway,
        Err(reason) => return answer(setup::answer_without_config(&request, &reason)),
    };
    let incoming = match request::read(&request) {
        Ok(incoming) => incoming,
        Err(reason) => return answer(unavailable(ErrorKind::InvalidRequest, &reason)),
    };
    #[cfg(feature = "doors")]
    crate::doors::trap(&incoming, "handle");
    let mut gone = JsFuture::from(edge::departure(&request)).map(drop).fuse();
    // A caller who leaves drops the call, which hands its record to `Host::abandoned`.
    let Some(reply) = unless(&mut gone, handle(&gateway, &host, incoming)).await else { return };
    match Sending::begin(reply.response).await {
        Ok(sending) => {
            answer(Ok(sending.response()));
            sending.finish(&host, &mut gone).await;
        }
        Err(error) => answer(Err(error.into())),
    }
    settle(&host, reply.after).await;
}
