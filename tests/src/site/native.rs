//! The native binary over HTTP, in real time.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use http::Request;
use postern_testkit::Script;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{Face, Heard, OTHER_UPSTREAM_KEY, Payload, Running, Site, UPSTREAM_KEY, caller};
use crate::corpus::Leaves;
use crate::upstream::{Refusing, Silent, Upstream};

/// A start that takes longer has failed.
const START: Duration = Duration::from_secs(30);

/// Starts `postern serve`.
pub struct Native {
    binary: PathBuf,
    folder: PathBuf,
    upstream: Upstream,
    refusing: Refusing,
    silent: Silent,
}

impl Native {
    /// Finds the binary and starts the upstream.
    ///
    /// # Errors
    /// When there is no binary, with what to do; or no port.
    pub async fn prepare() -> Result<Self, String> {
        let binary = find_binary()?;
        let folder = std::env::temp_dir().join(format!("postern-corpus-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let text = |e: std::io::Error| format!("the scripted upstream: {e}");
        Ok(Self {
            binary,
            folder,
            upstream: Upstream::start().await.map_err(text)?,
            refusing: Refusing::start().map_err(text)?,
            silent: Silent::start().await.map_err(text)?,
        })
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `POSTERN_BIN`, or the binary of the same build as this test.
fn find_binary() -> Result<PathBuf, String> {
    let name = format!("postern{}", std::env::consts::EXE_SUFFIX);
    if let Some(path) = std::env::var_os("POSTERN_BIN") {
        let path = PathBuf::from(path);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(format!("POSTERN_BIN is {}, which is no file", path.display()))
        };
    }
    // Tests are in TARGET/PROFILE/deps.
    let test = std::env::current_exe().map_err(|e| e.to_string())?;
    let folder = test.parent().and_then(|deps| deps.parent());
    folder.map(|folder| folder.join(name)).filter(|path| path.is_file()).ok_or_else(|| {
        "there is no gateway to test: run `cargo xtask test`, which builds it first, or `cargo build --package \
         postern` before, or set POSTERN_BIN to a binary"
            .to_owned()
    })
}

impl Face for Native {
    type Site = NativeSite;

    async fn start(&self, config: &Value) -> Result<NativeSite, String> {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = self.folder.join(format!("site-{number}"));
        let text = |e: std::io::Error| format!("{}: {e}", folder.display());
        fs::create_dir_all(&folder).map_err(text)?;
        let file = folder.join("postern.yaml");
        // JSON is YAML.
        fs::write(&file, config.to_string()).map_err(text)?;
        let log = folder.join("gateway.log");
        let mut child = Command::new(&self.binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file)
            .arg("--data")
            .arg(folder.join("data"))
            .current_dir(&folder)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR"))
            .env("UPSTREAM_URL", self.upstream.origin())
            .env("REFUSING_URL", self.refusing.origin())
            .env("SILENT_URL", self.silent.origin())
            .env("UPSTREAM_KEY", UPSTREAM_KEY)
            .env("OTHER_UPSTREAM_KEY", OTHER_UPSTREAM_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).map_err(text)?)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("{} cannot be started: {e}", self.binary.display()))?;
        let out = child.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(out).lines();
        let (mut url, mut token) = (None, None);
        let reading = async {
            while let Ok(Some(line)) = lines.next_line().await {
                match line.split_once('=') {
                    Some(("POSTERN_URL", value)) => url = Some(value.to_owned()),
                    Some(("POSTERN_ADMIN_TOKEN", value)) => token = Some(value.to_owned()),
                    _ => {}
                }
                if url.is_some() && token.is_some() {
                    return;
                }
            }
        };
        let in_time = timeout(START, reading).await.is_ok();
        let (Some(url), Some(admin_token)) = (url, token) else {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let how = if in_time { "ended" } else { "said nothing in time" };
            return Err(format!(
                "the gateway {how} before it printed POSTERN_URL and POSTERN_ADMIN_TOKEN:\n{said}"
            ));
        };
        // What it prints later must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Ok(NativeSite { child, address, admin_token, log, upstream: self.upstream.clone() })
    }
}

/// A running binary. Killed when dropped; [`Running::stop`] ends it as a service manager would.
pub struct NativeSite {
    child: Child,
    address: String,
    admin_token: String,
    log: PathBuf,
    upstream: Upstream,
}

impl Running for NativeSite {
    async fn open(&self) -> Result<String, String> {
        Ok(self.address.clone())
    }

    async fn stop(mut self) -> Result<String, String> {
        if let Some(id) = self.child.id() {
            let told = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
            told.map_err(|e| format!("kill: {e}"))?;
        }
        let ended = timeout(START, self.child.wait()).await;
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        match ended {
            Err(_) => Err(format!("the gateway does not end when told to:\n{log}")),
            Ok(Ok(status)) if status.success() => Ok(log),
            Ok(status) => Err(format!("the gateway ended with {status:?}:\n{log}")),
        }
    }
}

impl Site for NativeSite {
    fn script(&self, trace: &str, script: &Script) {
        self.upstream.script(trace, script);
    }

    async fn call(&self, request: Request<Payload>, leaves: &Leaves) -> Result<Heard, String> {
        caller::call(&self.address, request, leaves).await
    }

    fn admin_token(&self) -> &str {
        &self.admin_token
    }
}
