//! Keys and administrators' tokens that were read lately, so that a call reads nothing.
//!
//! Other processes write the table too, so what is kept is true for some seconds only: a key that is revoked works on
//! for at most that long. Time is the wall clock's: the clock that only counts may stand still while Lambda keeps the
//! process frozen.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use postern_gateway::store;

/// How long a value is true.
pub(super) const FRESH: Duration = Duration::from_secs(30);
/// Values kept.
const MOST: usize = 4096;

/// Values by name. Names without a value are not kept: anybody can make those up.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<String, (SystemTime, Bytes)>>);

impl Cache {
    /// Whether values of this name are kept at all.
    fn takes(name: &str) -> bool {
        name.starts_with(store::KEYS) || name.starts_with(store::ADMINS)
    }

    pub(super) fn find(&self, name: &str, now: SystemTime) -> Option<Bytes> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, value) = values.get(name)?;
        // A clock that was set back makes a value old, not fresh for long.
        now.duration_since(*at).is_ok_and(|age| age < FRESH).then(|| value.clone())
    }

    pub(super) fn keep(&self, name: &str, value: &Bytes, now: SystemTime) {
        if !Self::takes(name) {
            return;
        }
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() >= MOST {
            values.clear();
        }
        values.insert(name.to_owned(), (now, value.clone()));
    }

    pub(super) fn forget(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_true_for_some_seconds_of_the_wall_clock() {
        let cache = Cache::default();
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        cache.keep("key/a", &Bytes::from_static(b"1"), then);
        cache.keep("config", &Bytes::from_static(b"2"), then);
        assert!(cache.find("key/a", then + FRESH / 2).is_some());
        assert_eq!(cache.find("key/a", then + FRESH), None);
        assert_eq!(cache.find("key/a", then - Duration::from_secs(1)), None);
        assert_eq!(cache.find("config", then), None, "the configuration has a rhythm of its own");
        cache.forget("key/a");
        assert_eq!(cache.find("key/a", then), None);
    }

    #[test]
    fn it_stays_small() {
        let cache = Cache::default();
        for n in 0..MOST + 10 {
            cache.keep(&format!("key/{n}"), &Bytes::new(), SystemTime::UNIX_EPOCH);
        }
        assert!(cache.0.lock().unwrap().len() <= MOST);
    }
}
