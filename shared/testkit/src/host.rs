//! A host without a world: everything it gives is in memory and in virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postern_gateway::{After, FetchError, Host, Outgoing, Secret, Timestamp, settle};

use crate::authority;
use crate::clock::{Clock, Sleep};
use crate::journal::MemoryJournal;
use crate::random::Random;
use crate::script::Script;
use crate::store::MemoryStore;
use crate::upstream::{FakeBody, fetch};

/// A machine of this name takes no connection.
pub const REFUSING: &str = "refusing.test";
/// A machine of this name never answers to a connection.
pub const SILENT: &str = "silent.test";

/// The fake host. Clones share everything.
#[derive(Clone)]
pub struct FakeHost(Arc<Inner>);

struct Inner {
    clock: Clock,
    random: Mutex<Random>,
    secrets: Mutex<BTreeMap<String, Secret>>,
    store: MemoryStore,
    journal: MemoryJournal,
    script: Mutex<Script>,
    abandoned: Mutex<Vec<After>>,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self(Arc::new(Inner {
            clock: Clock::default(),
            random: Mutex::new(Random::new(1)),
            secrets: Mutex::default(),
            store: MemoryStore::default(),
            journal: MemoryJournal::default(),
            script: Mutex::default(),
            abandoned: Mutex::default(),
        }))
    }
}

impl FakeHost {
    /// A host whose upstream plays `script`.
    #[must_use]
    pub fn new(script: &Script) -> Self {
        let host = Self::default();
        host.play(script);
        host
    }

    /// From now on the upstream plays `script`.
    pub fn play(&self, script: &Script) {
        *self.0.script.lock().unwrap_or_else(PoisonError::into_inner) = script.clone();
    }

    /// Sets a platform secret.
    pub fn set_secret(&self, name: &str, value: &str) {
        let mut secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(name.to_owned(), Secret::new(value));
    }

    /// The clock, to move it or wait on it.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The store, to look into it and to make it fail.
    #[must_use]
    pub fn memory_store(&self) -> &MemoryStore {
        &self.0.store
    }

    /// The journal, to look into it and to make it fail.
    #[must_use]
    pub fn memory_journal(&self) -> &MemoryJournal {
        &self.0.journal
    }

    /// Runs a future to its end in this host's time.
    ///
    /// # Panics
    /// When it waits for what never comes.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        crate::executor::run(&self.0.clock, future)
    }

    /// Settles the calls whose callers left.
    pub async fn settle_abandoned(&self) {
        loop {
            let next = self.0.abandoned.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(after) = next else { return };
            settle(self, after).await;
        }
    }
}

impl Host for FakeHost {
    type Body = FakeBody;
    type Sleep = Sleep;
    type Store = MemoryStore;
    type Journal = MemoryJournal;

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn random(&self, out: &mut [u8]) {
        self.0.random.lock().unwrap_or_else(PoisonError::into_inner).fill(out);
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn store(&self) -> &MemoryStore {
        &self.0.store
    }

    fn journal(&self) -> &MemoryJournal {
        &self.0.journal
    }

    async fn fetch(
        &self,
        request: http::Request<Outgoing>,
        connect: Duration,
    ) -> Result<http::Response<FakeBody>, FetchError> {
        match request.uri().host() {
            Some(REFUSING) => return Err(FetchError::Connect("connection refused".to_owned())),
            Some(SILENT) => {
                self.sleep(connect).await;
                return Err(FetchError::ConnectTimeout);
            }
            _ => {}
        }
        let script = self.0.script.lock().unwrap_or_else(PoisonError::into_inner).clone();
        fetch(&script, &self.0.clock, request, connect).await
    }

    async fn sign_rs256(&self, pkcs8: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        authority::sign_rs256(pkcs8, message)
    }

    fn sleep(&self, time: Duration) -> Sleep {
        self.0.clock.sleep(time)
    }

    fn abandoned(&self, after: After) {
        self.0.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(after);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::script::{Chunk, Conduct, End, Exchange, Expect, Fate, Reply};

    fn request(url: &str) -> http::Request<Outgoing> {
        http::Request::post(url).body(Bytes::from_static(b"{}").into()).unwrap()
    }

    async fn next(body: &mut FakeBody) -> Option<Result<Bytes, FetchError>> {
        std::future::poll_fn(|cx| futures_core::Stream::poll_next(std::pin::Pin::new(&mut *body), cx)).await
    }

    fn slow(end: End) -> Exchange {
        let chunk = |after, text: &'static str| Chunk {
            after: Duration::from_millis(after),
            bytes: Bytes::from_static(text.as_bytes()),
        };
        let reply = Reply {
            delay: Duration::from_millis(100),
            chunks: vec![chunk(0, "one"), chunk(250, "two")],
            end,
            ..Reply::default()
        };
        Exchange { expect: Expect::default(), conduct: Conduct::Answer(reply) }
    }

    #[test]
    fn an_upstream_takes_its_scripted_time() {
        let script = Script::queue([slow(End::Break)]);
        let host = FakeHost::new(&script);
        let begun = host.now();
        host.run(async {
            let mut body = host.fetch(request("http://a.test/"), Duration::MAX).await.unwrap().into_body();
            assert_eq!(host.now().since(begun), Duration::from_millis(100));
            assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"one"))));
            assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"two"))));
            assert_eq!(host.now().since(begun), Duration::from_millis(350));
            assert!(matches!(next(&mut body).await, Some(Err(FetchError::Broken(_)))));
        });
        assert_eq!(script.received()[0].fate, Fate::Given);
        assert!(script.complaints().is_empty());
    }

    #[test]
    fn leaving_early_is_noticed() {
        let script = Script::queue([slow(End::Complete), slow(End::Complete)]);
        let host = FakeHost::new(&script);
        host.run(async {
            let mut body = host.fetch(request("http://a.test/"), Duration::MAX).await.unwrap().into_body();
            next(&mut body).await;
        });
        assert_eq!(script.received()[0].fate, Fate::Cancelled);
        assert_eq!(script.complaints(), ["1 more call(s) to the upstream were expected"]);
    }

    #[test]
    fn machines_that_cannot_be_reached() {
        let host = FakeHost::default();
        let begun = host.now();
        host.run(async {
            let limit = Duration::from_secs(5);
            let refused = host.fetch(request("http://refusing.test/"), limit).await;
            assert!(matches!(refused, Err(FetchError::Connect(_))));
            assert_eq!(host.now(), begun);
            let silent = host.fetch(request("http://silent.test/"), limit).await;
            assert!(matches!(silent, Err(FetchError::ConnectTimeout)));
            assert_eq!(host.now().since(begun), limit);
        });
    }

    #[test]
    fn what_was_not_expected_is_said() {
        let script = Script::queue([Exchange {
            expect: Expect {
                path: Some("/v1/x".into()),
                headers: vec![("authorization".into(), None)],
                body: crate::script::ExpectBody::Bytes(Bytes::from_static(b"{ }")),
                ..Expect::default()
            },
            conduct: Conduct::NeverAnswer,
        }]);
        let host = FakeHost::new(&script);
        let response = host.run(host.fetch(request("http://a.test/v1/y"), Duration::MAX)).unwrap();
        assert_eq!(response.status(), 418);
        let complaint = script.complaints().join("");
        assert!(
            complaint.contains("the path is /v1/y") && complaint.contains("differs at byte 1"),
            "{complaint}"
        );
    }
}
