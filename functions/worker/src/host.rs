//! The outside world of a Worker, for one call: what the platform gives belongs to the call that got it.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use js_sys::Uint8Array;
use postern_gateway::{After, FetchError, Host, MayFlow, Outgoing, Secret, Timestamp, settle};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Env};

use crate::journal::TenantJournal;
use crate::setup::Bindings;
use crate::store::KvStore;
use crate::timer::{Clock, Sleep};
use crate::upstream::{self, UpstreamBody};
use crate::{edge, random};

/// How a secret is set.
pub(crate) const SECRET_ADVICE: &str =
    "set it with `npx wrangler secret put`, or in .dev.vars for `npx wrangler dev`";

/// The host of one call.
#[derive(Clone)]
pub(crate) struct WorkerHost(Rc<Inner>);

struct Inner {
    env: Env,
    context: Context,
    store: KvStore,
    journal: TenantJournal,
    clock: Clock,
}

impl WorkerHost {
    pub(crate) fn new(env: Env, context: Context, bindings: Bindings) -> Self {
        let store = KvStore::new(bindings.kv);
        let caller: &JsValue = context.as_ref();
        let journal =
            TenantJournal::new(caller.clone(), bindings.tenants, bindings.directory, bindings.calls);
        Self(Rc::new(Inner { env, context, store, journal, clock: Clock::default() }))
    }

    /// Whether streams flow to their callers by the platform's own means where they can. Such a stream costs a third, but
    /// workerd lets no error event follow one that breaks or stalls, so it is for the operator to choose.
    pub(crate) fn lets_streams_flow(&self) -> bool {
        edge::variable(self.0.env.as_ref(), "POSTERN_STREAMS").as_deref() == Some("native")
    }

    /// Lets the platform keep the call's context until `future` is done.
    pub(crate) fn wait_until(&self, future: impl Future<Output = ()> + 'static) {
        self.0.context.wait_until(future);
    }
}

/// The time now. It stands still while a Worker computes.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as u64)
}

impl Host for WorkerHost {
    type Body = UpstreamBody;
    type Sleep = Sleep;
    type Store = KvStore;
    type Journal = TenantJournal;

    const CALLS_SHARE: bool = false;

    fn now(&self) -> Timestamp {
        now()
    }

    fn random(&self, out: &mut [u8]) {
        random::fill(out);
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        let env: &JsValue = self.0.env.as_ref();
        edge::variable(env, name).filter(|value| !value.is_empty()).map(Secret::new)
    }

    fn secret_advice(&self) -> &'static str {
        SECRET_ADVICE
    }

    fn store(&self) -> &KvStore {
        &self.0.store
    }

    fn journal(&self) -> &TenantJournal {
        &self.0.journal
    }

    /// The platform does not tell when a connection is made, so `connect` bounds nothing; the core's other limits do.
    async fn fetch(
        &self,
        request: Request<Outgoing>,
        _connect: Duration,
    ) -> Result<Response<UpstreamBody>, FetchError> {
        let may_flow = request.extensions().get::<MayFlow>().is_some() && self.lets_streams_flow();
        upstream::fetch(request, may_flow).await
    }

    async fn sign_rs256(&self, pkcs8: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let signed = JsFuture::from(edge::sign_rs256(pkcs8, message)).await.ok()?;
        signed.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
    }

    fn sleep(&self, time: Duration) -> Sleep {
        self.0.clock.sleep(time)
    }

    fn abandoned(&self, after: After) {
        let host = self.clone();
        self.wait_until(async move { settle(&host, after).await });
    }
}
