//! The one thread that writes. It takes everything that has come together and commits it in one transaction.
//!
//! Changes of values are waited for by who makes them, so they are committed at once. Records are not: they gather
//! for a moment in a bounded buffer. When the buffer is full, because the disk is slow or broken, further records are
//! dropped, counted and said in the log; a call never waits for its record.
//!
//! When reading or writing has failed, this thread opens the file anew, again and again until that works.

use std::collections::HashMap;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use postern_gateway::StoreError;
use postern_gateway::record::{Attempt, Record, RollupKey, RollupValue};
use redb::{ReadableTable, WriteTransaction};
use tokio::sync::oneshot;

use super::cache::Cache;
use super::failure;
use super::file::DatabaseFile;
use super::retention;
use super::tables::{self, RECORDS, SUMS, VALUES};

/// How long records gather: as much is lost when the process is killed.
const GATHER: Duration = Duration::from_millis(200);
/// Records that are committed without waiting for more.
const BATCH: usize = 4096;
/// Records in the buffer at most.
const MOST_RECORDS: usize = 16_384;
/// Bytes of records in the buffer at most.
const MOST_BYTES: usize = 64 << 20;
/// How long to wait before the file is opened anew when it has failed, and how often to look whether it has.
const RETRY: Duration = Duration::from_secs(1);
/// How often old records are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// A new value for a name, or none.
pub(super) struct Change {
    pub(super) name: String,
    pub(super) value: Option<Bytes>,
}

/// The way to the writing thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Records dropped because the buffer was full.
    dropped: AtomicU64,
}

/// What waits to be written.
#[derive(Default)]
struct Queue {
    work: Work,
    closed: bool,
}

#[derive(Default)]
struct Work {
    records: Vec<Record>,
    /// How much memory the records take, about.
    bytes: usize,
    changes: Vec<Change>,
    /// Who waits until all of this is durable.
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// Takes a record if there is room for it.
    fn take(&mut self, record: Record) -> bool {
        let bytes = size(&record);
        let fits = self.records.len() < MOST_RECORDS && self.bytes + bytes <= MOST_BYTES;
        if fits {
            self.records.push(record);
            self.bytes += bytes;
        }
        fits
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(file: Arc<DatabaseFile>, cache: Arc<Cache>, keep: Duration) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let pen = Pen { shared: Arc::clone(&shared), file, cache, keep };
        let thread = thread::Builder::new().name("postern-writer".to_owned()).spawn(move || pen.run())?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Makes a change; ready when it is durable.
    pub(super) async fn change(&self, change: Change) -> Result<(), StoreError> {
        self.wait(Some(change)).await
    }

    /// Ready when everything that was appended before is durable.
    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        self.wait(None).await
    }

    async fn wait(&self, change: Option<Change>) -> Result<(), StoreError> {
        let (done, written) = oneshot::channel();
        {
            let mut queue = self.shared.queue();
            if queue.closed {
                return Err(StoreError("the store is closed".to_owned()));
            }
            queue.work.changes.extend(change);
            queue.work.waiting.push(done);
        }
        self.shared.wake.notify_one();
        written.await.unwrap_or_else(|_| Err(StoreError("the store failed while writing".to_owned())))
    }

