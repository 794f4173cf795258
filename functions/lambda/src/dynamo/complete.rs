//! Adding what processes have written and not yet added to sums: before every report, and once an hour. A process may
//! be frozen or gone meanwhile, or wake up while this happens; the segment's account decides whose addition counts.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::future::try_join_all;
use postern_gateway::StoreError;
use postern_gateway::record::{RollupKey, RollupValue};

use super::fold::{self, Fold, Then};
use super::journal::DynamoJournal;
use super::layout::{self, OPEN, RECORD_DAYS, SHARDS, number_of, text_of};
use super::pages::{day_rows, range};
use super::segment::{self, Figures, Segment};
use super::{TableError, failed};

/// Times to look again when others add the same records.
const ROUNDS: usize = 8;
/// Partitions, or segments, that are worked on at once.
const AT_ONCE: usize = 8;
/// How long one addition may take, with everything that is tried anew.
const TIME: Duration = Duration::from_secs(8);

/// Records of each segment that are not in the sums: number and figures.
type Unfolded = HashMap<String, BTreeMap<u64, Figures>>;

impl DynamoJournal {
    /// Adds every record that was written before this was called to its sums. Gives the figures of records that
    /// another region has written and not yet added: only their own region may add them, because conditions hold
    /// within one region.
    pub(super) async fn complete(&self) -> Result<Vec<Figures>, StoreError> {
        for _ in 0..ROUNDS {
            let failed = |error: TableError| self.table().store_error("adding records to sums", &error);
            let segments = self.segments().await.map_err(failed)?;
            let mut unfolded = self.unfolded(&segments).await?;
            let (mut of_others, mut adding) = (Vec::new(), Vec::new());
            for segment in &segments {
                let records = unfolded.remove(&segment.name).unwrap_or_default();
                if *segment.region == *self.table().region() {
                    adding.push((segment, records));
                } else {
                    of_others.extend(records.into_values());
                }
            }
            let mut overtaken = false;
            while !adding.is_empty() {
                let some = adding.drain(..adding.len().min(AT_ONCE));
                let done = try_join_all(some.map(|(segment, records)| self.add(segment, records))).await;
                overtaken |= done.map_err(failed)?.contains(&Fold::Overtaken);
            }
            if !overtaken {
                return Ok(of_others);
            }
        }
        Err(StoreError("records are being added to sums by many at once: ask again".to_owned()))
    }

    /// The segments that there are.
    async fn segments(&self) -> Result<Vec<Segment>, TableError> {
        let items = day_rows(self.table(), OPEN, None).await?;
        items
            .iter()
            .map(|item| {
                Segment::decode(item)
                    .ok_or_else(|| TableError { code: "a segment that this version cannot read".to_owned() })
            })
            .collect()
    }

    /// What the records of these segments are that are not in the sums.
    async fn unfolded(&self, segments: &[Segment]) -> Result<Unfolded, StoreError> {
        let failed = |error: TableError| self.table().store_error("reading records", &error);
        let mut unfolded: Unfolded =
            segments.iter().map(|segment| (segment.name.clone(), BTreeMap::new())).collect();
        let mut reading = Vec::new();
        if !segments.is_empty() {
            let days = day_rows(self.table(), RECORD_DAYS, None).await.map_err(failed)?;
            for (from, to) in ranges(segments) {
                let Some(((first, _), (last, _))) = layout::place_of(&from).zip(layout::place_of(&to)) else {
                    continue;
                };
                let (first, last) = (layout::day_text(first), layout::day_text(last));
                for day in days.iter().filter_map(|day| text_of(day, "sk")) {
                    if (first.as_str()..=last.as_str()).contains(&day) {
                        let partitions = (0..SHARDS).map(|shard| layout::record_partition(day, shard));
                        reading.extend(partitions.map(|partition| (partition, from.clone(), to.clone())));
                    }
                }
            }
        }
        let folded: HashMap<&str, u64> = segments.iter().map(|s| (s.name.as_str(), s.folded)).collect();
        for some in reading.chunks(AT_ONCE) {
            let some = some.iter().map(async |(partition, from, to)| {
                let mut found = Vec::new();
                let mut start = None;
                loop {
                    let page = range(self.table(), partition, from, to, start).await.map_err(failed)?;
                    for item in page.items.unwrap_or_default() {
                        let Some((name, number)) = text_of(&item, "g").zip(number_of(&item, "q")) else {
                            continue;
                        };
                        if folded.get(name).is_some_and(|folded| number > *folded) {
                            let record = layout::decode_record(&item)?;
                            let figures = (RollupKey::of(&record), RollupValue::of(&record));
                            found.push((name.to_owned(), number, figures));
                        }
                    }
                    start = page.last_evaluated_key;
                    if start.is_none() {
                        return Ok::<_, StoreError>(found);
                    }
                }
            });
            for (name, number, figures) in try_join_all(some).await?.into_iter().flatten() {
                unfolded.entry(name).or_default().insert(number, figures);
            }
        }
        Ok(unfolded)
    }

