//! Ways in for tests, in test builds only: traps on demand, and the store and the journal by themselves, so that the
//! contracts that every host keeps can be checked on what runs here.

use std::cell::Cell;

use http::Request;
use postern_gateway::record::{Record, RecordQuery, UsageGroup, UsageQuery};
use postern_gateway::{Host, Journal, Store, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys;

use crate::host::WorkerHost;
use crate::{edge, setup};

/// Traps if the caller asks for it with the header `x-postern-test-trap`.
pub(crate) fn trap<B>(request: &Request<B>, place: &str) {
    if request
        .headers()
        .get("x-postern-test-trap")
        .is_some_and(|wanted| wanted.as_bytes() == place.as_bytes())
    {
        core::arch::wasm32::unreachable();
    }
}

thread_local! {
    static KV_IS_DOWN: Cell<bool> = const { Cell::new(false) };
}

/// Whether KV shall fail.
pub(crate) fn kv_is_down() -> bool {
    KV_IS_DOWN.get()
}

/// What a test asks for.
#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Asked {
    /// KV fails from now on, or does not.
    KvIsDown {
        down: bool,
    },
    /// The next records of this tenant are written, but its object fails, or starts anew, before it says so.
    Break {
        tenant: String,
        #[serde(default)]
        restart: bool,
    },
    /// What the object of this tenant has written.
    Written {
        tenant: String,
    },
    Read {
        name: String,
    },
    Write {
        name: String,
        value: Vec<u8>,
    },
    Remove {
        name: String,
    },
    List {
        prefix: String,
        after: Option<String>,
        limit: usize,
    },
    Append {
        record: Box<Record>,
    },
    Records {
        tenant: Option<String>,
        key: Option<String>,
        model: Option<String>,
        after: Option<String>,
        limit: usize,
        ascending: bool,
    },
    Usage {
        by: Vec<UsageGroup>,
        tenant: Option<String>,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    },
}

/// Answers what a test asks at `/test`, if this is such a request.
pub(crate) async fn answer(
    host: &WorkerHost,
    request: &web_sys::Request,
) -> Option<worker::Result<web_sys::Response>> {
    if !request.url().ends_with("/test") {
        return None;
    }
    let body = JsFuture::from(edge::whole_body(request)).await.ok()?;
    let asked = serde_json::from_slice(&js_sys::Uint8Array::from(body).to_vec()).ok()?;
    let answer = match ask(host, asked).await {
        Ok(answer) => json!({ "ok": answer }),
        Err(error) => json!({ "error": error.0 }),
    };
    Some(setup::json_response(http::StatusCode::OK, &answer))
}

async fn ask(host: &WorkerHost, asked: Asked) -> Result<Value, postern_gateway::StoreError> {
    let (store, journal) = (host.store(), host.journal());
    Ok(match asked {
        Asked::KvIsDown { down } => json!(KV_IS_DOWN.set(down)),
        Asked::Break { tenant, restart } => json!(journal.break_next(&tenant, restart).await?),
        Asked::Written { tenant } => json!(journal.written(&tenant).await?),
        Asked::Read { name } => json!(store.read(&name).await?.map(|value| value.to_vec())),
        Asked::Write { name, value } => json!(store.write(&name, value.into()).await?),
        Asked::Remove { name } => json!(store.remove(&name).await?),
        Asked::List { prefix, after, limit } => {
            let listed = store.list(&prefix, after.as_deref(), limit).await?;
            json!(listed.into_iter().map(|(name, value)| (name, value.to_vec())).collect::<Vec<_>>())
        }
        Asked::Append { record } => json!(journal.append(*record).await?),
        Asked::Records { tenant, key, model, after, limit, ascending } => {
            json!(journal.records(&RecordQuery { tenant, key, model, after, limit, ascending }).await?)
        }
        Asked::Usage { by, tenant, since, until } => {
            json!(journal.usage(&UsageQuery { by, tenant, since, until }).await?)
        }
    })
}
