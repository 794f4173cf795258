//! Call records and their sums.
//!
//! A record that cannot be written stays with the process and is tried again with the next one; it is also logged,
//! without payloads, so that it is not lost with the process.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::try_join_all;
use postern_gateway::record::{
    Record, RecordPage, RecordQuery, RollupKey, RollupValue, UsageQuery, UsageRow,
};
use postern_gateway::{Journal, StoreError};

use super::layout::{self, RECORD_DAYS, SHARDS, SUM_DAYS, day_text, key, number_of, text_of};
use super::pages::{Cursor, day_rows};
use super::transaction::{self, Entry};
use super::{Table, TableError, failed};

/// Records that wait for the table to take them, at most.
const MOST_WAITING: usize = 256;
/// Questions about records look at this many pages of the table at most; the answer then says where to go on.
const MOST_PAGES: usize = 64;
/// Seconds.
const DAY: u64 = 24 * 60 * 60;
/// Partitions of sums that are read at once.
const AT_ONCE: usize = 8;

/// Records in the table.
#[derive(Clone)]
pub struct DynamoJournal {
    table: Table,
    keep: Duration,
    /// Which of the partitions of sums this process adds to: processes on different ones do not meet.
    shard: u8,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Days that are in the directories already, as far as this process knows.
    days: HashSet<(&'static str, u32)>,
    waiting: VecDeque<Record>,
    lost: u64,
}

impl DynamoJournal {
    /// The records of a table. Each is kept as long as `keep` after its call; DynamoDB removes it some time later.
    #[must_use]
    pub fn new(table: Table, keep: Duration) -> Self {
        let mut random = [0];
        postern_common::fill_random(&mut random);
        Self { table, keep, shard: random[0] % SHARDS, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the table has not taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    async fn write(&self, record: &Record) -> Result<(), StoreError> {
        let failed = |error: TableError| self.table.store_error("writing a record", &error);
        let Some((day, shard)) = layout::place_of(&record.id) else {
            return Err(StoreError("a record whose id is no UUID of version 7".to_owned()));
        };
        let sums = RollupKey::of(record);
        let ttl = record.at.seconds() + self.keep.as_secs();
        // A day's own entry outlives its records.
        self.note_day(RECORD_DAYS, day, Some(ttl + 2 * DAY)).await.map_err(failed)?;
        self.note_day(SUM_DAYS, sums.day, None).await.map_err(failed)?;
        let mut record = record.clone();
        let mut item = key(layout::record_partition(&day_text(day), shard), &record.id);
        item.insert("ttl".to_owned(), layout::number(ttl));
        item.insert("b".to_owned(), layout::bytes(layout::encode_record(&mut record)?));
        // Of the record as it is kept: its names are cut to what a key can hold.
        let sums = RollupKey::of(&record);
        let row = key(
            layout::sums_partition(&day_text(sums.day), self.shard),
            layout::sums_sort(&sums, self.table.region()),
        );
        let entry = Entry { record: item, sums: row, figures: layout::figures(&RollupValue::of(&record)) };
        transaction::write(&self.table, &entry).await.map_err(failed)
    }

    /// Puts a day into a directory, once a process.
    async fn note_day(&self, directory: &'static str, day: u32, ttl: Option<u64>) -> Result<(), TableError> {
        if self.state().days.contains(&(directory, day)) {
            return Ok(());
        }
        let mut item = key(directory, day_text(day));
        item.extend(ttl.map(|ttl| ("ttl".to_owned(), layout::number(ttl))));
        let put = self.table.operation().put_item().table_name(self.table.name()).set_item(Some(item));
        put.send().await.map_err(|error| failed(&error))?;
        self.state().days.insert((directory, day));
        Ok(())
    }

    /// Keeps a record for later, and says so.
    fn keep_for_later(&self, record: Record, error: &StoreError) {
        let bare = Record { request_body: None, response_body: None, ..record.clone() };
        let bare = serde_json::to_string(&bare).unwrap_or_default();
        tracing::error!(%error, record = bare, "a record could not be written; it is tried again with the next");
        let mut state = self.state();
        if state.waiting.len() >= MOST_WAITING {
            state.waiting.pop_front();
            state.lost += 1;
            tracing::error!(count = state.lost, "records are given up; they are in this log");
        }
        state.waiting.push_back(record);
    }

    /// Tries the records that wait, oldest first, until one fails.
    pub(crate) async fn catch_up(&self) {
        loop {
            let Some(record) = self.state().waiting.front().cloned() else { return };
            if let Err(error) = self.write(&record).await {
                tracing::warn!(%error, waiting = self.waiting(), "records still cannot be written");
                return;
            }
            let mut state = self.state();
            if state.waiting.front().is_some_and(|first| first.id == record.id) {
                state.waiting.pop_front();
            }
        }
    }

    /// The days of a directory, oldest first.
    async fn days(&self, directory: &str) -> Result<Vec<String>, TableError> {
        let (rows, now) = (day_rows(&self.table, directory, None).await?, now());
        let rows = rows.iter().filter(|row| number_of(row, "ttl").is_none_or(|ttl| ttl > now));
        Ok(rows.filter_map(|row| text_of(row, "sk").map(str::to_owned)).collect())
    }

    async fn find(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        let failed = |error: TableError| self.table.store_error("reading records", &error);
        let mut page = RecordPage::default();
        let first_day = match &query.after {
            None => None,
            Some(after) => match layout::place_of(after) {
                Some((day, _)) => Some(day_text(day)),
                // No record has such an id, and none comes after it.
                None => return Ok(page),
            },
        };
        let mut days = self.days(RECORD_DAYS).await.map_err(failed)?;
        if !query.ascending {
            days.reverse();
        }
        days.retain(|day| {
            first_day.as_ref().is_none_or(|first| if query.ascending { day >= first } else { day <= first })
        });
        let now = now();
        let mut pages = MOST_PAGES;
        let mut last = query.after.clone();
        for day in days {
            let mut cursor = Cursor::new(&self.table, &day, query, now);
            loop {
                let Some((id, record)) = cursor.next(&mut pages).await? else {
                    if pages == 0 && cursor.has_more() {
                        page.next = last;
                        return Ok(page);
                    }
                    break;
                };
                // There is at least one more: the next page begins after the last one of this.
                if page.data.len() >= query.limit {
                    page.next = last;
                    return Ok(page);
                }
                last = Some(id);
                if query.matches(&record) {
                    page.data.push(record);
                }
            }
        }
        Ok(page)
    }

    async fn sum(&self, query: &UsageQuery) -> Result<Vec<(RollupKey, RollupValue)>, TableError> {
        let day_of = |time: Option<postern_gateway::Timestamp>| time.map(postern_gateway::Timestamp::day);
        let (since, until) = (day_of(query.since).map(day_text), day_of(query.until).map(day_text));
        let days = self.days(SUM_DAYS).await?;
        let asked = days.into_iter().filter(|day| {
            since.as_ref().is_none_or(|since| day >= since) && until.as_ref().is_none_or(|until| day < until)
        });
        let prefix = query.tenant.as_deref().map(layout::sums_of_tenant);
        let partitions: Vec<(String, u8)> =
            asked.flat_map(|day| (0..SHARDS).map(move |shard| (day.clone(), shard))).collect();
        let mut sums = Vec::new();
        for partitions in partitions.chunks(AT_ONCE) {
            let reading = partitions.iter().map(async |(day, shard)| {
                let partition = layout::sums_partition(day, *shard);
                let rows = day_rows(&self.table, &partition, prefix.as_deref()).await?;
                let number = day_number(day);
                Ok::<_, TableError>(
                    rows.iter().filter_map(|row| layout::decode_sums(number, row)).collect::<Vec<_>>(),
                )
            });
            sums.extend(try_join_all(reading).await?.into_iter().flatten());
        }
        Ok(sums)
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Days since 1970 of a day of a directory.
fn day_number(day: &str) -> u32 {
    let format = time::format_description::well_known::Iso8601::DATE;
    let date = time::Date::parse(day, &format).unwrap_or(time::OffsetDateTime::UNIX_EPOCH.date());
    let days = (date - time::OffsetDateTime::UNIX_EPOCH.date()).whole_days();
    u32::try_from(days).unwrap_or_default()
}

impl Journal for DynamoJournal {
    async fn append(&self, record: Record) -> Result<(), StoreError> {
        if let Err(error) = self.write(&record).await {
            self.keep_for_later(record, &error);
            return Err(error);
        }
        if self.waiting() > 0 {
            self.catch_up().await;
        }
        Ok(())
    }

    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        self.find(query).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let rows = self.sum(query).await.map_err(|error| self.table.store_error("reading sums", &error))?;
        Ok(query.sum(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_same_number_and_text() {
        for day in [0, 59, 19_782, 20_000, 30_000] {
            assert_eq!(day_number(&day_text(day)), day);
        }
    }
}
