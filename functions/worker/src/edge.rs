//! `js/edge.js` and `js/outbox.js` as Rust sees them. Says only what crosses; every function there is one crossing.

use js_sys::{Array, JsString, Promise};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/edge.js")]
extern "C" {
    #[wasm_bindgen(js_name = requestHead)]
    pub(crate) fn request_head(request: &JsValue) -> String;
    pub(crate) fn departure(request: &JsValue) -> Promise;
    #[wasm_bindgen(js_name = wholeBody)]
    pub(crate) fn whole_body(request: &JsValue) -> Promise;

    pub(crate) type Source;
    #[wasm_bindgen(constructor, catch)]
    pub(crate) fn new(stream: &JsValue) -> Result<Source, JsValue>;
    #[wasm_bindgen(method)]
    pub(crate) fn read(this: &Source) -> Promise;

    pub(crate) type Upstream;
    #[wasm_bindgen(constructor)]
    pub(crate) fn new() -> Upstream;
    #[wasm_bindgen(method)]
    pub(crate) fn send(
        this: &Upstream,
        method: &str,
        url: &str,
        head: &str,
        body: &[u8],
        may_flow: bool,
    ) -> Promise;
    #[wasm_bindgen(method, js_name = sendPieces)]
    pub(crate) fn send_pieces(
        this: &Upstream,
        method: &str,
        url: &str,
        head: &str,
        length: Option<f64>,
    ) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn write(this: &Upstream, piece: &[u8]) -> Promise;
    #[wasm_bindgen(method, js_name = endBody)]
    pub(crate) fn end_body(this: &Upstream) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn read(this: &Upstream) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn hurry(this: &Upstream);
    #[wasm_bindgen(method)]
    pub(crate) fn cancel(this: &Upstream);

    #[wasm_bindgen(js_name = wholeResponse, catch)]
    pub(crate) fn whole_response(status: u16, head: &str, body: &[u8]) -> Result<JsValue, JsValue>;

    pub(crate) type Outlet;
    #[wasm_bindgen(constructor, catch)]
    pub(crate) fn new(status: u16, head: &str) -> Result<Outlet, JsValue>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn response(this: &Outlet) -> JsValue;
    #[wasm_bindgen(method)]
    pub(crate) fn write(this: &Outlet, piece: &[u8]) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn flow(this: &Outlet, upstream: &Upstream);
    #[wasm_bindgen(method)]
    pub(crate) fn end(this: &Outlet, last: &[u8]) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn close(this: &Outlet) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn abort(this: &Outlet) -> Promise;

    #[wasm_bindgen(js_name = onTimer)]
    pub(crate) fn on_timer(fire: &Closure<dyn Fn(u32)>);
    #[wasm_bindgen(js_name = setTimer)]
    pub(crate) fn set_timer(milliseconds: f64, number: u32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimer)]
    pub(crate) fn clear_timer(handle: &JsValue);

    #[wasm_bindgen(js_name = randomBytes, catch)]
    pub(crate) fn random_bytes(out: &mut [u8]) -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = signRs256)]
    pub(crate) fn sign_rs256(pkcs8: &[u8], message: &[u8]) -> Promise;

    pub(crate) fn variable(env: &JsValue, name: &str) -> Option<String>;
    pub(crate) fn binding(env: &JsValue, name: &str) -> JsValue;

    #[wasm_bindgen(js_name = kvRead)]
    pub(crate) fn kv_read(kv: &JsValue, name: &str, cache_ttl: u32) -> Promise;
    #[wasm_bindgen(js_name = kvWrite)]
    pub(crate) fn kv_write(kv: &JsValue, name: &str, value: &[u8]) -> Promise;
    #[wasm_bindgen(js_name = kvRemove)]
    pub(crate) fn kv_remove(kv: &JsValue, name: &str) -> Promise;
    #[wasm_bindgen(js_name = kvNames)]
    pub(crate) fn kv_names(kv: &JsValue, prefix: &str, after: Option<&str>, limit: u32) -> Promise;

    pub(crate) fn ask(namespace: &JsValue, name: &str, path: &str, body: &[u8]) -> Promise;

    #[wasm_bindgen(js_name = hasSql)]
    pub(crate) fn has_sql(namespace: &JsValue) -> Promise;
    #[wasm_bindgen(js_name = isSql)]
    pub(crate) fn is_sql(storage: &JsValue) -> bool;
    #[wasm_bindgen(catch)]
    pub(crate) fn transact(storage: &JsValue, statements: &Array) -> Result<f64, JsValue>;

    #[cfg(feature = "doors")]
    #[wasm_bindgen(catch)]
    pub(crate) async fn restart(state: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = countCall, catch)]
    pub(crate) fn count_call(dataset: &JsValue, text: &str, doubles: &[f64]) -> Result<(), JsValue>;

    pub(crate) fn log(level: &str, text: &str);
}

#[wasm_bindgen(module = "/js/outbox.js")]
extern "C" {
    pub(crate) fn enqueue(context: &JsValue, tenants: &JsValue, tenant: &str, record: &str) -> bool;
    pub(crate) fn flush(tenants: &JsValue, tenant: Option<&str>) -> Promise;
}

/// What a thrown value says.
pub(crate) fn describe(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.dyn_ref::<JsString>().map(String::from).unwrap_or_else(|| "an unknown failure".into()),
    }
}
