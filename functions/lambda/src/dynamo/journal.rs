//! Call records and their sums.
//!
//! A call writes its record, one item. Its figures are added to the sums together with those of the records before and
//! after it: when the process has written many, when some minutes have passed, or when somebody asks for a report.
//! [`segment`](super::segment) says how that counts every record once.
//!
//! A record that cannot be written stays with the process and is tried again with the next one; it is also logged,
//! without payloads, so that it is not lost with the process.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use aws_smithy_async::time::StaticTimeSource;
use futures_util::future::try_join_all;
use postern_gateway::record::{
    Record, RecordPage, RecordQuery, RollupKey, RollupValue, UsageQuery, UsageRow,
};
use postern_gateway::{Journal, StoreError};

use super::fold::{Fold, Then};
use super::layout::{self, Item, RECORD_DAYS, SHARDS, SUM_DAYS, day_text, key, number_of, text_of};
use super::pages::{Cursor, day_rows};
use super::retry::Patience;
use super::segment::{self, Segment, Writing};
use super::{Table, TableError, failed};

/// How long writing a record may take, with everything that is tried anew.
const TIME: Duration = Duration::from_secs(8);
/// How long the process that wrote them may take to add records to sums. If it cannot, the next report does.
const TIME_TO_ADD: Duration = Duration::from_secs(2);
/// Records that wait for the table to take them, at most.
const MOST_WAITING: usize = 256;
/// Questions about records look at this many pages of the table at most; the answer then says where to go on.
const MOST_PAGES: usize = 64;
/// How DynamoDB refuses a signature, also one of a time that is over.
const SIGNATURE: &str = "InvalidSignatureException";
/// Seconds.
const DAY: u64 = 24 * 60 * 60;
/// Partitions of sums that are read at once.
const AT_ONCE: usize = 8;

/// Tells the time.
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Records in the table.
#[derive(Clone)]
pub struct DynamoJournal {
    table: Table,
    keep: Duration,
    /// Which of the partitions of sums this process adds to: processes on different ones do not meet.
    shard: u8,
    clock: Clock,
    state: Arc<Mutex<State>>,
    /// One record at a time: their numbers follow one another.
    own: Arc<tokio::sync::Mutex<Own>>,
}

#[derive(Default)]
struct State {
    /// Days that are in the directories already, as far as this process knows.
    days: HashSet<(&'static str, u32)>,
    waiting: VecDeque<Record>,
    lost: u64,
}

/// What this process has written and not yet added to sums.
#[derive(Default)]
struct Own {
    writing: Option<Writing>,
    /// Takes no more records.
    ended: Vec<Writing>,
}

impl DynamoJournal {
    /// The records of a table. Each is kept as long as `keep` after its call; DynamoDB removes it some time later.
    #[must_use]
    pub fn new(table: Table, keep: Duration) -> Self {
        let mut random = [0];
        postern_common::fill_random(&mut random);
        let shard = random[0] % SHARDS;
        let clock: Clock = Arc::new(SystemTime::now);
        Self { table, keep, shard, clock, state: Arc::default(), own: Arc::default() }
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    pub(super) const fn shard(&self) -> u8 {
        self.shard
    }

    /// Milliseconds since 1970.
    pub(super) fn now_millis(&self) -> u64 {
        segment::millis((self.clock)())
    }

    /// Records that the table has not taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    async fn write(&self, own: &mut Own, record: &Record) -> Result<(), StoreError> {
        let failed = |error: TableError| self.table.store_error("writing a record", &error);
        let place = layout::place_of(&record.id).zip(layout::made_at(&record.id));
        let Some(((day, shard), made)) = place else {
            return Err(StoreError("a record whose id is no UUID of version 7".to_owned()));
        };
        let ttl = record.at.seconds() + self.keep.as_secs();
        let mut record = record.clone();
        let mut item = key(layout::record_partition(&day_text(day), shard), &record.id);
        item.insert("ttl".to_owned(), layout::number(ttl));
        item.insert("b".to_owned(), layout::bytes(layout::encode_record(&mut record)?));
        // Of the record as it is kept: its names are cut to what a key can hold.
        let figures = (RollupKey::of(&record), RollupValue::of(&record));
        // A day's own entry outlives its records.
        self.note_day(RECORD_DAYS, day, Some(ttl + 2 * DAY)).await.map_err(failed)?;
        let now = self.now_millis();
        if !own.writing.as_ref().is_some_and(|writing| writing.takes(&record.id, made, &figures.0, now)) {
            own.ended.extend(own.writing.take());
            let segment = Segment::new(self.table.region(), &record.id, made, now);
            self.open(&segment).await.map_err(failed)?;
            own.writing = Some(Writing::new(segment));
        }
        // Out of sight until it is certain what became of the record: if it is not, or this is dropped, the segment
        // gets no other record under the same number, and the next report adds what it has.
        let Some(mut writing) = own.writing.take() else { return Ok(()) };
        if self.put(item, &writing).await.map_err(failed)? {
            writing.push(figures);
        }
        if writing.is_full() {
            own.ended.push(writing);
        } else {
            own.writing = Some(writing);
        }
        Ok(())
    }

