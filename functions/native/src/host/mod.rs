//! The outside world of the native gateway: system clock, operating system randomness, environment, sockets, the
//! embedded store.

mod tasks;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use postern_common::{Client, Roots, UpstreamBody};
use postern_gateway::{After, FetchError, Host, Outgoing, Secret, Timestamp, settle};

pub(crate) use tasks::Tasks;

use crate::data::{Data, RedbJournal, RedbStore};

/// The host of calls. Each runtime has one with its own connections to upstreams; the rest is shared.
#[derive(Clone)]
pub(crate) struct NativeHost(Arc<Inner>);

struct Inner {
    client: Client,
    shared: Arc<Shared>,
}

struct Shared {
    secrets: HashMap<String, Secret>,
    data: Data,
    settling: Tasks,
}

impl NativeHost {
    /// A host that keeps its things in `data`. The environment is read now, once.
    pub(crate) fn new(data: Data) -> Self {
        let shared = Shared { secrets: environment(), data, settling: Tasks::default() };
        Self(Arc::new(Inner { client: Client::new(Roots::Machine), shared: Arc::new(shared) }))
    }

    /// The same host with connections of its own: a connection belongs to the runtime that opened it.
    pub(crate) fn for_another_runtime(&self) -> Self {
        Self(Arc::new(Inner { client: Client::new(Roots::Machine), shared: Arc::clone(&self.0.shared) }))
    }

    /// Does what is left of a call: at once when nothing has to be waited for, else in a task that shutting down
    /// waits for.
    pub(crate) async fn finish(&self, after: After) {
        if after.is_nothing() {
            return;
        }
        if after.waits_for_body() {
            let host = self.clone();
            let task = self.0.shared.settling.begin();
            tokio::spawn(async move {
                settle(&host, after).await;
                drop(task);
            });
        } else {
            settle(self, after).await;
        }
    }

    /// Ready when everything that [`finish`](Self::finish) has begun is done.
    pub(crate) async fn settled(&self) {
        self.0.shared.settling.none_left().await;
    }

    /// Writes what is buffered and stops writing. Blocks until that is done.
    pub(crate) fn close(&self) {
        self.0.shared.data.close();
    }
}

impl Host for NativeHost {
    type Body = UpstreamBody;
    type Sleep = Pin<Box<tokio::time::Sleep>>;
    type Store = RedbStore;
    type Journal = RedbJournal;

    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_micros() as u64)
    }

    fn random(&self, out: &mut [u8]) {
        postern_common::fill_random(out);
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.0.shared.secrets.get(name).cloned()
    }

    fn store(&self) -> &RedbStore {
        &self.0.shared.data.store
    }

    fn journal(&self) -> &RedbJournal {
        &self.0.shared.data.journal
    }

    async fn fetch(
        &self,
        request: http::Request<Outgoing>,
        connect: Duration,
    ) -> Result<http::Response<UpstreamBody>, FetchError> {
        self.0.client.fetch(request, connect).await
    }

    async fn sign_rs256(&self, pkcs8: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        postern_common::sign_rs256(pkcs8, message)
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        Box::pin(tokio::time::sleep(time))
    }

    fn abandoned(&self, after: After) {
        if after.waits_for_body() {
            // A call that never replied has no body, but should that change, it is settled all the same.
            let host = self.clone();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { host.finish(after).await });
            }
            return;
        }
        // Nothing to wait for: the journal takes a record into its buffer.
        if settle(self, after).now_or_never().is_none() {
            tracing::error!("the record of a call that was abandoned could not be written at once");
        }
    }
}

/// Variables of the environment that have a value.
fn environment() -> HashMap<String, Secret> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, Secret::new(value)))
        .collect()
}
