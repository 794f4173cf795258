//! `face native|worker|lambda`: a running gateway for suites in other languages, started as the corpus starts it, with
//! `tests/sdk/site.json` as its configuration and `tests/sdk/upstream` as its upstream.
//!
//! Prints lines of `NAME=VALUE` with all that a suite needs. Ends when its standard input does; then it fails if the
//! gateway does not end as it should, or has logged a secret.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use postern_tests::play::{new_key, secrets_in};
use postern_tests::site::{Face, Lambda, Native, Running, Site, UPSTREAM_KEY, Worker};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let done = runtime.block_on(async {
        match name.as_str() {
            "native" => serve(&name, Native::prepare().await?).await,
            "worker" => serve(&name, Worker::prepare().await?).await,
            "lambda" => serve(&name, Lambda::prepare().await?).await,
            _ => Err("face native|worker|lambda".to_owned()),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

async fn serve<F: Face<Site: Running>>(name: &str, face: F) -> Result<(), String> {
    let upstream = Upstream::start().await?;
    let site = face.start(&configuration(&upstream.origin)?).await?;
    let key = new_key(&site, "acme").await?;
    let origin = format!("http://{}", site.open().await?);
    let token = site.admin_token().to_owned();
    println!("POSTERN_FACE={name}\nPOSTERN_URL={origin}\nPOSTERN_ADMIN_TOKEN={token}");
    println!("OPENAI_BASE_URL={origin}/v1\nOPENAI_API_KEY={key}");
    println!("UPSTREAM_URL={}\nUPSTREAM_KEY={UPSTREAM_KEY}\nREADY=yes", upstream.origin);
    let until_closed = || std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    let ended = tokio::task::spawn_blocking(until_closed).await.map_err(|e| e.to_string())?;
    ended.map_err(|e| format!("standard input: {e}"))?;
    let log = site.stop().await?;
    let own = [token.as_str(), key.as_str()];
    match secrets_in(&log).into_iter().chain(own).find(|secret| log.contains(secret)) {
        None => Ok(()),
        Some(secret) => {
            Err(format!("a secret ({}...) is in the gateway's log", secret.get(..6).unwrap_or_default()))
        }
    }
}

fn sdk_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk")
}

/// The suites' configuration. A face's own secret `UPSTREAM_URL` is the origin of the corpus's upstream.
fn configuration(upstream: &str) -> Result<Value, String> {
    let path = sdk_folder().join("site.json");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let text =
        text.replace("${UPSTREAM_URL}", &format!("{upstream}/v1")).replace("${UPSTREAM_ORIGIN}", upstream);
    serde_json::from_str(&text).map_err(|e| e.to_string())
}

/// The stand-in for the vendor. It ends with its standard input, at the latest when this value goes.
struct Upstream {
    _process: Child,
    origin: String,
}

impl Upstream {
    async fn start() -> Result<Self, String> {
        let mut process = Command::new("python3")
            .arg(sdk_folder().join("upstream"))
            .arg(UPSTREAM_KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("python3 cannot be started: {e}"))?;
        let out = process.stdout.take().ok_or("no standard output")?;
        let port = BufReader::new(out).lines().next_line().await.map_err(|e| e.to_string())?;
        let origin = format!("http://127.0.0.1:{}", port.ok_or("the upstream printed nothing")?);
        Ok(Self { _process: process, origin })
    }
}
