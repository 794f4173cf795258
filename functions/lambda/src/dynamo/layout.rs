//! The keys of every item, and how what they hold is written. Versioned; a reader refuses what it does not know.
//!
//! | `pk` | `sk` | attributes |
//! |---|---|---|
//! | `value` | name | `b`: the value; or `parts` and `generation` for a value that one item cannot hold |
//! | `part/NAME` | `GENERATION/NNNN` | `b`: a part of a value |
//! | `record/DAY/SHARD` | id | `b`: the record; `ttl`; `g`: its segment, `q`: its number there |
//! | `open` | region, segment | records that may not be in the sums yet: [`segment`](super::segment) |
//! | `sums/DAY/SHARD` | tenant, key, model, provider, region | `n` calls, `e` errors, `i` input, `h` cached, `o` output tokens, `u` micro-USD |
//! | `days/record`, `days/sums` | `DAY` | that there is something of this day |

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
pub(super) use postern_common::table::{LARGEST_VALUE, VALUES};
use postern_gateway::StoreError;
use postern_gateway::record::{Record, RollupKey, RollupValue};
use postern_wire::MicroUsd;

/// An item, or a key.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Partitions that the records of a day, and its sums, are spread over. One partition takes a thousand write units a
/// second, and a call writes one to each kind at most.
pub(super) const SHARDS: u8 = 4;
/// The largest record, bytes.
const LARGEST_RECORD: usize = 380_000;
/// Names in a record are cut to this many bytes: they are a part of keys, which have at most 1024.
const LONGEST_NAME: usize = 384;
/// The first byte of every record: how the rest is written. 1 is JSON.
const JSON: u8 = 1;
/// Between the columns of a row of sums.
const BETWEEN: char = '\u{1f}';

/// The partitions of the days that have records, and sums.
pub(super) const RECORD_DAYS: &str = "days/record";
pub(super) const SUM_DAYS: &str = "days/sums";
/// The partition of segments whose records may not be in the sums yet.
pub(super) const OPEN: &str = "open";

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn bytes(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// An item's key.
pub(super) fn key(partition: impl Into<String>, sort: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), text(partition)), ("sk".to_owned(), text(sort))])
}

pub(super) fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(super) fn number_of(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(super) fn bytes_of<'a>(item: &'a Item, name: &str) -> Option<&'a [u8]> {
    item.get(name)?.as_b().ok().map(AsRef::as_ref)
}

/// A day as the sort key of a directory: days sort as texts.
pub(super) fn day_text(day: u32) -> String {
    RollupKey { day, ..RollupKey::default() }.day_text()
}

pub(super) fn record_partition(day: &str, shard: u8) -> String {
    format!("record/{day}/{shard}")
}

pub(super) fn sums_partition(day: &str, shard: u8) -> String {
    format!("sums/{day}/{shard}")
}

/// The day that an id was made on, and its shard: both follow from the id alone, so that a record that is appended
/// twice meets itself. `None` for what is no UUID of version 7.
pub(super) fn place_of(id: &str) -> Option<(u32, u8)> {
    let millis = made_at(id)?;
    let hex: String = id.chars().filter(|c| *c != '-').collect();
    let last = u8::from_str_radix(hex.get(hex.len().checked_sub(2)?..)?, 16).ok()?;
    Some(((millis / 86_400_000) as u32, last % SHARDS))
}

/// When an id was made, milliseconds since 1970. `None` for what is no UUID of version 7.
pub(super) fn made_at(id: &str) -> Option<u64> {
    let hex: String = id.chars().filter(|c| *c != '-').take(12).collect();
    (hex.len() == 12).then(|| u64::from_str_radix(&hex, 16).ok()).flatten()
}

/// What ids made in this millisecond begin with; sorts before all of them.
pub(super) fn first_id(millis: u64) -> String {
    format!("{:08x}-{:04x}-", millis >> 16 & 0xffff_ffff, millis & 0xffff)
}

/// A record as bytes, without its id, which is the item's sort key, and without what says nothing: a write costs by the
/// kilobyte. Payloads that do not fit into an item are cut, and so are names that no vendor gives.
pub(super) fn encode_record(record: &mut Record) -> Result<Vec<u8>, StoreError> {
    for name in [&mut record.model, &mut record.upstream_model, &mut record.response_model] {
        cut(name, LONGEST_NAME);
    }
    record.attempts.iter_mut().for_each(|attempt| cut(&mut attempt.model, LONGEST_NAME));
    let unwritable = |error: serde_json::Error| StoreError(format!("a record cannot be written: {error}"));
    let nothing = serde_json::to_value(Record::default()).map_err(unwritable)?;
    loop {
        let mut fields = serde_json::to_value(&*record).map_err(unwritable)?;
        if let Some(fields) = fields.as_object_mut() {
            fields.retain(|name, value| name != "id" && nothing.get(name) != Some(value));
        }
        let mut out = vec![JSON];
        serde_json::to_writer(&mut out, &fields).map_err(unwritable)?;
        if out.len() <= LARGEST_RECORD {
            return Ok(out);
        }
        let longest = [&mut record.request_body, &mut record.response_body]
            .into_iter()
            .flatten()
            .max_by_key(|payload| payload.len());
        match longest {
            Some(payload) if !payload.is_empty() => cut(payload, payload.len() / 2),
            _ => return Err(StoreError("a record is larger than an item can be".to_owned())),
        }
    }
}

