//! Records that a process has written and whose sums are still to be added, and how a reader finds them.
//!
//! A process numbers its records within a segment. The segment is an item of its own, there before its first record; it
//! says where its records are and how many of them are in the sums (`w`). Adding more of them moves `w` on, or removes
//! the item, in the same transaction and on condition that `w` is what it was: so each record is added once, whoever
//! does it. A number is given out only when the one before is in the table for certain; a segment whose last record is
//! uncertain gets no further ones.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_gateway::record::{RollupKey, RollupValue};

use super::layout::{self, Item, OPEN, key, number_of, text_of};

/// Records of a segment, at most.
const MOST_RECORDS: usize = 512;
/// Rows of sums that a segment touches at most: a transaction has a hundred parts, and one is the segment itself.
const MOST_ROWS: usize = 99;
/// For how long a process writes to a segment. Its own cost is shared by that many minutes' calls; a report reads the
/// records of that many minutes.
const OPEN_FOR: Duration = Duration::from_secs(15 * 60);
/// How far the ids of a segment's records are apart at most. An id is of the time when the call came, which is up to
/// fifteen minutes, Lambda's longest call, before the record is written.
const SPAN: Duration = Duration::from_secs(30 * 60);
/// After a process has stopped to write to a segment, nothing more can arrive after this: DynamoDB refuses a request
/// whose signature is older than a quarter of an hour.
const SETTLED: Duration = Duration::from_secs(60 * 60);

/// The figures of one record, and the row of sums they belong to.
pub(super) type Figures = (RollupKey, RollupValue);

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// A segment as its item tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The region whose processes may add its records to sums.
    pub(super) region: String,
    /// Its name, which its records carry.
    pub(super) name: String,
    /// The first id that a record of it may have.
    pub(super) first: String,
    /// The time in ids until which it reaches, milliseconds since 1970.
    pub(super) reach: u64,
    /// Until when its process writes to it, milliseconds since 1970.
    pub(super) until: u64,
    /// Records that are in the sums.
    pub(super) folded: u64,
}

impl Segment {
    /// A segment that begins with the record of this id, which was made at `made`; both times in milliseconds.
    pub(super) fn new(region: &str, id: &str, made: u64, now: u64) -> Self {
        let mut random = [0; 8];
        postern_common::fill_random(&mut random);
        let until = now + OPEN_FOR.as_millis() as u64;
        Self {
            region: region.to_owned(),
            name: format!("{:016x}", u64::from_le_bytes(random)),
            first: id.to_owned(),
            // A clock that was set back makes ids of the future.
            reach: (made + SPAN.as_millis() as u64).min(until.max(made)),
            until,
            folded: 0,
        }
    }

    pub(super) fn key(&self) -> Item {
        key(OPEN, format!("{}/{}", self.region, self.name))
    }

    pub(super) fn item(&self) -> Item {
        let mut item = self.key();
        item.insert("first".to_owned(), layout::text(&self.first));
        item.insert("reach".to_owned(), layout::number(self.reach));
        item.insert("until".to_owned(), layout::number(self.until));
        item.insert("w".to_owned(), layout::number(self.folded));
        item
    }

    pub(super) fn decode(item: &Item) -> Option<Self> {
        let (region, name) = text_of(item, "sk")?.rsplit_once('/')?;
        Some(Self {
            region: region.to_owned(),
            name: name.to_owned(),
            first: text_of(item, "first")?.to_owned(),
            reach: number_of(item, "reach")?,
            until: number_of(item, "until")?,
            folded: number_of(item, "w")?,
        })
    }

    /// Whether its process may write to it now.
    pub(super) const fn is_open(&self, now: u64) -> bool {
        now <= self.until
    }

    /// Whether nothing more can be written to it by anybody.
    pub(super) const fn is_settled(&self, now: u64) -> bool {
        now > self.until + SETTLED.as_millis() as u64
    }

    /// Whether a record's id lies within it.
    fn holds(&self, id: &str, made: u64) -> bool {
        id >= self.first.as_str() && made <= self.reach
    }
}