    /// Makes a segment's item.
    async fn open(&self, segment: &Segment) -> Result<(), TableError> {
        let mut patience = Patience::new(TIME);
        loop {
            let put = self.table.operation().put_item().table_name(self.table.name());
            let Err(error) = put.set_item(Some(segment.item())).send().await else { return Ok(()) };
            let error = failed(&error);
            if !error.is_passing() || !patience.again().await {
                return Err(error);
            }
        }
    }

    /// Writes a record as the next one of a segment. `false` if it was there already, as a record of some other number.
    async fn put(&self, mut item: Item, writing: &Writing) -> Result<bool, TableError> {
        let (segment, number) = (&writing.segment, writing.next());
        item.insert("g".to_owned(), layout::text(&segment.name));
        item.insert("q".to_owned(), layout::number(number));
        let mut patience = Patience::new(TIME);
        let mut thawed = false;
        loop {
            let now = (self.clock)();
            if !segment.is_open(segment::millis(now)) {
                return Err(TableError { code: "the time to write it is over".to_owned() });
            }
            let put = self.table.operation().put_item().table_name(self.table.name());
            let put = put
                .set_item(Some(item.clone()))
                .condition_expression("attribute_not_exists(pk)")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .customize()
                // Signed at the time that was looked at: a process that is frozen right here and wakes up much later
                // sends what DynamoDB refuses as too old.
                .config_override(aws_sdk_dynamodb::Config::builder().time_source(StaticTimeSource::new(now)));
            let Err(error) = put.send().await else { return Ok(true) };
            if let Some(PutItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() {
                let there = refused.item().and_then(|item| text_of(item, "g").zip(number_of(item, "q")));
                // By a try of this very write, whose answer was lost.
                return Ok(there == Some((segment.name.as_str(), number)));
            }
            let error = failed(&error);
            // The clock of a process that was frozen may need a moment to show how long.
            let was_old = error.code == SIGNATURE && !std::mem::replace(&mut thawed, true);
            if !(error.is_passing() || was_old) || !patience.again().await {
                return Err(error);
            }
        }
    }

    /// Adds to sums what takes no more records. What fails is left to the next report: the table has it all.
    async fn add_ended(&self, own: &mut Own) {
        while let Some(writing) = own.ended.pop() {
            if let Err(error) = self.add_all(writing).await {
                tracing::warn!(error = error.code, "records are added to sums with the next report");
            }
        }
    }

    async fn add_all(&self, writing: Writing) -> Result<(), TableError> {
        let Writing { mut segment, written, .. } = writing;
        loop {
            let left = usize::try_from(segment.folded).ok().and_then(|folded| written.get(folded..));
            let left = left.unwrap_or_default();
            match self.add_figures(&segment, left, Then::Removed, TIME_TO_ADD).await? {
                Fold::Done => return Ok(()),
                Fold::Overtaken => match self.folded(&segment).await? {
                    Some(folded) => segment.folded = folded,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Makes sure that a day is known to have sums.
    pub(super) async fn note_sums_of(&self, day: u32) -> Result<(), TableError> {
        self.note_day(SUM_DAYS, day, None).await
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
    async fn catch_up(&self, own: &mut Own) {
        loop {
            let Some(record) = self.state().waiting.front().cloned() else { return };
            if let Err(error) = self.write(own, &record).await {
                tracing::warn!(%error, waiting = self.waiting(), "records still cannot be written");
                return;
            }
            let mut state = self.state();
            if state.waiting.front().is_some_and(|first| first.id == record.id) {
                state.waiting.pop_front();
            }
        }
    }

    /// Adds to sums what processes have written that are frozen or gone. Every report does this by itself.
    pub(crate) async fn add_what_is_left(&self) -> Result<(), StoreError> {
        self.complete().await.map(drop)
    }

    /// The days of a directory, oldest first.
    async fn days(&self, directory: &str) -> Result<Vec<String>, TableError> {
        let (rows, now) = (day_rows(&self.table, directory, None).await?, self.now_millis() / 1000);
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
        let now = self.now_millis() / 1000;
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

/// A record that is being written. If that is given up because the call's time is over, it is kept for later.
struct Held<'a> {
    journal: &'a DynamoJournal,
    record: Option<Record>,
}

impl Held<'_> {
    fn keep(&mut self, error: &StoreError) {
        if let Some(record) = self.record.take() {
            self.journal.keep_for_later(record, error);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.keep(&StoreError("the call's time was over before it was written".to_owned()));
    }
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
        let mut held = Held { journal: self, record: Some(record) };
        let own = &mut *self.own.lock().await;
        if let Some(record) = &held.record
            && let Err(error) = self.write(own, record).await
        {
            held.keep(&error);
            return Err(error);
        }
        held.record = None;
        if self.waiting() > 0 {
            self.catch_up(own).await;
        }
        self.add_ended(own).await;
        Ok(())
    }

    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        self.find(query).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let elsewhere = self.complete().await?;
        let rows = self.sum(query).await.map_err(|error| self.table.store_error("reading sums", &error))?;
        Ok(query.sum(rows.into_iter().chain(elsewhere)))
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
