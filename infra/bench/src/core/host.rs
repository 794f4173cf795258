//! The cheapest host there can be: the system's clock, everything else in memory, an upstream that is there at once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Pending, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_core::Stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use postern_gateway::record::{Outcome, RecordPage, RecordQuery, UsageQuery, UsageRow, UsageSource};
use postern_gateway::{
    After, FetchError, Host, Journal, Outgoing, Record, Secret, Store, StoreError, Timestamp,
};

/// What the upstream answers to every call.
pub(super) struct Upstream {
    /// The content type.
    pub(super) kind: &'static str,
    /// The body, as it comes.
    pub(super) pieces: Vec<Bytes>,
}

/// The host.
#[derive(Clone)]
pub(super) struct BenchHost(Rc<Inner>);

struct Inner {
    upstream: Rc<Upstream>,
    store: MemoryStore,
    journal: CheckingJournal,
    random: Cell<u64>,
    key: Secret,
    abandoned: Cell<u64>,
}

impl BenchHost {
    pub(super) fn new(upstream: Upstream) -> Self {
        Self(Rc::new(Inner {
            upstream: Rc::new(upstream),
            store: MemoryStore::default(),
            journal: CheckingJournal::default(),
            random: Cell::new(0x9e37_79b9_7f4a_7c15),
            key: Secret::new("sk-bench"),
            abandoned: Cell::new(0),
        }))
    }

    /// Calls that did not end as calls to this upstream do.
    pub(super) fn bad_records(&self) -> u64 {
        self.0.journal.bad.get() + self.0.abandoned.get()
    }
}

impl Host for BenchHost {
    type Body = Pieces;
    type Sleep = Pending<()>;
    type Store = MemoryStore;
    type Journal = CheckingJournal;

    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    fn random(&self, out: &mut [u8]) {
        // xorshift64: what is measured is the core, not the system's source of randomness.
        for piece in out.chunks_mut(8) {
            let mut x = self.0.random.get();
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            self.0.random.set(x);
            piece.iter_mut().zip(x.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        (name == "BENCH_KEY").then(|| self.0.key.clone())
    }

    fn store(&self) -> &MemoryStore {
        &self.0.store
    }

    fn journal(&self) -> &CheckingJournal {
        &self.0.journal
    }

    async fn fetch(&self, request: Request<Outgoing>, _: Duration) -> Result<Response<Pieces>, FetchError> {
        drop(request);
        let upstream = &self.0.upstream;
        let pieces = Pieces { upstream: Rc::clone(upstream), next: 0, waits: upstream.pieces.len() > 1 };
        let mut response = Response::new(pieces);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(upstream.kind));
        Ok(response)
    }

    /// No provider that is measured takes signatures.
    async fn sign_rs256(&self, _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn sleep(&self, _: Duration) -> Pending<()> {
        pending()
    }

    fn abandoned(&self, _: After) {
        self.0.abandoned.set(self.0.abandoned.get() + 1);
    }
}

/// The upstream's body. Before each piece of several it is not ready once, as a socket would not be.
pub(super) struct Pieces {
    upstream: Rc<Upstream>,
    next: usize,
    waits: bool,
}

impl Stream for Pieces {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.waits {
            self.waits = false;
            return Poll::Pending;
        }
        let piece = self.upstream.pieces.get(self.next).cloned();
        self.next += 1;
        self.waits = self.upstream.pieces.len() > 1;
        Poll::Ready(piece.map(Ok))
    }
}

/// Values in memory.
#[derive(Default)]
pub(super) struct MemoryStore(RefCell<BTreeMap<String, Bytes>>);

impl Store for MemoryStore {
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.borrow().get(name).cloned())
    }

    async fn write(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        self.0.borrow_mut().insert(name.to_owned(), value);
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.0.borrow_mut().remove(name);
        Ok(())
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let values = self.0.borrow();
        let matching = values.iter().filter(|(name, _)| name.starts_with(prefix));
        let behind = matching.filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
        Ok(behind.take(limit).map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

/// Takes records, looks whether they are those of good calls, and keeps none.
#[derive(Default)]
pub(super) struct CheckingJournal {
    bad: Cell<u64>,
}

impl Journal for CheckingJournal {
    async fn append(&self, record: Record) -> Result<(), StoreError> {
        let is_good =
            record.outcome == Outcome::Ok && record.usage_source == UsageSource::Provider && record.priced;
        self.bad.set(self.bad.get() + u64::from(!is_good));
        Ok(())
    }

    async fn records(&self, _: &RecordQuery) -> Result<RecordPage, StoreError> {
        Ok(RecordPage::default())
    }

    async fn usage(&self, _: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        Ok(Vec::new())
    }
}
