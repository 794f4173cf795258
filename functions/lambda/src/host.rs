//! The outside world of the function: its clock, randomness, secrets, table, and upstreams.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_common::{Aws, Client, Environment, Roots, UpstreamBody};
use postern_gateway::record::{Record, RecordPage, RecordQuery, UsageQuery, UsageRow};
use postern_gateway::{After, FetchError, Host, Journal, Outgoing, Secret, StoreError, Timestamp, settle};

use crate::dynamo::{DynamoJournal, DynamoStore, Table};
use crate::metrics;
use crate::secrets::Secrets;
use crate::settings::Settings;

/// The host of calls.
#[derive(Clone)]
pub struct LambdaHost(Arc<Inner>);

struct Inner {
    client: Client,
    aws: Aws,
    secrets: Secrets,
    store: DynamoStore,
    journal: MeteredJournal,
    /// Calls whose future or body was dropped; settled before the invocation ends.
    abandoned: Mutex<Vec<After>>,
}

impl LambdaHost {
    /// A host. Nothing is asked of anybody yet.
    #[must_use]
    pub fn new(settings: &Settings, environment: Environment) -> Self {
        // The function's image has roots of its own, but reading them takes longer than the rest of the start.
        let client = Client::new(Roots::Mozilla);
        let aws = Aws::new(client.clone(), &settings.region, environment.clone());
        let table = Table::new(&aws, settings.table.as_deref().unwrap_or_default());
        let journal = DynamoJournal::new(table.clone(), settings.keep_records);
        Self(Arc::new(Inner {
            client,
            aws,
            secrets: Secrets::new(environment, settings.secrets.clone()),
            store: DynamoStore::new(table),
            journal: MeteredJournal { journal, metrics: settings.metrics },
            abandoned: Mutex::default(),
        }))
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.0.aws
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// Leaves something to be settled before the invocation ends.
    pub(crate) fn leave(&self, after: After) {
        self.0.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(after);
    }

    /// Settles what was left.
    pub(crate) async fn settle_left(&self) {
        loop {
            let left = std::mem::take(&mut *self.0.abandoned.lock().unwrap_or_else(PoisonError::into_inner));
            if left.is_empty() {
                return;
            }
            for after in left {
                settle(self, after).await;
            }
        }
    }
}

impl Host for LambdaHost {
    type Body = UpstreamBody;
    type Sleep = Pin<Box<tokio::time::Sleep>>;
    type Store = DynamoStore;
    type Journal = MeteredJournal;

    fn now(&self) -> Timestamp {
        now()
    }

    fn random(&self, out: &mut [u8]) {
        postern_common::fill_random(out);
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.0.secrets.find(name)
    }

    fn secret_advice(&self) -> &'static str {
        "set it as a variable of the function, or in what POSTERN_SECRETS names"
    }

    fn store(&self) -> &DynamoStore {
        &self.0.store
    }

    fn journal(&self) -> &MeteredJournal {
        &self.0.journal
    }

    async fn fetch(
        &self,
        request: http::Request<Outgoing>,
        connect: Duration,
    ) -> Result<http::Response<UpstreamBody>, FetchError> {
        self.0.client.fetch(request, connect).await
    }

    async fn sign_rs256(&self, pkcs8: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        postern_common::sign_rs256(pkcs8, message)
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        Box::pin(tokio::time::sleep(time))
    }

    fn abandoned(&self, after: After) {
        self.leave(after);
    }
}

/// The time now.
pub(crate) fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64)
}

/// The journal, with a line of metrics for each record.
pub struct MeteredJournal {
    journal: DynamoJournal,
    metrics: bool,
}

impl MeteredJournal {
    pub(crate) async fn add_what_is_left(&self) -> Result<(), StoreError> {
        self.journal.add_what_is_left().await
    }
}

impl Journal for MeteredJournal {
    async fn append(&self, record: Record) -> Result<(), StoreError> {
        if self.metrics {
            metrics::print(&record);
        }
        self.journal.append(record).await
    }

    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        self.journal.records(query).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        self.journal.usage(query).await
    }
}
