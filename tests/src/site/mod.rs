//! A running gateway as a caller, an administrator and an upstream see it. One implementation an entry point: the
//! player knows only [`Face`] and [`Site`], so that entry points cannot drift.

mod caller;
mod edge;
mod heard;
mod in_process;
mod lambda;
mod native;
mod payload;
mod worker;

pub use heard::{Ending, Heard};
pub use in_process::{InProcess, InProcessSite};
pub use lambda::{Lambda, LambdaSetting, LambdaSite};
pub use native::{Native, NativeSite};
pub use payload::Payload;
pub use worker::{Elsewhere, Setting, Worker, WorkerSite};

use std::time::{Duration, SystemTime};

use http::Request;
use postern_testkit::Script;
use serde_json::Value;

use crate::corpus::Leaves;

/// What the upstream wants to see as its key; the gateway has it as the secret `UPSTREAM_KEY`.
pub const UPSTREAM_KEY: &str = "sk-upstream-8f1d0c7be5a94c02";
/// Another account's key; the gateway has it as the secret `OTHER_UPSTREAM_KEY`.
pub const OTHER_UPSTREAM_KEY: &str = "sk-other-upstream-55e0d3aa71";

/// A way to start a gateway.
pub trait Face {
    /// What it starts.
    type Site: Site;
    /// Cases that are played at the same time: most of a case is waiting.
    const AT_ONCE: usize = 16;

    /// A gateway with this configuration. The secrets `UPSTREAM_URL`, `REFUSING_URL`, `SILENT_URL` (origins of the
    /// scripted upstream, of one that takes no connection, of one that never answers to one), `UPSTREAM_KEY` and
    /// `OTHER_UPSTREAM_KEY` are set.
    async fn start(&self, config: &Value) -> Result<Self::Site, String>;
}

/// A running gateway.
pub trait Site {
    /// Sets what the upstream does with calls of this trace (32 hex digits of the caller's `traceparent`).
    fn script(&self, trace: &str, script: &Script);
    /// Sends a request and reads the answer, for as long as the caller stays.
    async fn call(&self, request: Request<Payload>, leaves: &Leaves) -> Result<Heard, String>;
    /// The administrator's token.
    fn admin_token(&self) -> &str;
    /// The gateway's time.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    /// Lets time pass, real or not.
    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
    /// Whether time passes only when something waits for it, so that measured times are exact.
    fn has_virtual_time(&self) -> bool {
        false
    }
}

/// A gateway in a process of its own.
pub trait Running: Site {
    /// Where callers reach it as they would where it is deployed, `HOST:PORT`.
    ///
    /// # Errors
    /// When what stands before it there cannot be started.
    async fn open(&self) -> Result<String, String>;

    /// Ends it as a service manager would, and gives what it logged.
    ///
    /// # Errors
    /// When it does not end, or ends with an error.
    async fn stop(self) -> Result<String, String>;
}
