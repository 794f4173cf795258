//! The tables of the database, and how records and sums are written in them. Versioned.

use postern_gateway::record::{Record, RollupKey, RollupValue};
use redb::{Database, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Values by name.
pub(super) const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");
/// Records by id. Ids are UUIDs of version 7, so this is the order of arrival.
pub(super) const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
/// Sums by day, tenant, key, model, provider.
pub(super) const SUMS: TableDefinition<'_, SumKey<'static>, &[u8]> = TableDefinition::new("sums");
/// Facts about the file itself.
const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");

/// What a row of sums is about: day, tenant, key, model, provider.
pub(super) type SumKey<'a> = (u32, &'a str, &'a str, &'a str, &'a str);

/// The layout of the tables. A reader refuses what it does not know.
const LAYOUT: u64 = 1;
/// The first byte of every record and sum: how the rest is written. 1 is JSON.
const JSON: u8 = 1;

/// Makes the tables of a new file; refuses a file of another layout.
pub(super) fn prepare(database: &Database) -> Result<(), String> {
    let known = layout(database).map_err(|error| format!("it cannot be read: {error}"))?;
    match known {
        Some(LAYOUT) => Ok(()),
        Some(other) => Err(format!(
            "it was written by a newer version (layout {other}, this one reads {LAYOUT}): upgrade postern"
        )),
        None => make(database).map_err(|error| format!("it cannot be written: {error}")),
    }
}

fn layout(database: &Database) -> Result<Option<u64>, redb::Error> {
    let transaction = redb::ReadableDatabase::begin_read(database)?;
    match transaction.open_table(FACTS) {
        Ok(facts) => Ok(facts.get("layout")?.map(|value| value.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

fn make(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(VALUES)?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(SUMS)?;
    transaction.open_table(FACTS)?.insert("layout", LAYOUT)?;
    transaction.commit()?;
    Ok(())
}

/// The key of a row of sums.
pub(super) fn sum_key(key: &RollupKey) -> SumKey<'_> {
    (key.day, &key.tenant, &key.key, &key.model, &key.provider)
}

/// A row of sums from its key.
pub(super) fn rollup_key((day, tenant, key, model, provider): SumKey<'_>) -> RollupKey {
    let own = str::to_owned;
    RollupKey { day, tenant: own(tenant), key: own(key), model: own(model), provider: own(provider) }
}

/// Writes a record into `out`, which is emptied first.
pub(super) fn encode_record(record: &Record, out: &mut Vec<u8>) -> Result<(), String> {
    encode(record, out)
}

/// Reads a record.
pub(super) fn decode_record(bytes: &[u8]) -> Result<Record, String> {
    decode(bytes)
}

/// Writes sums into `out`, which is emptied first.
pub(super) fn encode_sums(sums: &RollupValue, out: &mut Vec<u8>) -> Result<(), String> {
    encode(sums, out)
}

/// Reads sums.
pub(super) fn decode_sums(bytes: &[u8]) -> Result<RollupValue, String> {
    decode(bytes)
}

fn encode(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), String> {
    out.clear();
    out.push(JSON);
    serde_json::to_writer(out, value).map_err(|error| error.to_string())
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.split_first() {
        Some((&JSON, json)) => serde_json::from_slice(json).map_err(|error| error.to_string()),
        Some((other, _)) => Err(format!("it is written in way {other}, this version reads way {JSON}")),
        None => Err("it is empty".to_owned()),
    }
}