    /// Adds records of a segment to the sums, and removes it when nothing can follow.
    async fn add(&self, segment: &Segment, records: BTreeMap<u64, Figures>) -> Result<Fold, TableError> {
        let settled = segment.is_settled(self.now_millis());
        let (count, figures) = if settled {
            // What is missing in between was removed because its time was over.
            (0, records.into_values().collect())
        } else {
            in_a_row(segment.folded, records)
        };
        let then = match settled {
            true => Then::Removed,
            false if figures.is_empty() => return Ok(Fold::Done),
            false => Then::Folded(count),
        };
        self.add_figures(segment, &figures, then, TIME).await
    }

    /// Adds figures of a segment to the sums of this process's partition.
    pub(super) async fn add_figures(
        &self,
        segment: &Segment,
        figures: &[Figures],
        then: Then,
        time: Duration,
    ) -> Result<Fold, TableError> {
        let sums = segment::sums(figures);
        for (row, _) in &sums {
            self.note_sums_of(row.day).await?;
        }
        let rows = fold::rows(&sums, self.shard(), self.table().region());
        fold::fold(self.table(), segment, &rows, then, time).await
    }

    /// How many records of a segment are in the sums; `None` when it is gone, and all of them are.
    pub(super) async fn folded(&self, segment: &Segment) -> Result<Option<u64>, TableError> {
        let got = self.table().operation().get_item().table_name(self.table().name());
        let got = got.set_key(Some(segment.key())).consistent_read(true).send().await;
        let item = got.map_err(|error| failed(&error))?.item;
        Ok(item.as_ref().and_then(Segment::decode).map(|segment| segment.folded))
    }
}

/// The records that follow number `folded` without a gap, and the number of the last. What comes after a gap waits for
/// what is in it: that was not there when its partition was read.
fn in_a_row(folded: u64, records: BTreeMap<u64, Figures>) -> (u64, Vec<Figures>) {
    let mut last = folded;
    let mut figures = Vec::new();
    for (number, record) in records {
        if number != last + 1 {
            break;
        }
        last = number;
        figures.push(record);
    }
    (last, figures)
}

/// The ranges of ids that segments cover, each once.
fn ranges(segments: &[Segment]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        segments.iter().map(|segment| (segment.first.clone(), layout::first_id(segment.reach + 1))).collect();
    all.sort();
    let mut ranges: Vec<(String, String)> = Vec::new();
    for (from, to) in all {
        match ranges.last_mut() {
            Some(last) if from <= last.1 => last.1 = to.max(std::mem::take(&mut last.1)),
            _ => ranges.push((from, to)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_once() {
        let segment = |from: u64, reach: u64| Segment {
            first: layout::first_id(from) + "7000",
            reach,
            ..Segment::new("r", "", 0, 0)
        };
        let found = ranges(&[segment(50, 60), segment(10, 20), segment(15, 18), segment(20, 30)]);
        let expected = [(10, 31), (50, 61)]
            .map(|(from, to)| (layout::first_id(from) + "7000", layout::first_id(to)))
            .to_vec();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_comes_after_a_gap_waits() {
        let figures =
            |n: u64| (n, (RollupKey::default(), RollupValue { calls: n, ..RollupValue::default() }));
        let (last, added) = in_a_row(2, [3, 4, 6].map(figures).into());
        assert_eq!((last, added.len(), added[1].1.calls), (4, 2, 4));
        assert_eq!(in_a_row(2, [4].map(figures).into()).0, 2);
    }
}
