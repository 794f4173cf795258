//! A journal in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postern_gateway::record::{
    Record, RecordPage, RecordQuery, RollupKey, RollupValue, UsageQuery, UsageRow,
};
use postern_gateway::{Journal, StoreError};

use crate::fault::{Fault, Faults};

/// The calls of a journal, for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalCall {
    /// [`Journal::append`].
    Append,
    /// [`Journal::records`].
    Records,
    /// [`Journal::usage`].
    Usage,
}

/// Records in memory, by id. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<String, Record>,
    faults: Faults<JournalCall>,
}

impl MemoryJournal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes calls fail; the prefix of a fault is that of the record's id.
    pub fn fail(&self, fault: Fault<JournalCall>) {
        self.state().faults.set(fault);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Everything that was appended, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Record> {
        self.state().records.values().cloned().collect()
    }
}

impl Journal for MemoryJournal {
    async fn append(&self, record: Record) -> Result<(), StoreError> {
        let mut state = self.state();
        let State { records, faults } = &mut *state;
        let id = record.id.clone();
        faults.strike(JournalCall::Append, &id, || {
            records.entry(record.id.clone()).or_insert(record);
        })
    }

    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        let mut state = self.state();
        let State { records, faults } = &mut *state;
        faults.strike(JournalCall::Records, "", || {
            let beyond = |id: &str| match query.after.as_deref() {
                None => true,
                Some(after) if query.ascending => id > after,
                Some(after) => id < after,
            };
            let wanted = |record: &&Record| beyond(&record.id) && query.matches(record);
            let most = query.limit.saturating_add(1);
            let mut found: Vec<Record> = if query.ascending {
                records.values().filter(wanted).take(most).cloned().collect()
            } else {
                records.values().rev().filter(wanted).take(most).cloned().collect()
            };
            let more = found.len() > query.limit;
            found.truncate(query.limit);
            let next = more.then(|| found.last().map(|r| r.id.clone())).flatten();
            RecordPage { data: found, next }
        })
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let mut state = self.state();
        let State { records, faults } = &mut *state;
        faults.strike(JournalCall::Usage, "", || {
            query.sum(records.values().map(|r| (RollupKey::of(r), RollupValue::of(r))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, contract, run};

    #[test]
    fn keeps_the_contract() {
        run(&Clock::default(), contract::journal(&MemoryJournal::default(), async || ()));
    }
}
