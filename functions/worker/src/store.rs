//! Whole values in Workers KV.
//!
//! Keys and tokens are kept in the isolate for a while, so that most calls read nothing. KV itself may give a value
//! that is [`KV_CACHE`] old; both together stay within the minute in which a change must be visible everywhere. What
//! this isolate wrote is visible in it at once, and for as long as KV may still give what was there before.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use js_sys::{Array, Promise, Uint8Array};
use postern_gateway::store::{ADMINS, CONFIG, KEYS};
use postern_gateway::{Store, StoreError, Timestamp};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::edge::{self, describe};
use crate::{host, isolate};

/// How old a value may be that KV gives from a cache of its own, seconds. The least that KV takes.
pub(crate) const KV_CACHE: u32 = 30;
/// How long a key or token is kept in the isolate.
const KEPT: Duration = Duration::from_secs(28);
/// How long it is kept that there is none: a new key should work soon, also where it was tried too early.
const KEPT_ABSENT: Duration = Duration::from_secs(5);
/// How long after a write KV may still give what was there before.
pub(crate) const UNSETTLED: Duration = Duration::from_secs(60);
/// Values kept at most.
const MOST: usize = 2000;
/// Values of a list that are read at the same time.
const AT_ONCE: usize = 6;

thread_local! {
    static KEPT_VALUES: RefCell<Kept> = RefCell::default();
}

#[derive(Default)]
struct Kept {
    values: HashMap<String, (Option<Bytes>, Timestamp)>,
    /// Counts changes, so that a read that was under way during one is not kept.
    changes: u64,
}

impl Kept {
    fn insert(&mut self, name: &str, value: Option<Bytes>, now: Timestamp, time: Duration) {
        if self.values.len() >= MOST {
            self.values.retain(|_, (_, until)| *until > now);
        }
        if self.values.len() >= MOST {
            self.values.clear();
        }
        self.values.insert(name.to_owned(), (value, now.plus(time)));
    }
}

/// Values in a KV namespace.
pub(crate) struct KvStore(JsValue);

impl KvStore {
    pub(crate) const fn new(namespace: JsValue) -> Self {
        Self(namespace)
    }

    /// Whether there is a namespace.
    pub(crate) fn is_bound(&self) -> bool {
        !self.0.is_undefined()
    }

    async fn fetch(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        #[cfg(feature = "doors")]
        if crate::doors::kv_is_down() {
            return Err(StoreError("KV: down for a test".to_owned()));
        }
        let value = wait(edge::kv_read(&self.0, name, KV_CACHE)).await?;
        Ok((!value.is_undefined()).then(|| Bytes::from(value.unchecked_into::<Uint8Array>().to_vec())))
    }

    /// Something is other than KV may say for a while.
    fn changed(name: &str, value: Option<&Bytes>) {
        let now = host::now();
        if name == CONFIG {
            isolate::config_written(value.cloned(), now);
        }
        KEPT_VALUES.with_borrow_mut(|kept| {
            kept.changes += 1;
            if is_kept(name) {
                kept.insert(name, value.cloned(), now, UNSETTLED);
            }
        });
    }
}

impl Store for KvStore {
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        if !is_kept(name) {
            return self.fetch(name).await;
        }
        let now = host::now();
        let (found, changes) = KEPT_VALUES.with_borrow(|kept| {
            let found = kept.values.get(name).filter(|(_, until)| *until > now);
            (found.map(|(value, _)| value.clone()), kept.changes)
        });
        if let Some(value) = found {
            return Ok(value);
        }
        let value = self.fetch(name).await?;
        KEPT_VALUES.with_borrow_mut(|kept| {
            if kept.changes == changes {
                let time = if value.is_some() { KEPT } else { KEPT_ABSENT };
                kept.insert(name, value.clone(), now, time);
            }
        });
        Ok(value)
    }

    async fn write(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        wait(edge::kv_write(&self.0, name, &value)).await?;
        Self::changed(name, Some(&value));
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        wait(edge::kv_remove(&self.0, name)).await?;
        Self::changed(name, None);
        Ok(())
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let names = wait(edge::kv_names(&self.0, prefix, after, limit)).await?;
        let names: Vec<String> =
            names.unchecked_into::<Array>().iter().filter_map(|name| name.as_string()).collect();
        let mut listed = Vec::with_capacity(names.len());
        for group in names.chunks(AT_ONCE) {
            let reading = group.iter().map(|name| self.read(name));
            for (name, value) in group.iter().zip(futures_util::future::join_all(reading).await) {
                // What was removed meanwhile is not there.
                if let Some(value) = value? {
                    listed.push((name.clone(), value));
                }
            }
        }
        Ok(listed)
    }
}

fn is_kept(name: &str) -> bool {
    name.starts_with(KEYS) || name.starts_with(ADMINS)
}

async fn wait(promise: Promise) -> Result<JsValue, StoreError> {
    JsFuture::from(promise).await.map_err(|error| StoreError(format!("KV: {}", describe(&error))))
}
