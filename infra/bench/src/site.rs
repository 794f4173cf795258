//! A gateway in front of the fast upstream, each a process of its own, with a data directory that goes with them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::load::Request;
use crate::payload::{self, Format};
use crate::process::Process;

/// How long a process may take to be there.
const STARTING: Duration = Duration::from_secs(20);
/// Bytes of a prompt: what the budgets call 1 KB.
const PROMPT: usize = 1024;
const CHAT: &str = "/v1/chat/completions";

/// A model of the measured gateway and what the upstream does for it.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    /// The model's name.
    pub(crate) model: &'static str,
    /// Where the upstream answers it, as its module says.
    pub(crate) path: &'static str,
    /// What the upstream speaks.
    pub(crate) format: Format,
}

/// A folder of this run, gone with this value. It lies beside this program: a folder in memory would make the store's
/// writes free.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let program = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
        let name = format!("bench-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = program.with_file_name(name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    /// A place in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the build folder, which is thrown away one day.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The upstream.
pub(crate) struct Upstream {
    _process: Process,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
        let process = Process::start(Command::new(program).arg("upstream"))?;
        let address = process.await_line(STARTING, |line| line.parse().ok())?;
        Ok(Self { _process: process, address })
    }

    /// A chat call that goes straight to the upstream.
    pub(crate) fn request(&self, route: Route) -> Request {
        Request::chat(&format!("{}{CHAT}", route.path), "none", &body(route))
    }
}

/// Writes the configuration of a gateway in front of an upstream.
pub(crate) fn write_config(file: &Path, upstream: SocketAddr, routes: &[Route]) -> Result<(), String> {
    let mut text = "providers:\n".to_owned();
    for Route { model, path, format } in routes {
        let (kind, base) = (format.kind(), format.base());
        text += &format!(
            "  {model}:\n    kind: {kind}\n    base_url: \"http://{upstream}{path}{base}\"\n    api_key: \"${{BENCH_KEY}}\"\n"
        );
    }
    text += "models:\n";
    for Route { model, format, .. } in routes {
        text += &format!("  {model}:\n    targets: [{{provider: {model}, model: {}}}]\n", format.model());
    }
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The gateway that is measured.
pub(crate) struct Gateway {
    /// Its binary.
    pub(crate) binary: PathBuf,
    /// Options of its `serve`, beside those that every measurement needs: to compare them with each other.
    pub(crate) serve: Vec<String>,
}

impl Gateway {
    /// The command that starts it.
    pub(crate) fn serve(&self, config: &Path, data: &Path, listen: SocketAddr) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg("--config").arg(config).arg("--data").arg(data);
        command.arg("--listen").arg(listen.to_string()).args(&self.serve);
        command.env("BENCH_KEY", "sk-bench").env_remove("RUST_LOG");
        command
    }
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map_err(|error| error.to_string())
}

/// Waits for the first 200 on `/healthz`.
pub(crate) fn await_health(address: SocketAddr) -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < STARTING {
        if is_healthy(address).unwrap_or(false) {
            return Ok(());
        }
        thread::sleep(Duration::from_micros(200));
    }
    Err(format!("the gateway did not answer /healthz within {} s", STARTING.as_secs()))
}

fn is_healthy(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(STARTING))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status.ends_with(b" 200"))
}

/// A running gateway with its upstream.
pub(crate) struct Site {
    /// The gateway.
    pub(crate) gateway: Process,
    /// Where the gateway listens.
    pub(crate) address: SocketAddr,
    /// The upstream.
    pub(crate) upstream: Upstream,
    key: String,
    _folder: Folder,
}

impl Site {
    pub(crate) fn start(gateway: &Gateway, routes: &[Route]) -> Result<Self, String> {
        let folder = Folder::new()?;
        let upstream = Upstream::start()?;
        let config = folder.join("postern.yaml");
        write_config(&config, upstream.address, routes)?;
        let address = free_address()?;
        let process = Process::start(&mut gateway.serve(&config, &folder.join("data"), address))?;
        let key = process.await_line(STARTING, |line| {
            line.strip_prefix("OPENAI_API_KEY=").map(|key| key.trim().to_owned())
        })?;
        await_health(address)?;
        Ok(Self { gateway: process, address, upstream, key, _folder: folder })
    }

    /// A chat call to the gateway.
    pub(crate) fn request(&self, route: Route) -> Request {
        Request::chat(CHAT, &self.key, &body(route))
    }
}

fn body(route: Route) -> Vec<u8> {
    payload::request(route.model, PROMPT, route.path.starts_with("/stream"))
}
