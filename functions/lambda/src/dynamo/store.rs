//! Whole values by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use bytes::{Bytes, BytesMut};
use futures_util::future::try_join_all;
use postern_gateway::{Store, StoreError, store};

use super::cache::Cache;
use super::layout::{self, Item, LARGEST_VALUE, VALUES, bytes_of, key, number_of, text_of};
use super::{Table, TableError, failed};

/// Parts are read this many at a time.
const AT_ONCE: usize = 4;
/// Times to look again when a value of several parts is replaced while it is read.
const LOOKS: usize = 3;

/// Values in the table.
#[derive(Clone)]
pub struct DynamoStore {
    pub(super) table: Table,
    cache: Arc<Cache>,
    config_writes: Arc<AtomicU64>,
}

impl DynamoStore {
    /// The values of a table.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, cache: Arc::default(), config_writes: Arc::default() }
    }

    /// How often this process has begun or finished to write the configuration: who reads it beside can tell that what
    /// it has read may be old already.
    pub(crate) fn config_writes(&self) -> u64 {
        self.config_writes.load(Ordering::Acquire)
    }

    fn note_write(&self, name: &str) {
        if name == store::CONFIG {
            self.config_writes.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// The value as it is in the table now. `None` when there is none.
    pub(crate) async fn look(&self, name: &str) -> Result<Option<Bytes>, TableError> {
        for _ in 0..LOOKS {
            let got = self.table.operation().get_item().table_name(self.table.name());
            let got = got.set_key(Some(key(VALUES, name))).consistent_read(true).send().await;
            let Some(item) = got.map_err(|error| failed(&error))?.item else { return Ok(None) };
            if let Some(value) = self.value_of(name, &item).await? {
                return Ok(Some(value));
            }
        }
        Err(TableError { code: "a value whose parts are not all there".to_owned() })
    }

    /// An item's value; `None` when a part of it is missing because it was replaced meanwhile.
    async fn value_of(&self, name: &str, item: &Item) -> Result<Option<Bytes>, TableError> {
        if let Some(value) = bytes_of(item, "b") {
            return Ok(Some(Bytes::copy_from_slice(value)));
        }
        let Some((parts, generation)) = number_of(item, "parts").zip(text_of(item, "generation")) else {
            return Err(TableError { code: "a value that this version cannot read".to_owned() });
        };
        let mut value = BytesMut::new();
        let numbers: Vec<u64> = (0..parts).collect();
        for numbers in numbers.chunks(AT_ONCE) {
            for part in try_join_all(numbers.iter().map(|n| self.part(name, generation, *n))).await? {
                let Some(part) = part else { return Ok(None) };
                value.extend_from_slice(&part);
            }
        }
        Ok(Some(value.freeze()))
    }

    async fn part(&self, name: &str, generation: &str, number: u64) -> Result<Option<Vec<u8>>, TableError> {
        let got = self.table.operation().get_item().table_name(self.table.name());
        let got = got.set_key(Some(part_key(name, generation, number))).consistent_read(true).send().await;
        let item = got.map_err(|error| failed(&error))?.item;
        Ok(item.and_then(|item| bytes_of(&item, "b").map(<[u8]>::to_vec)))
    }

    async fn put(&self, item: Item) -> Result<Option<Item>, TableError> {
        let put = self.table.operation().put_item().table_name(self.table.name()).set_item(Some(item));
        let put = put.return_values(ReturnValue::AllOld).send().await;
        Ok(put.map_err(|error| failed(&error))?.attributes)
    }

    async fn replace(&self, name: &str, value: &Bytes) -> Result<(), TableError> {
        let head = self.head_of(name, value).await?;
        let before = self.put(head).await?;
        self.remove_parts(name, before).await
    }

    /// Writes a value where there is none; `false` where there is one.
    async fn add(&self, name: &str, value: &Bytes) -> Result<bool, TableError> {
        let head = self.head_of(name, value).await?;
        let put = self.table.operation().put_item().table_name(self.table.name());
        let put = put
            .set_item(Some(head.clone()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            // By a try of this very write, whose answer was lost: nobody else writes the same value, or generation.
            Some(PutItemError::ConditionalCheckFailedException(refused)) if refused.item() == Some(&head) => {
                Ok(true)
            }
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                self.remove_parts(name, Some(head)).await.map(|()| false)
            }
            _ => Err(failed(&error)),
        }
    }

    /// The item of a value, whose parts, if it has any, are written. The head comes last: until then everybody reads the
    /// value of before.
    async fn head_of(&self, name: &str, value: &Bytes) -> Result<Item, TableError> {
        let mut head = key(VALUES, name);
        if value.len() <= LARGEST_VALUE {
            head.insert("b".to_owned(), layout::bytes(value.as_ref()));
            return Ok(head);
        }
        let mut random = [0; 8];
        postern_common::fill_random(&mut random);
        let generation = format!("{:016x}", u64::from_le_bytes(random));
        let parts: Vec<&[u8]> = value.chunks(LARGEST_VALUE).collect();
        head.insert("parts".to_owned(), layout::number(parts.len() as u64));
        head.insert("generation".to_owned(), layout::text(&generation));
        for (number, part) in parts.iter().enumerate() {
            let mut item = part_key(name, &generation, number as u64);
            item.insert("b".to_owned(), layout::bytes(*part));
            self.put(item).await?;
        }
        Ok(head)
    }

    /// Removes the parts that an old head named.
    async fn remove_parts(&self, name: &str, before: Option<Item>) -> Result<(), TableError> {
        let Some(before) = before else { return Ok(()) };
        let Some((parts, generation)) = number_of(&before, "parts").zip(text_of(&before, "generation"))
        else {
            return Ok(());
        };
        for number in 0..parts {
            self.delete(part_key(name, generation, number)).await?;
        }
        Ok(())
    }

    async fn delete(&self, key: Item) -> Result<Option<Item>, TableError> {
        let deleted = self.table.operation().delete_item().table_name(self.table.name()).set_key(Some(key));
        let deleted = deleted.return_values(ReturnValue::AllOld).send().await;
        Ok(deleted.map_err(|error| failed(&error))?.attributes)
    }

    async fn names(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, TableError> {
        let mut start = match after {
            // DynamoDB refuses to begin outside of what is asked for.
            Some(after) if after >= prefix && !after.starts_with(prefix) => return Ok(Vec::new()),
            Some(after) if after >= prefix => Some(key(VALUES, after)),
            _ => None,
        };
        let mut found = Vec::new();
        while found.len() < limit {
            let left = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
            let query = self.table.operation().query().table_name(self.table.name()).limit(left);
            let query = query.expression_attribute_values(":pk", AttributeValue::S(VALUES.to_owned()));
            let query = if prefix.is_empty() {
                query.key_condition_expression("pk = :pk")
            } else {
                query
                    .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                    .expression_attribute_values(":prefix", layout::text(prefix))
            };
            let page = query.consistent_read(true).set_exclusive_start_key(start).send().await;
            let page = page.map_err(|error| failed(&error))?;
            for item in page.items.unwrap_or_default() {
                let Some(name) = text_of(&item, "sk").map(str::to_owned) else { continue };
                let value = match self.value_of(&name, &item).await? {
                    Some(value) => Some(value),
                    None => self.look(&name).await?,
                };
                // Gone between the two looks.
                let Some(value) = value else { continue };
                found.push((name, value));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(found)
    }
}

fn part_key(name: &str, generation: &str, number: u64) -> Item {
    key(format!("part/{name}"), format!("{generation}/{number:04}"))
}

impl Store for DynamoStore {
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let now = SystemTime::now();
        if let Some(value) = self.cache.find(name, now) {
            return Ok(Some(value));
        }
        let value = self.look(name).await.map_err(|error| self.table.store_error("reading", &error))?;
        if let Some(value) = &value {
            self.cache.keep(name, value, now);
        }
        Ok(value)
    }

    async fn write(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        self.note_write(name);
        self.cache.forget(name);
        let written = self.replace(name, &value).await;
        self.note_write(name);
        // It is not kept: another process may write next, and a key that is made, used and revoked within seconds must
        // be looked up at its use.
        written.map_err(|error| self.table.store_error("writing", &error))
    }

    async fn create(&self, name: &str, value: Bytes) -> Result<bool, StoreError> {
        self.note_write(name);
        self.cache.forget(name);
        let added = self.add(name, &value).await;
        self.note_write(name);
        added.map_err(|error| self.table.store_error("writing", &error))
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.cache.forget(name);
        let removing = async {
            let before = self.delete(key(VALUES, name)).await?;
            self.remove_parts(name, before).await
        };
        removing.await.map_err(|error| self.table.store_error("removing", &error))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let found = self.names(prefix, after, limit).await;
        found.map_err(|error| self.table.store_error("listing", &error))
    }
}
