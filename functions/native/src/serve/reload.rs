//! A changed configuration file takes effect by itself, or at once on SIGHUP. A bad one changes nothing.
//!
//! The file is looked at once a second: that works on every file system, also where a mounted directory is switched
//! as a whole, and costs nothing. What has just changed is left alone until the next look, because it may be half
//! written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use postern_gateway::Gateway;
use postern_gateway::pipeline::Origin;
use tokio::time::MissedTickBehavior;

use super::source;
use crate::document;
use crate::host::NativeHost;
use crate::signals::ReloadSignals;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// A file that is looked at again and again.
pub(super) struct Watch {
    path: PathBuf,
    /// How it was when it was read.
    loaded: Option<Stamp>,
}

impl Watch {
    /// Watches the file at `path`, which is to be read after this, so that no change falls between the two.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), loaded: Stamp::of(path) }
    }
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    /// `None` when there is no file at the moment, as between the two steps of an editor's saving.
    fn of(path: &Path) -> Option<Self> {
        let facts = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&facts);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self { modified: facts.modified().ok(), length: facts.len(), inode })
    }
}

/// Runs for as long as the gateway serves.
pub(super) async fn run(
    watch: Option<Watch>,
    mut signals: ReloadSignals,
    gateway: Arc<Gateway>,
    host: NativeHost,
) {
    let Some(Watch { path, mut loaded }) = watch else {
        loop {
            signals.next().await;
            tracing::info!("SIGHUP: there is no --config file to read again");
        }
    };
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = loaded;
    loop {
        tokio::select! {
            () = signals.next() => {
                loaded = Stamp::of(&path);
                seen = loaded;
                load(&path, &gateway, &host);
            }
            _ = ticks.tick() => {
                let now = Stamp::of(&path);
                let settled = now == seen;
                seen = now;
                if settled && now.is_some() && now != loaded {
                    loaded = now;
                    load(&path, &gateway, &host);
                }
            }
        }
    }
}

fn load(path: &Path, gateway: &Gateway, host: &NativeHost) {
    match document::load(path) {
        Ok(loaded) => {
            let config = source::accept(loaded, host);
            gateway.replace(config, Origin::File);
            tracing::info!(file = %path.display(), "the configuration was read again and is in force");
        }
        Err(problems) => {
            for problem in &problems {
                tracing::error!("{problem}");
            }
            tracing::error!(
                problems = problems.len(),
                "the new configuration was refused: the old one stays in force"
            );
        }
    }
}
