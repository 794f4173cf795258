//! Which records a tenant's object has taken lately, so that one that is offered again is not taken again. Knows ids
//! only.

use std::collections::HashSet;

/// How long a record is remembered at least, milliseconds. It is offered again within half of that.
pub(super) const REMEMBERED: u64 = 600_000;

/// Ids of two periods, the present one and the one before.
#[derive(Default)]
pub(super) struct Seen {
    present: HashSet<u128>,
    before: HashSet<u128>,
    /// When the present period began, milliseconds.
    since: u64,
}

impl Seen {
    pub(super) fn contains(&self, id: u128) -> bool {
        self.present.contains(&id) || self.before.contains(&id)
    }

    /// Remembers ids from `now` on, in milliseconds.
    pub(super) fn add(&mut self, ids: impl IntoIterator<Item = u128>, now: u64) {
        if now.saturating_sub(self.since) > REMEMBERED {
            self.before = std::mem::take(&mut self.present);
            self.since = now;
        }
        self.present.extend(ids);
    }
}

/// An id as a number; `None` if it is no UUID.
pub(super) fn number(id: &str) -> Option<u128> {
    let mut digits = String::with_capacity(32);
    digits.extend(id.chars().filter(|c| *c != '-'));
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

/// When the call of an id arrived, milliseconds since 1970: UUIDs of version 7 begin with it.
pub(super) const fn arrival(id: u128) -> u64 {
    (id >> 80) as u64
}
