//! The Worker in workerd over HTTP, in real time. KV and Durable Objects are Miniflare's, on disk.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Request;
use postern_gateway::{Host as _, Store as _, identity};
use postern_testkit::{FakeHost, Script};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Face, Heard, OTHER_UPSTREAM_KEY, Payload, Running, Site, UPSTREAM_KEY, caller, edge};
use crate::corpus::Leaves;
use crate::upstream::{Refusing, Silent, Upstream};

/// A start that takes longer has failed. The tools before workerd take most of it.
const START: Duration = Duration::from_secs(90);

/// What a Worker finds around it, where that is not what it should be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting<'a> {
    /// The stored configuration.
    pub config: Option<&'a Value>,
    /// Bindings that are not there.
    pub without: &'a [&'a str],
    /// Variables beside those of every Worker.
    pub variables: &'a [(&'a str, &'a str)],
    /// Whether Durable Objects are made without SQLite, as by a wrong migration.
    pub without_sql: bool,
    /// Whether [`WorkerSite::fault`] can be called.
    pub faults: bool,
    /// Whether there is [`WorkerSite::elsewhere`].
    pub elsewhere: bool,
}

/// Starts workerd with the Worker in it.
pub struct Worker {
    build: PathBuf,
    folder: PathBuf,
    upstream: Upstream,
    refusing: Refusing,
    silent: Silent,
}

impl Worker {
    /// Whether there is a build to test: `POSTERN_WORKER` is its folder.
    #[must_use]
    pub fn is_built() -> bool {
        std::env::var_os("POSTERN_WORKER").is_some()
    }

    /// Finds the build and starts the upstream.
    ///
    /// # Errors
    /// When there is no build, or no port.
    pub async fn prepare() -> Result<Self, String> {
        let build = std::env::var_os("POSTERN_WORKER").map(PathBuf::from);
        let build = build.ok_or("POSTERN_WORKER is not set: run `cargo xtask test worker`")?;
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("postern-worker-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let text = |e: std::io::Error| format!("the scripted upstream: {e}");
        Ok(Self {
            build,
            folder,
            upstream: Upstream::start().await.map_err(text)?,
            refusing: Refusing::start().map_err(text)?,
            silent: Silent::start().await.map_err(text)?,
        })
    }

    /// The upstream of every Worker that it starts.
    #[must_use]
    pub const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// A Worker with this configuration and without some of its bindings.
    ///
    /// # Errors
    /// When it does not start, with what it printed.
    pub async fn start_without(
        &self,
        config: Option<&Value>,
        without: &[&str],
    ) -> Result<WorkerSite, String> {
        self.start_with(config, without, &[]).await
    }

    /// The same with more variables.
    ///
    /// # Errors
    /// When it does not start, with what it printed.
    pub async fn start_with(
        &self,
        config: Option<&Value>,
        without: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<WorkerSite, String> {
        self.start_in(&Setting { config, without, variables, ..Setting::default() }).await
    }

    /// A Worker in a setting of its own.
    ///
    /// # Errors
    /// When it does not start, with what it printed.
    pub async fn start_in(&self, setting: &Setting<'_>) -> Result<WorkerSite, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("site-{number}"));
        let text = |e: std::io::Error| format!("{}: {e}", folder.display());
        fs::create_dir_all(&folder).map_err(text)?;
        let (mut entries, admin_token) = first_entries().await?;
        if let Some(config) = setting.config {
            entries.push(json!({ "key": "config", "value": config.to_string() }));
        }
        let mut asked = json!({
            "build": self.build,
            "state": folder.join("state"),
            "variables": {
                "UPSTREAM_URL": self.upstream.origin(),
                "REFUSING_URL": self.refusing.origin(),
                "SILENT_URL": self.silent.origin(),
                "UPSTREAM_KEY": UPSTREAM_KEY,
                "OTHER_UPSTREAM_KEY": OTHER_UPSTREAM_KEY,
                // Tests have records of long ago.
                "POSTERN_KEEP_DAYS": "36500",
            },
            "entries": entries,
            "without": setting.without,
            "without_sql": setting.without_sql,
            "faults": setting.faults,
            "elsewhere": setting.elsewhere,
        });
        for (name, value) in setting.variables {
            asked["variables"][name] = (*value).into();
        }
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let log = folder.join("worker.log");
        let mut child = Command::new("node")
            .arg("infra/cloudflare/serve.mjs")
            .arg(asked.to_string())
            .current_dir(&root)
            .env("WRANGLER_SEND_METRICS", "false")
            .env("CI", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).map_err(text)?)
            // Not killed when dropped: it ends by itself when its standard input does, and ends workerd with it.
            .spawn()
            .map_err(|e| format!("node cannot be started: {e}"))?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let out = child.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(out).lines();
        let printed = async {
            let elsewhere = match setting.elsewhere {
                true => Some(line_with(&mut lines, "POSTERN_ELSEWHERE=http://").await?),
                false => None,
            };
            Some((line_with(&mut lines, "POSTERN_URL=http://").await?, elsewhere))
        };
        let started = timeout(START, printed).await;
        let Some((address, elsewhere)) = started.unwrap_or_default() else {
            let said = fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("workerd does not start:\n{said}"));
        };
        let control = Mutex::new((input, lines));
        Ok(WorkerSite {
            child,
            control,
            address,
            elsewhere,
            admin_token,
            log,
            upstream: self.upstream.clone(),
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The entries of a first start, as `wrangler kv bulk put` takes them, and the administrator's token.
async fn first_entries() -> Result<(Vec<Value>, String), String> {
    let host = FakeHost::default();
    let text = |e: postern_gateway::StoreError| e.to_string();
    let first =
        identity::first_start(&host).await.map_err(text)?.ok_or("a new store has an administrator")?;
    let entries = host.store().list("", None, 100).await.map_err(text)?;
    let entry = |(name, value): &(String, bytes::Bytes)| json!({ "key": name, "value": String::from_utf8_lossy(value) });
    Ok((entries.iter().map(entry).collect(), first.admin_token))
}

/// What follows `start` in the first line that begins so.
async fn line_with(lines: &mut Lines<BufReader<ChildStdout>>, start: &str) -> Option<String> {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(rest) = line.strip_prefix(start) {
            return Some(rest.to_owned());
        }
    }
    None
}

impl Face for Worker {
    type Site = WorkerSite;
    /// One thread of workerd does everything, each record's write to disk included, and cases measure real time.
    const AT_ONCE: usize = 4;

    async fn start(&self, config: &Value) -> Result<WorkerSite, String> {
        self.start_without(Some(config), &[]).await
    }
}

/// A running workerd. Killed when dropped.
pub struct WorkerSite {
    child: Child,
    control: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    address: String,
    elsewhere: Option<String>,
    admin_token: String,
    log: PathBuf,
    upstream: Upstream,
}

/// The same Worker in another isolate, with the same KV and Durable Objects.
pub struct Elsewhere<'a> {
    site: &'a WorkerSite,
    address: &'a str,
}

impl Site for Elsewhere<'_> {
    fn script(&self, trace: &str, script: &Script) {
        self.site.script(trace, script);
    }

    async fn call(&self, request: Request<Payload>, leaves: &Leaves) -> Result<Heard, String> {
        caller::call_and_reset(self.address, request, leaves).await
    }

    fn admin_token(&self) -> &str {
        &self.site.admin_token
    }
}

impl WorkerSite {
    /// Writes an entry of KV behind the Worker's back, as another isolate would.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn put(&self, name: &str, value: &str) -> Result<(), String> {
        self.command(&format!("put {name} {value}")).await
    }

