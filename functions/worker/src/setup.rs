//! What a deployment must have, and the answers of one that lacks something.

use http::StatusCode;
use js_sys::Object;
use postern_gateway::{ErrorKind, Host};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use worker::worker_sys::web_sys;
use worker::{Context, Env};

use crate::host::{SECRET_ADVICE, WorkerHost};
use crate::{edge, isolate};

/// The bindings of `wrangler.toml` that the gateway uses.
pub(crate) struct Bindings {
    /// The KV namespace `POSTERN`.
    pub(crate) kv: JsValue,
    /// The Durable Objects `TENANTS`, of the class `Tenant`.
    pub(crate) tenants: JsValue,
    /// The Durable Object `DIRECTORY`, of the class `Directory`.
    pub(crate) directory: JsValue,
    /// The Analytics Engine dataset `CALLS`, if there is one.
    pub(crate) calls: Option<JsValue>,
}

impl Bindings {
    /// Finds the bindings.
    ///
    /// # Errors
    /// Everything that is missing, each with what to do.
    pub(crate) fn find(env: &Env) -> Result<Self, Vec<String>> {
        let env: &JsValue = env.as_ref();
        let mut missing = Vec::new();
        let mut find = |name: &str, advice: &str| {
            let binding = edge::binding(env, name);
            if binding.is_undefined() {
                missing.push(format!("the binding {name} is missing: {advice}"));
            }
            binding
        };
        let bindings = Self {
            kv: find(
                "POSTERN",
                "create it with `npx wrangler kv namespace create POSTERN` and name its id under \
                 [[kv_namespaces]] in wrangler.toml, or let `cargo xtask deploy cloudflare` do both",
            ),
            tenants: find("TENANTS", &durable_object("Tenant")),
            directory: find("DIRECTORY", &durable_object("Directory")),
            calls: Some(edge::binding(env, "CALLS")).filter(|binding| !binding.is_undefined()),
        };
        if missing.is_empty() { Ok(bindings) } else { Err(missing) }
    }
}

fn durable_object(class: &str) -> String {
    format!(
        "name the class {class} under [[durable_objects.bindings]] and in the new_sqlite_classes of a \
         [[migrations]] entry in wrangler.toml"
    )
}

/// Answers a call to a deployment without all bindings.
pub(crate) async fn answer(
    request: &web_sys::Request,
    env: Env,
    context: Context,
    mut missing: Vec<String>,
) -> worker::Result<web_sys::Response> {
    match path(&request.url()) {
        "/readyz" => {
            let kv = edge::binding(env.as_ref(), "POSTERN");
            if !kv.is_undefined() {
                missing.extend(missing_secrets(env, context, kv).await);
            }
            not_ready(&missing)
        }
        "/healthz" => json_response(StatusCode::OK, &json!({ "status": "ok" })),
        _ => unavailable(ErrorKind::NotConfigured, &missing.join("; ")),
    }
}

/// Answers a call when there is no configuration to begin with.
pub(crate) fn answer_without_config(
    request: &web_sys::Request,
    reason: &str,
) -> worker::Result<web_sys::Response> {
    match path(&request.url()) {
        "/readyz" => not_ready(&[reason.to_owned()]),
        "/healthz" => json_response(StatusCode::OK, &json!({ "status": "ok" })),
        _ => unavailable(ErrorKind::StoreDown, reason),
    }
}

/// What the stored configuration asks for and the deployment does not have.
async fn missing_secrets(env: Env, context: Context, kv: JsValue) -> Vec<String> {
    let nothing = || JsValue::from(Object::new());
    let bindings = Bindings { kv, tenants: nothing(), directory: nothing(), calls: None };
    let host = WorkerHost::new(env, context, bindings);
    match isolate::gateway(&host).await {
        Err(reason) => vec![reason],
        Ok(gateway) => {
            let unset = gateway.snapshot().config.missing_secrets(&|name| host.secret(name).is_some());
            unset.iter().map(|problem| format!("{problem}: {SECRET_ADVICE}")).collect()
        }
    }
}

fn not_ready(missing: &[String]) -> worker::Result<web_sys::Response> {
    json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready", "missing": missing }))
}

/// An error answer in the shape that callers know.
pub(crate) fn unavailable(kind: ErrorKind, message: &str) -> worker::Result<web_sys::Response> {
    let error = json!({
        "message": message, "type": kind.error_type(), "param": null, "code": kind.code(),
    });
    json_response(kind.status(), &json!({ "error": error }))
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> worker::Result<web_sys::Response> {
    let body = body.to_string();
    let response = edge::whole_response(status.as_u16(), "content-type:application/json", body.as_bytes())?;
    Ok(wasm_bindgen::JsCast::unchecked_into(response))
}

fn path(url: &str) -> &str {
    let path = crate::request::target(url);
    path.split(['?', '#']).next().unwrap_or(path)
}
