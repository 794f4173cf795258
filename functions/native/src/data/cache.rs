//! Values that were read lately, so that a call does not look its key up in the file each time.
//!
//! This process alone writes the file, so a value stays true until the writer says that it has changed.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

/// Values kept. A deployment with more keys than this in use reads some of them from the file.
const MOST: usize = 4096;

/// Values by name. Names without a value are not kept: anybody can make those up.
#[derive(Default)]
pub(super) struct Cache(RwLock<Content>);

#[derive(Default)]
struct Content {
    values: HashMap<String, Bytes>,
    /// How often anything has changed.
    changes: u64,
}

/// What the cache says about a name.
pub(super) enum Found {
    /// Its value.
    Value(Bytes),
    /// Nothing; give this back with the value that the file has.
    Unknown(Moment),
}

/// A moment between two changes.
pub(super) struct Moment(u64);

impl Cache {
    /// Looks a name up.
    pub(super) fn find(&self, name: &str) -> Found {
        let content = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match content.values.get(name) {
            Some(value) => Found::Value(value.clone()),
            None => Found::Unknown(Moment(content.changes)),
        }
    }

    /// Keeps a value that was read from the file after `moment`. If anything has changed since, the value may be an
    /// old one, and a key that was just revoked would go on working: it is not kept.
    pub(super) fn keep(&self, moment: &Moment, name: &str, value: Bytes) {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if content.changes != moment.0 {
            return;
        }
        if content.values.len() >= MOST {
            content.values.clear();
        }
        content.values.insert(name.to_owned(), value);
    }

    /// Forgets names whose values have changed in the file.
    pub(super) fn forget<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        content.changes += 1;
        for name in names {
            content.values.remove(name);
        }
    }

    /// Forgets everything: the file may say something else now.
    pub(super) fn forget_all(&self) {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        content.changes += 1;
        content.values.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(cache: &Cache, name: &str) -> Moment {
        match cache.find(name) {
            Found::Unknown(moment) => moment,
            Found::Value(value) => panic!("{name} has {value:?}"),
        }
    }

    #[test]
    fn a_value_read_before_a_change_is_not_kept() {
        let cache = Cache::default();
        let before = unknown(&cache, "a");
        cache.forget(["a"].into_iter());
        cache.keep(&before, "a", Bytes::from_static(b"old"));
        let after = unknown(&cache, "a");
        cache.keep(&after, "a", Bytes::from_static(b"new"));
        assert!(matches!(cache.find("a"), Found::Value(value) if value == "new"));
        cache.forget(["a"].into_iter());
        let before = unknown(&cache, "a");
        cache.forget_all();
        cache.keep(&before, "a", Bytes::from_static(b"old"));
        unknown(&cache, "a");
    }

    #[test]
    fn it_stays_small() {
        let cache = Cache::default();
        for i in 0..MOST * 2 + 1 {
            let name = i.to_string();
            let moment = unknown(&cache, &name);
            cache.keep(&moment, &name, Bytes::new());
        }
        assert!(cache.0.read().unwrap().values.len() <= MOST);
    }
}