    /// Takes a record, or drops and counts it when there are too many already.
    pub(super) fn append(&self, record: Record) -> Result<(), StoreError> {
        let mut queue = self.shared.queue();
        if queue.closed {
            return Err(StoreError("the store is closed".to_owned()));
        }
        let taken = queue.work.take(record);
        let count = queue.work.records.len();
        drop(queue);
        if !taken {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        // The first one starts the clock, a full batch stops it.
        if count == 1 || count == BATCH {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    /// Writes what waits, then ends the thread.
    pub(super) fn close(&self) {
        self.shared.queue().closed = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer of the store has failed");
        }
    }
}

/// How much memory a record takes, about. Callers choose how long some of its texts are.
fn size(record: &Record) -> usize {
    let Record {
        id,
        tenant,
        key,
        dialect,
        operation,
        model,
        provider,
        upstream_model,
        response_model,
        attempts,
        error,
        finish_reasons,
        trace_id,
        country,
        colo,
        region,
        request_body,
        response_body,
        ..
    } = record;
    let texts = [
        id,
        tenant,
        key,
        dialect,
        operation,
        model,
        provider,
        upstream_model,
        response_model,
        trace_id,
        country,
        colo,
        region,
    ];
    let texts = texts.into_iter().chain([error, request_body, response_body].into_iter().flatten());
    let texts: usize = texts.chain(finish_reasons).map(|text| size_of::<String>() + text.len()).sum();
    let attempts = attempts.iter().map(|a| size_of::<Attempt>() + a.provider.len() + a.model.len());
    size_of::<Record>() + texts + attempts.sum::<usize>()
}

/// The thread's own side.
struct Pen {
    shared: Arc<Shared>,
    file: Arc<DatabaseFile>,
    cache: Arc<Cache>,
    keep: Duration,
}

impl Pen {
    fn run(self) {
        let mut next_prune = Instant::now();
        let mut reported = 0;
        loop {
            let look = if self.file.is_broken() { Duration::ZERO } else { RETRY };
            let (work, closed) = self.next_work(next_prune.min(Instant::now() + look));
            let records = work.records.len();
            let turn = AssertUnwindSafe(|| {
                self.write(work, closed);
                if !closed && !self.file.is_broken() && Instant::now() >= next_prune {
                    next_prune = Instant::now() + PRUNE_EVERY;
                    if self.prune() {
                        // There may be more, but calls' records come first.
                        next_prune = Instant::now() + GATHER;
                    }
                }
            });
            // A defect met while writing must not end all writing: what may have caused it is given up.
            if panic::catch_unwind(turn).is_err() {
                tracing::error!(records, "writing has failed by a defect: these records may be lost");
                self.file.mark_broken();
                self.cache.forget_all();
            }
            self.report_dropped(&mut reported);
            if closed {
                return;
            }
            if self.file.is_broken() {
                thread::sleep(RETRY);
                self.reopen();
            }
        }
    }

    fn reopen(&self) {
        match self.file.reopen() {
            Ok(()) => {
                // Nobody knows what became of a change that failed; the file does now.
                self.cache.forget_all();
                tracing::info!("the store was opened again");
            }
            Err(error) => tracing::error!(%error, "the store cannot be opened again yet"),
        }
    }

    /// Waits until there is work that should not wait any longer, or it is time for something else.
    fn next_work(&self, until: Instant) -> (Work, bool) {
        let mut queue = self.shared.queue();
        let mut gathering: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let work = &queue.work;
            if work.records.is_empty() {
                gathering = None;
            } else if gathering.is_none() {
                gathering = Some(now + GATHER);
            }
            let due = gathering.unwrap_or(until);
            let full = work.records.len() >= BATCH;
            if queue.closed || !work.waiting.is_empty() || full || now >= due {
                return (mem::take(&mut queue.work), queue.closed);
            }
            let waited = self.shared.wake.wait_timeout(queue, due - now);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Commits the work and tells who waits for it.
    fn write(&self, mut work: Work, closed: bool) {
        if work.records.is_empty() && work.waiting.is_empty() {
            return;
        }
        let result = self.commit(&work);
        if result.is_err() {
            self.file.mark_broken();
        }
        if !work.changes.is_empty() {
            // Also after a failure: it may have come after the change was made, and a key that was revoked must not
            // go on.
            self.cache.forget(work.changes.iter().map(|change| change.name.as_str()));
        }
        match &result {
            Ok(()) => {}
            Err(error) if closed => {
                tracing::error!(%error, lost = work.records.len(), "the last records could not be written");
            }
            Err(error) => {
                tracing::error!(%error, waiting = work.records.len(), "the store cannot be written");
                self.put_back(&mut work);
            }
        }
        for waiting in work.waiting {
            // Whoever asked may have left.
            let _ = waiting.send(result.clone());
        }
    }

    /// Keeps the records of a commit that failed for the next one, as far as there is room.
    fn put_back(&self, work: &mut Work) {
        let mut queue = self.shared.queue();
        let newer = mem::replace(&mut queue.work.records, mem::take(&mut work.records));
        queue.work.bytes = work.bytes;
        let lost = newer.into_iter().map(|record| queue.work.take(record)).filter(|taken| !taken).count();
        drop(queue);
        self.shared.dropped.fetch_add(lost as u64, Ordering::Relaxed);
    }

    fn commit(&self, work: &Work) -> Result<(), StoreError> {
        if work.records.is_empty() && work.changes.is_empty() {
            return Ok(());
        }
        let transaction = self.file.begin_write()?;
        write_work(&transaction, work).map_err(|error| failure(&error))?;
        transaction.commit().map_err(|error| failure(&error))
    }

    /// Removes some old records; says whether there were any.
    fn prune(&self) -> bool {
        retention::prune(&self.file, self.keep).map_or_else(
            |error| {
                tracing::error!(%error, "old records cannot be removed");
                self.file.mark_broken();
                false
            },
            |removed| removed > 0,
        )
    }

    fn report_dropped(&self, reported: &mut u64) {
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        if dropped > *reported {
            tracing::error!(
                dropped = dropped - *reported,
                total = dropped,
                "records were dropped: they come faster than the store can be written"
            );
            *reported = dropped;
        }
    }
}

fn write_work(transaction: &WriteTransaction, work: &Work) -> Result<(), redb::Error> {
    if !work.changes.is_empty() {
        let mut values = transaction.open_table(VALUES)?;
        for change in &work.changes {
            match &change.value {
                Some(value) => values.insert(change.name.as_str(), value.as_ref())?,
                None => values.remove(change.name.as_str())?,
            };
        }
    }
    if work.records.is_empty() { Ok(()) } else { write_records(transaction, &work.records) }
}

/// However the thread ends, nobody is left waiting for it.
impl Drop for Pen {
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        queue.closed = true;
        queue.work.waiting.clear();
    }
}

/// Writes records that are not there yet, and adds them to their sums.
fn write_records(transaction: &WriteTransaction, new: &[Record]) -> Result<(), redb::Error> {
    let mut records = transaction.open_table(RECORDS)?;
    let mut sums = HashMap::<RollupKey, RollupValue>::new();
    let mut bytes = Vec::with_capacity(2048);
    for record in new {
        if records.get(record.id.as_str())?.is_some() {
            continue;
        }
        if let Err(error) = tables::encode_record(record, &mut bytes) {
            tracing::error!(request_id = record.id, error, "the record of a call cannot be encoded");
            continue;
        }
        records.insert(record.id.as_str(), bytes.as_slice())?;
        sums.entry(RollupKey::of(record)).or_default().add(&RollupValue::of(record));
    }
    let mut table = transaction.open_table(SUMS)?;
    for (key, mut value) in sums {
        let key = tables::sum_key(&key);
        if let Some(before) = table.get(key)? {
            match tables::decode_sums(before.value()) {
                Ok(before) => value.add(&before),
                // Sums that were lost once must not stop all records from now on.
                Err(error) => tracing::error!(error, "a row of sums cannot be read and begins anew"),
            }
        }
        if let Err(error) = tables::encode_sums(&value, &mut bytes) {
            tracing::error!(error, "a row of sums cannot be encoded");
            continue;
        }
        table.insert(key, bytes.as_slice())?;
    }
    Ok(())
}
