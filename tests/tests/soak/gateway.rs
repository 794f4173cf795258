//! The native binary as a process: started with a folder and a configuration of its own, watched through `/proc`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running gateway.
pub(crate) struct Gateway {
    process: Child,
    folder: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its first key.
    pub(crate) key: String,
}

impl Gateway {
    /// Starts it in front of an upstream.
    pub(crate) fn start(upstream: SocketAddr) -> Self {
        let program = std::env::var("POSTERN_BIN")
            .expect("POSTERN_BIN names the gateway's program; `cargo xtask` sets it");
        let folder = std::env::temp_dir().join(format!("postern-soak-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let config = folder.join("postern.yaml");
        let text = format!(
            "providers:\n  local: {{ kind: openai, base_url: 'http://{upstream}/v1', api_key: unused }}\n"
        );
        fs::write(&config, text).unwrap();
        let mut process = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(folder.join("data"))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let (mut address, mut key) = (None, None);
        while address.is_none() || key.is_none() {
            let mut line = String::new();
            assert_ne!(
                out.read_line(&mut line).unwrap(),
                0,
                "the gateway ended without printing its address and key"
            );
            match line.trim().split_once('=') {
                Some(("OPENAI_BASE_URL", url)) => {
                    let host = url.trim_start_matches("http://").trim_end_matches("/v1");
                    address = Some(host.parse().unwrap_or_else(|_| panic!("no address: {url}")));
                }
                Some(("OPENAI_API_KEY", value)) => key = Some(value.to_owned()),
                _ => {}
            }
        }
        // What it prints later must not fill the pipe.
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        Self { process, folder, address: address.unwrap(), key: key.unwrap() }
    }

    /// Its resident size.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it still runs");
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says how large it is");
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    /// Ends it as a service manager would; it must agree.
    pub(crate) fn stop(mut self) {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        assert!(asked.success());
        let status = self.process.wait().unwrap();
        assert!(status.success(), "the gateway ended with {status}");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Only what a failed test left: both do nothing after `stop`.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
