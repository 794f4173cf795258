//! The gateway of an isolate: its configuration is read from KV once, and again in the background while calls go on
//! with what there is. Beside the first reading the Durable Objects are asked whether they can store anything.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, join, select};
use postern_gateway::config::{self, Config};
use postern_gateway::pipeline::Origin;
use postern_gateway::store::CONFIG;
use postern_gateway::{Gateway, Host, Store, StoreError, Timestamp};

use crate::host::WorkerHost;
use crate::store::UNSETTLED;

/// How long a configuration is taken as it is. Together with what KV keeps this is less than a minute.
const FRESH: Duration = Duration::from_secs(25);
/// A refresh that takes longer has died with the call that began it.
const REFRESHING: Duration = Duration::from_secs(15);

/// How long the first call waits for what the Durable Objects say.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the calls of this isolate have.
#[derive(Clone)]
pub(crate) struct Isolate {
    pub(crate) gateway: Rc<Gateway>,
    /// What is wrong with the Durable Objects, each with what to do. `None` if they have not answered yet.
    objects: Option<Rc<[String]>>,
}

impl Isolate {
    /// What keeps this isolate from serving calls, each with what to do.
    pub(crate) fn missing(&self) -> &[String] {
        self.objects.as_deref().unwrap_or_default()
    }
}

struct Loaded {
    isolate: Isolate,
    /// The stored document, to see whether it has changed.
    bytes: Option<Bytes>,
    fresh_until: Timestamp,
    /// Until when a refresh is taken to be under way.
    refreshing_until: Timestamp,
}

thread_local! {
    static LOADED: RefCell<Option<Loaded>> = const { RefCell::new(None) };
}

/// The gateway of this isolate, and what it lacks.
///
/// # Errors
/// When this is the first call and there is no configuration to begin with, with the reason.
pub(crate) async fn isolate(host: &WorkerHost) -> Result<Isolate, String> {
    let now = host.now();
    let known = LOADED.with_borrow_mut(|loaded| {
        let loaded = loaded.as_mut()?;
        let is_due = now >= loaded.fresh_until && now >= loaded.refreshing_until;
        if is_due {
            loaded.refreshing_until = now.plus(REFRESHING);
        }
        Some((loaded.isolate.clone(), is_due))
    });
    match known {
        Some((isolate, is_due)) => {
            if is_due {
                host.wait_until(refresh(host.clone(), isolate.clone()));
            }
            Ok(isolate)
        }
        None => load(host).await,
    }
}

/// This isolate has stored another configuration, and put it in force. KV may give the old one for a while.
pub(crate) fn config_written(bytes: Option<Bytes>, now: Timestamp) {
    LOADED.with_borrow_mut(|loaded| {
        if let Some(loaded) = loaded {
            loaded.bytes = bytes;
            loaded.fresh_until = now.plus(UNSETTLED);
        }
    });
}

async fn load(host: &WorkerHost) -> Result<Isolate, String> {
    let (bytes, objects) = join(host.store().read(CONFIG), check(host)).await;
    let bytes = bytes.map_err(|StoreError(reason)| {
        tracing::error!(reason, "the configuration cannot be read");
        "the store does not answer, and there is no configuration yet: try again".to_owned()
    })?;
    let (config, origin) = parse(host, bytes.as_ref())?;
    let isolate = Isolate { gateway: Rc::new(Gateway::new(config, origin)), objects };
    LOADED.with_borrow_mut(|loaded| {
        // Another first call may have been faster: all go on with the same gateway.
        let loaded = loaded.get_or_insert_with(|| Loaded {
            isolate,
            bytes,
            fresh_until: host.now().plus(FRESH),
            refreshing_until: Timestamp(0),
        });
        Ok(loaded.isolate.clone())
    })
}

/// What is wrong with the Durable Objects. One that is away for a moment refuses no call: records wait for it.
async fn check(host: &WorkerHost) -> Option<Rc<[String]>> {
    let reason = match select(pin!(host.journal().check()), host.sleep(PATIENCE)).await {
        Either::Left((Ok(problems), _)) => return Some(problems.into()),
        Either::Left((Err(reason), _)) => reason,
        Either::Right(_) => "no answer in time".to_owned(),
    };
    tracing::warn!(reason, "the Durable Objects do not say whether they have SQLite");
    None
}

async fn refresh(host: WorkerHost, isolate: Isolate) {
    if isolate.objects.is_none() {
        let objects = check(&host).await;
        LOADED.with_borrow_mut(|loaded| {
            if let Some(loaded) = loaded {
                loaded.isolate.objects = objects;
            }
        });
    }
    let read = host.store().read(CONFIG).await;
    let now = host.now();
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(StoreError(reason)) => {
            tracing::error!(reason, "the configuration cannot be read again: the old one stays in force");
            return;
        }
    };
    let changed = LOADED.with_borrow_mut(|loaded| {
        let Some(loaded) = loaded else { return false };
        if now < loaded.fresh_until {
            // Written here while this was reading: what was read may be older.
            return false;
        }
        loaded.fresh_until = now.plus(FRESH);
        loaded.refreshing_until = Timestamp(0);
        let changed = loaded.bytes != bytes;
        loaded.bytes.clone_from(&bytes);
        changed
    });
    if !changed {
        return;
    }
    match parse(&host, bytes.as_ref()) {
        Ok((config, origin)) => isolate.gateway.replace(config, origin),
        Err(reason) => {
            tracing::error!(reason, "the stored configuration is refused: the old one stays in force");
        }
    }
}

fn parse(host: &WorkerHost, bytes: Option<&Bytes>) -> Result<(Config, Origin), String> {
    let Some(bytes) = bytes else {
        return Ok((Config::demo(&|name| host.secret(name).is_some()), Origin::Demo));
    };
    let document = serde_json::from_slice(bytes).map_err(|error| {
        format!("the KV entry `{CONFIG}` is not JSON: {error}; write it with `postern apply`")
    })?;
    match config::parse(&document) {
        Ok((config, _)) => Ok((config, Origin::Store)),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(format!(
                "the KV entry `{CONFIG}` is not valid for this version: {}; write it with `postern apply`",
                problems.join("; ")
            ))
        }
    }
}