/// Cuts a text to at most `most` bytes.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
    }
}

/// The record in an item.
pub(super) fn decode_record(item: &Item) -> Result<Record, StoreError> {
    let record = decode_fields(bytes_of(item, "b").unwrap_or_default())?;
    let id = text_of(item, "sk").map(str::to_owned).unwrap_or_default();
    Ok(Record { id, ..record })
}

fn decode_fields(bytes: &[u8]) -> Result<Record, StoreError> {
    match bytes.split_first() {
        Some((&JSON, json)) => serde_json::from_slice(json)
            .map_err(|error| StoreError(format!("a record cannot be read: {error}"))),
        Some((other, _)) => {
            Err(StoreError(format!("a record is written in way {other}, this version reads way {JSON}")))
        }
        None => Err(StoreError("a record is empty".to_owned())),
    }
}

/// The sort key of a row of sums. Each region has rows of its own: where a table is replicated, of two additions to one
/// row in two regions the later one would win.
pub(super) fn sums_sort(key: &RollupKey, region: &str) -> String {
    let columns = [&key.tenant, &key.key, &key.model, &key.provider, region];
    let columns: Vec<String> = columns.iter().map(|column| column.replace(BETWEEN, "\u{fffd}")).collect();
    columns.join(&BETWEEN.to_string())
}

/// What the sort keys of a tenant's rows start with.
pub(super) fn sums_of_tenant(tenant: &str) -> String {
    format!("{tenant}{BETWEEN}")
}

/// The figures of a row of sums: attribute and value.
pub(super) fn figures(value: &RollupValue) -> [(&'static str, u64); 6] {
    [
        ("n", value.calls),
        ("e", value.errors),
        ("i", value.input_tokens),
        ("h", value.cached_tokens),
        ("o", value.output_tokens),
        ("u", value.cost.0),
    ]
}

/// A row of sums.
pub(super) fn decode_sums(day: u32, item: &Item) -> Option<(RollupKey, RollupValue)> {
    let mut columns = text_of(item, "sk")?.split(BETWEEN).map(str::to_owned);
    let key = RollupKey {
        day,
        tenant: columns.next()?,
        key: columns.next()?,
        model: columns.next()?,
        provider: columns.next()?,
    };
    let figure = |name| number_of(item, name).unwrap_or_default();
    let value = RollupValue {
        calls: figure("n"),
        errors: figure("e"),
        input_tokens: figure("i"),
        cached_tokens: figure("h"),
        output_tokens: figure("o"),
        cost: MicroUsd(figure("u")),
    };
    Some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_day_and_shard() {
        // 2024-03-02.
        let (day, shard) = place_of("018dfee0-0001-7000-8000-0000000000ff").unwrap();
        assert_eq!((day_text(day).as_str(), shard), ("2024-03-02", 255 % SHARDS));
        assert_eq!(place_of("nonsense"), None);
        assert_eq!(place_of(""), None);
    }

    #[test]
    fn a_row_of_sums_comes_back() {
        let key = RollupKey {
            day: 3,
            tenant: "acme".into(),
            key: "k".into(),
            model: "openai/gpt-4o".into(),
            provider: String::new(),
        };
        let value = RollupValue {
            calls: 1,
            errors: 2,
            input_tokens: 3,
            cached_tokens: 4,
            output_tokens: 5,
            cost: MicroUsd(6),
        };
        let mut item = self::key("sums/x/0", sums_sort(&key, "eu-west-1"));
        item.extend(figures(&value).map(|(name, figure)| (name.to_owned(), number(figure))));
        assert_eq!(decode_sums(3, &item), Some((key.clone(), value)));
        assert!(sums_sort(&key, "eu-west-1").starts_with(&sums_of_tenant("acme")));
    }

    #[test]
    fn a_record_that_is_too_large_loses_payload_first() {
        let mut record = Record {
            id: "x".into(),
            model: "é".repeat(400),
            request_body: Some("\u{1}".repeat(256 * 1024)),
            response_body: Some("answer".into()),
            ..Record::default()
        };
        let bytes = encode_record(&mut record).unwrap();
        assert!(bytes.len() <= LARGEST_RECORD);
        let mut item = key("record/2024-03-02/0", "x");
        item.insert("b".to_owned(), self::bytes(bytes));
        let read = decode_record(&item).unwrap();
        assert_eq!(read.id, "x");
        assert_eq!(read.response_body.as_deref(), Some("answer"));
        assert!(read.request_body.is_some_and(|body| body.len() > 10_000));
        assert!(read.model.len() <= LONGEST_NAME && read.model.chars().all(|c| c == 'é'));
        assert!(decode_fields(&[9]).unwrap_err().0.contains("way 9"));
    }
}