    /// Kills workerd, whatever it is doing, and starts it again on the same storage.
    ///
    /// # Errors
    /// When it does not start again.
    pub async fn restart(&self) -> Result<(), String> {
        self.command("restart").await
    }

    async fn command(&self, line: &str) -> Result<(), String> {
        let mut control = self.control.lock().await;
        let (input, lines) = &mut *control;
        input.write_all(format!("{line}\n").as_bytes()).await.map_err(|e| e.to_string())?;
        line_with(lines, "done").await.map(|_| ()).ok_or_else(|| format!("not done: {line}"))
    }

    /// Says what shall go wrong from now on; `infra/cloudflare/faults.mjs` lists what can, and what this gives.
    ///
    /// # Errors
    /// When the Worker was not started with faults.
    pub async fn fault(&self, fault: &Value) -> Result<Value, String> {
        let request = Request::post("/faults").body(Payload::whole(fault.to_string()));
        let heard = self.call(request.map_err(|e| e.to_string())?, &Leaves::Never).await?;
        match serde_json::from_slice(&heard.body) {
            Ok(objects) if heard.status() == 200 => Ok(objects),
            _ => Err(format!("no such fault: {fault}: {heard:?}")),
        }
    }

    /// The same Worker in another place.
    ///
    /// # Panics
    /// When it was not started with one.
    #[must_use]
    pub fn elsewhere(&self) -> Elsewhere<'_> {
        Elsewhere { site: self, address: self.elsewhere.as_deref().expect("a Worker elsewhere") }
    }
}

impl Running for WorkerSite {
    async fn open(&self) -> Result<String, String> {
        edge::start(self.address.clone()).await.map_err(|e| format!("no port: {e}"))
    }

    async fn stop(mut self) -> Result<String, String> {
        drop(self.control);
        let ended = timeout(START, self.child.wait()).await;
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        match ended {
            Err(_) => Err(format!("workerd does not end when told to:\n{log}")),
            Ok(Ok(status)) if status.success() => Ok(log),
            Ok(status) => Err(format!("workerd ended with {status:?}:\n{log}")),
        }
    }
}

impl Site for WorkerSite {
    fn script(&self, trace: &str, script: &Script) {
        self.upstream.script(trace, script);
    }

    async fn call(&self, request: Request<Payload>, leaves: &Leaves) -> Result<Heard, String> {
        // On its own workerd takes no note of a connection that is only closed.
        caller::call_and_reset(&self.address, request, leaves).await
    }

    fn admin_token(&self) -> &str {
        &self.admin_token
    }
}
