//! What all calls share: the configuration in force and the routes.

use std::sync::{Arc, PoisonError, RwLock};

use futures_util::lock::Mutex;

use super::authorize::Tokens;
use super::figures::Listed;
use crate::config::Config;
use crate::http::Router;
use crate::identity::KnownKeys;

/// Where the configuration comes from, which decides who may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file that the operator edits.
    File,
    /// The store; changed through the admin API.
    Store,
    /// Nothing was configured: the demo.
    Demo,
}

impl Origin {
    /// The name in the admin API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Store => "store",
            Self::Demo => "demo",
        }
    }
}

/// A configuration in force. A call keeps the one it began with.
#[derive(Debug)]
pub struct Snapshot {
    /// The document.
    pub config: Config,
    /// Where it came from.
    pub origin: Origin,
    pub(super) listed: Listed,
    /// Of the gateway, whatever its configuration: a token is kept under what it was lent for.
    pub(super) tokens: Arc<Tokens>,
}

impl Snapshot {
    fn new(config: Config, origin: Origin, tokens: Arc<Tokens>) -> Self {
        Self { config, origin, listed: Listed::default(), tokens }
    }
}

/// The gateway: shared by all calls, changed only as a whole.
pub struct Gateway {
    snapshot: RwLock<Arc<Snapshot>>,
    /// Held while a configuration is stored and put in force, so that both end with the same one.
    pub(crate) changing: Mutex<()>,
    pub(crate) keys: KnownKeys,
    tokens: Arc<Tokens>,
    pub(crate) router: Router,
}

impl Gateway {
    /// A gateway with this configuration.
    #[must_use]
    pub fn new(config: Config, origin: Origin) -> Self {
        let tokens = Arc::<Tokens>::default();
        Self {
            snapshot: RwLock::new(Arc::new(Snapshot::new(config, origin, Arc::clone(&tokens)))),
            changing: Mutex::new(()),
            keys: KnownKeys::default(),
            tokens,
            router: Router::new(),
        }
    }

    /// Puts another configuration in force, for calls from now on.
    pub fn replace(&self, config: Config, origin: Origin) {
        let next = Arc::new(Snapshot::new(config, origin, Arc::clone(&self.tokens)));
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// The configuration in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }
}
