//! One invocation after the other, from the Runtime API and back to it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use postern_common::Environment;
use postern_gateway::record::Place;
use postern_gateway::{After, Body, Deadline, Host as _, Timestamp, handle};
use serde_json::{Value, json};

use crate::answer::{self, Stream};
use crate::command;
use crate::deployment::Deployment;
use crate::event::{Event, Front};
use crate::host::LambdaHost;
use crate::runtime::{Invocation, Runtime, RuntimeError};
use crate::settings::{Answers, Settings};

/// What is kept of an invocation's time for its end: an error for the caller, and the record.
const MARGIN: Duration = Duration::from_secs(2);
/// Failures of the Runtime API in a row after which the process gives up; Lambda starts another one.
const MOST_FAILURES: u32 = 5;

/// When the parts of an invocation must be over.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// The call: the core ends it by itself.
    call: Timestamp,
    /// The body, should the core not have ended it.
    cut: Timestamp,
    /// Everything.
    last: Timestamp,
}

impl Times {
    fn new(now: Timestamp, deadline: Timestamp) -> Self {
        let margin = MARGIN.min(deadline.since(now) / 4).as_micros() as u64;
        let before = |share: u64| Timestamp(deadline.0.saturating_sub(margin * share / 10));
        Self { call: before(10), cut: before(6), last: before(1) }
    }
}

/// Serves until the Runtime API is gone.
///
/// # Errors
/// When it cannot be reached any more, with its reason.
pub async fn run(api: &str, settings: Settings, environment: Environment) -> Result<(), String> {
    let host = LambdaHost::new(&settings, environment);
    let deployment = Arc::new(Deployment::new(settings, host));
    // Read while Lambda gets the first invocation ready.
    let early = Arc::clone(&deployment);
    tokio::spawn(async move { early.before_call().await });
    let mut runtime = Runtime::new(api);
    let mut failures = 0;
    loop {
        let answered = match runtime.next().await {
            Ok(invocation) => answer(&deployment, &mut runtime, invocation).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(()) => failures = 0,
            Err(error) => {
                tracing::error!(%error, "the Runtime API");
                failures += 1;
                if failures == MOST_FAILURES {
                    return Err(error.to_string());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn answer(
    deployment: &Arc<Deployment>,
    runtime: &mut Runtime,
    invocation: Invocation,
) -> Result<(), RuntimeError> {
    let host = &deployment.host;
    let Invocation { id, deadline, event } = invocation;
    let times = Times::new(host.now(), deadline);
    let (request, front) = match Event::decode(&event) {
        Ok(Event::Http { request, front }) => (request, front),
        Ok(Event::Command(command)) => {
            let said = command::run(deployment, &command).await;
            return runtime.respond(&id, said.to_string().into()).await;
        }
        Err(unreadable) => {
            tracing::error!(reason = %unreadable, "an event is not for this function");
            return runtime.fail(&id, "Postern.Event", &unreadable.to_string()).await;
        }
    };
    drop(event);
    let waited = tokio::time::timeout(times.call.since(host.now()), deployment.before_call()).await;
    if waited.is_err() {
        tracing::error!("the configuration did not come in time");
    }
    let beside = Arc::clone(deployment);
    let beside = tokio::spawn(async move { beside.beside().await });
    let (response, after) = respond(deployment, request, times).await;
    let streams = match deployment.settings().answers {
        Answers::Auto => front == Front::FunctionUrl,
        Answers::Stream => true,
        Answers::Whole => false,
    };
    let answered = if streams {
        let stream = Stream::new(host, response, after, times.cut, times.last);
        runtime.stream(&id, Box::pin(stream)).await
    } else {
        let whole = match tokio::time::timeout(times.cut.since(host.now()), answer::whole(response)).await {
            Ok(whole) => whole,
            Err(_elapsed) => answer::whole(out_of_time()).await,
        };
        answer::settle_all(host, after, times.last).await;
        runtime.respond(&id, whole).await
    };
    // What was left when something broke. Lambda may freeze the process once it asks for the next invocation, so
    // nothing may be under way by then.
    answer::settle_all(host, None, times.last).await;
    let left = times.last.since(host.now()).max(Duration::from_millis(50));
    if tokio::time::timeout(left, beside).await.is_err() {
        tracing::warn!("the configuration could not be refreshed in the time of this call");
    }
    answered
}

/// Answers a request. Never fails.
async fn respond(
    deployment: &Deployment,
    mut request: Request<Bytes>,
    times: Times,
) -> (Response<Body<LambdaHost>>, Option<After>) {
    let path = request.uri().path();
    let problems = deployment.problems(path);
    if !problems.is_empty() && path != "/healthz" {
        let response = match path {
            "/readyz" => not_ready(problems, deployment),
            _ => not_configured(&problems),
        };
        return (response, None);
    }
    request.extensions_mut().insert(Deadline(times.call));
    // Where the call was taken. Nothing that a Function URL hands over tells where the caller is.
    request.extensions_mut().insert(Place { colo: deployment.settings().region.clone(), ..Place::default() });
    let handling = handle(&deployment.gateway, &deployment.host, request.map(Full::new));
    let handling = AssertUnwindSafe(handling).catch_unwind();
    match tokio::time::timeout(times.cut.since(deployment.host.now()), handling).await {
        Ok(Ok(reply)) => (reply.response, Some(reply.after)),
        // Where it happened is in the log already.
        Ok(Err(_panic)) => {
            let text = "the gateway failed; this is a defect, and its log says where";
            (error(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", text), None)
        }
        Err(_elapsed) => (out_of_time(), None),
    }
}

fn out_of_time() -> Response<Body<LambdaHost>> {
    error(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "the function's time is over: raise its Timeout")
}

fn not_configured(problems: &[String]) -> Response<Body<LambdaHost>> {
    let text = format!("this deployment is not complete: {}", problems.join("; "));
    error(StatusCode::SERVICE_UNAVAILABLE, "not_configured", &text)
}

fn not_ready(mut missing: Vec<String>, deployment: &Deployment) -> Response<Body<LambdaHost>> {
    missing.extend(deployment.missing_secrets());
    json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready", "missing": missing }))
}

fn error(status: StatusCode, code: &str, text: &str) -> Response<Body<LambdaHost>> {
    let error = json!({ "message": text, "type": "server_error", "param": null, "code": code });
    json_response(status, &json!({ "error": error }))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body<LambdaHost>> {
    let mut response = Response::new(Body::whole(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_invocation_end_one_after_the_other() {
        let now = Timestamp(1_000_000_000);
        for seconds in [1, 3, 30, 900] {
            let deadline = now.plus(Duration::from_secs(seconds));
            let times = Times::new(now, deadline);
            assert!(
                now < times.call && times.call < times.cut && times.cut < times.last && times.last < deadline
            );
            assert!(deadline.since(times.call) <= MARGIN);
        }
    }
}