/// The segment that a process writes to.
pub(super) struct Writing {
    pub(super) segment: Segment,
    /// What it has written; the first is number one.
    pub(super) written: Vec<Figures>,
    rows: std::collections::BTreeSet<RollupKey>,
}

impl Writing {
    pub(super) const fn new(segment: Segment) -> Self {
        Self { segment, written: Vec::new(), rows: std::collections::BTreeSet::new() }
    }

    /// Whether a record may be the next one.
    pub(super) fn takes(&self, id: &str, made: u64, row: &RollupKey, now: u64) -> bool {
        self.segment.is_open(now)
            && self.segment.holds(id, made)
            && !self.is_full()
            && (self.rows.len() < MOST_ROWS || self.rows.contains(row))
    }

    /// The number of the next record.
    pub(super) const fn next(&self) -> u64 {
        self.written.len() as u64 + 1
    }

    /// The next record is in the table.
    pub(super) fn push(&mut self, figures: Figures) {
        self.rows.insert(figures.0.clone());
        self.written.push(figures);
    }

    pub(super) const fn is_full(&self) -> bool {
        self.written.len() >= MOST_RECORDS
    }
}

/// The sums of records, a row each.
pub(super) fn sums<'a>(figures: impl IntoIterator<Item = &'a Figures>) -> Vec<Figures> {
    let mut rows = std::collections::BTreeMap::<RollupKey, RollupValue>::new();
    for (row, value) in figures {
        rows.entry(row.clone()).or_default().add(value);
    }
    rows.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn id(millis: u64) -> String {
        layout::first_id(millis) + "7000-8000-000000000001"
    }

    fn row(number: usize) -> RollupKey {
        RollupKey { tenant: number.to_string(), ..RollupKey::default() }
    }

    #[test]
    fn a_segment_comes_back() {
        let segment = Segment { folded: 7, ..Segment::new("eu-west-1", &id(NOW), NOW, NOW + 5) };
        assert_eq!(Segment::decode(&segment.item()), Some(segment));
    }

    #[test]
    fn it_takes_what_a_reader_finds_again() {
        let minute = 60_000;
        let writing = Writing::new(Segment::new("r", &id(NOW), NOW, NOW));
        let takes = |made: u64, now: u64| writing.takes(&id(made), made, &row(0), now);
        assert!(takes(NOW, NOW) && takes(NOW + 14 * minute, NOW + 15 * minute));
        assert!(!takes(NOW + 1, NOW + 15 * minute + 1), "its time is over");
        assert!(!takes(NOW - 1, NOW), "a call that came before");
        assert!(!takes(NOW + 16 * minute, NOW), "an id of the future");
        // A record that waited for hours gets a segment that does not span them.
        let late = Writing::new(Segment::new("r", &id(NOW), NOW, NOW + 600 * minute));
        assert!(!late.takes(&id(NOW + 600 * minute), NOW + 600 * minute, &row(0), NOW + 600 * minute));
        let segment = &late.segment;
        assert!(segment.is_open(NOW + 615 * minute) && !segment.is_settled(NOW + 675 * minute));
        assert!(segment.is_settled(NOW + 676 * minute));
    }

    #[test]
    fn it_ends_when_a_transaction_could_not_hold_its_rows() {
        let mut writing = Writing::new(Segment::new("r", &id(NOW), NOW, NOW));
        for number in 0..MOST_ROWS {
            assert!(writing.takes(&id(NOW), NOW, &row(number), NOW));
            writing.push((row(number), RollupValue::default()));
        }
        assert!(writing.takes(&id(NOW), NOW, &row(5), NOW) && !writing.takes(&id(NOW), NOW, &row(999), NOW));
        assert_eq!(sums(&writing.written).len(), MOST_ROWS);
        while !writing.is_full() {
            writing.push((row(5), RollupValue::default()));
        }
        assert!(!writing.takes(&id(NOW), NOW, &row(5), NOW));
    }
}
