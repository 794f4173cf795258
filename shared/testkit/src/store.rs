//! A store in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use postern_gateway::{Store, StoreError};

use crate::fault::{Fault, Faults};

/// The calls of a store, for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreCall {
    /// [`Store::read`].
    Read,
    /// [`Store::write`].
    Write,
    /// [`Store::create`].
    Create,
    /// [`Store::remove`].
    Remove,
    /// [`Store::list`].
    List,
}

/// Whole values by name, in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    values: BTreeMap<String, Bytes>,
    faults: Faults<StoreCall>,
    calls: Vec<(StoreCall, String)>,
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes calls fail.
    pub fn fail(&self, fault: Fault<StoreCall>) {
        self.state().faults.set(fault);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Every call so far, with the name or prefix it was about.
    #[must_use]
    pub fn calls(&self) -> Vec<(StoreCall, String)> {
        self.state().calls.clone()
    }

    fn call<T>(
        &self,
        call: StoreCall,
        name: &str,
        effect: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T,
    ) -> Result<T, StoreError> {
        let mut state = self.state();
        let State { values, faults, calls } = &mut *state;
        calls.push((call, name.to_owned()));
        faults.strike(call, name, || effect(values))
    }
}

impl Store for MemoryStore {
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        self.call(StoreCall::Read, name, |values| values.get(name).cloned())
    }

    async fn write(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        self.call(StoreCall::Write, name, |values| {
            values.insert(name.to_owned(), value);
        })
    }

    async fn create(&self, name: &str, value: Bytes) -> Result<bool, StoreError> {
        self.call(StoreCall::Create, name, |values| match values.entry(name.to_owned()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(value);
                true
            }
        })
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.call(StoreCall::Remove, name, |values| {
            values.remove(name);
        })
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        self.call(StoreCall::List, prefix, |values| {
            let start = match after {
                Some(after) if after >= prefix => Bound::Excluded(after),
                _ => Bound::Included(prefix),
            };
            values
                .range::<str, _>((start, Bound::Unbounded))
                .take_while(|(name, _)| name.starts_with(prefix))
                .take(limit)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Times;
    use crate::{Clock, contract, run};

    #[test]
    fn keeps_the_contract() {
        run(&Clock::default(), contract::store(&MemoryStore::default()));
    }

    #[test]
    fn fails_when_told() {
        let store = MemoryStore::default();
        store.fail(Fault::of(StoreCall::Write, Times::Nth(2)).at("key/"));
        store.fail(Fault::of(StoreCall::Remove, Times::First(1)).but_persists());
        run(&Clock::default(), async {
            let value = Bytes::from_static(b"v");
            store.write("other", value.clone()).await.unwrap();
            store.write("key/a", value.clone()).await.unwrap();
            store.write("key/b", value.clone()).await.unwrap_err();
            assert_eq!(store.read("key/b").await.unwrap(), None);
            store.write("key/b", value.clone()).await.unwrap();
            store.remove("key/a").await.unwrap_err();
            assert_eq!(
                store.read("key/a").await.unwrap(),
                None,
                "the effect was there, only its answer was not"
            );
        });
        assert_eq!(store.calls().len(), 7);
    }
}
