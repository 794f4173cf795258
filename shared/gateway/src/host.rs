//! Everything the core may ask of the outside world. One implementation an entry point.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;

use crate::pipeline::After;
use crate::record::{Record, RecordPage, RecordQuery, UsageQuery, UsageRow};
use crate::time::Timestamp;
use crate::upload::Outgoing;

/// The outside world. Cheap to clone: a streamed body keeps one for its clock and its timers.
pub trait Host: Clone + 'static {
    /// The body of an upstream's answer.
    type Body: Stream<Item = Result<Bytes, FetchError>> + Unpin + 'static;
    /// A timer.
    type Sleep: Future<Output = ()> + Unpin + 'static;
    /// Eventually consistent whole values: config, keys, prompts.
    type Store: Store;
    /// Append and query: call records.
    type Journal: Journal;

    /// Whether a call may wait for what another call has begun. Not on a Worker, where that may end with the other call.
    const CALLS_SHARE: bool = true;

    /// The time now.
    fn now(&self) -> Timestamp;
    /// Fills `out` with bytes nobody can guess.
    fn random(&self, out: &mut [u8]);
    /// A platform secret by name (environment variable, Worker secret, ...), if it is set and not empty.
    fn secret(&self, name: &str) -> Option<Secret>;
    /// How an operator sets a secret here, for the answer of a deployment that lacks one.
    fn secret_advice(&self) -> &'static str {
        "set it in the environment of the gateway"
    }
    /// Where whole values live.
    fn store(&self) -> &Self::Store;
    /// Where records go.
    fn journal(&self) -> &Self::Journal;
    /// Sends a request and gives the head of the answer, its body still to be read. `connect` bounds the time to
    /// establish a connection, where the platform can tell; every other time limit is the core's. Redirects are not
    /// followed. Dropping the future or the body cancels the request.
    ///
    /// A body that is a stream is sent while it comes in. The head of an answer that does not say success may come before
    /// the body is sent; the rest of the body is then not wanted. If the stream says that it broke off, the request is
    /// cancelled, so that the upstream cannot take what it has for all there is.
    async fn fetch(
        &self,
        request: http::Request<Outgoing>,
        connect: Duration,
    ) -> Result<http::Response<Self::Body>, FetchError>;
    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (RS256 of RFC 7518), by the platform's own cryptography. `pkcs8` is a private
    /// key in DER; `None` if it is none that can sign so.
    async fn sign_rs256(&self, pkcs8: &[u8], message: &[u8]) -> Option<Vec<u8>>;
    /// A timer that is ready after `time`.
    fn sleep(&self, time: Duration) -> Self::Sleep;
    /// A call's future was dropped before it could reply, because its caller left. The host must run
    /// [`settle`](crate::settle) on `after` by its own means. Called from `drop`: it must not block.
    fn abandoned(&self, after: After);
}

/// Why an upstream's answer did not come, or stopped coming.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection: refused, unreachable, unknown host, TLS failure. The text names no credential.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The connection was not there within its time.
    #[error("connecting took too long")]
    ConnectTimeout,
    /// The connection broke after the request was sent.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// In the extensions of a request to an upstream: a stream that answers it may come to be passed on by the host's own means
/// ([`Body::release`](crate::Body::release)), which a host may have to prepare for. Nothing else depends on it.
#[derive(Clone, Copy, Debug)]
pub struct MayFlow;

/// A value that is never shown: its `Debug` hides it and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A store or journal that does not answer. The text is for the operator's log, never for a caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// Eventually consistent whole values by name. Names and encodings are made in [`crate::store`] only.
pub trait Store {
    /// The value, if there is one.
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StoreError>;
    /// Sets the value. Durable when this returns.
    async fn write(&self, name: &str, value: Bytes) -> Result<(), StoreError>;
    /// Sets the value unless there is one; `false` when there is, which stays as it is. Of several at once exactly one
    /// gets `true`. The provided way holds that promise only where nobody else writes meanwhile: it is for stores that
    /// one process has to itself, and for those that cannot compare (Workers KV).
    async fn create(&self, name: &str, value: Bytes) -> Result<bool, StoreError> {
        if self.read(name).await?.is_some() {
            return Ok(false);
        }
        self.write(name, value).await.map(|()| true)
    }
    /// Removes the value, if there is one. Durable when this returns.
    async fn remove(&self, name: &str) -> Result<(), StoreError>;
    /// Names that start with `prefix`, in byte order, after `after` if given, with their values; at most `limit`.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError>;
}

/// Call records: appended once, queried by administrators.
pub trait Journal {
    /// Takes a record. It may be buffered within bounds and made durable a little later; a record with an id that
    /// was already appended is ignored.
    async fn append(&self, record: Record) -> Result<(), StoreError>;
    /// Records that match, newest or oldest first as the query says.
    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError>;
    /// Sums over records, from rolled-up figures.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError>;
}
