//! A gateway in a process of its own, a plain HTTP client, a directory that goes away.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than anything here takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of its own, removed at the end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("postern-native-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program, with nothing of this machine's in its environment.
pub(crate) fn postern() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs a command to its end: exit code, standard output, standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// A gateway that serves.
pub(crate) struct Gateway {
    process: Child,
    output: BufReader<ChildStdout>,
    log: PathBuf,
    /// What it has printed, by name.
    pub(crate) printed: HashMap<String, String>,
}

impl Gateway {
    /// Starts one with the data directory `data` in `directory`.
    pub(crate) fn start(directory: &Directory, arguments: &[&str]) -> Self {
        Self::start_with(directory, arguments, &[])
    }

    /// The same, with variables in its environment.
    fn start_with(directory: &Directory, arguments: &[&str], variables: &[(&str, String)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let log = directory.path(&format!("log-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let mut process = postern()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(directory.path("data"))
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut gateway = Self { process, output, log, printed: HashMap::new() };
        // The last line of what is always printed; what a first start prints comes with it.
        while !gateway.printed.contains_key("OPENAI_BASE_URL") {
            gateway.read_line();
        }
        gateway
    }

    /// Starts one in a new directory, with its secrets.
    pub(crate) fn first(directory: &Directory, arguments: &[&str]) -> Self {
        Self::first_with(directory, arguments, &[])
    }

    /// The same, with variables in its environment.
    pub(crate) fn first_with(
        directory: &Directory,
        arguments: &[&str],
        variables: &[(&str, String)],
    ) -> Self {
        let mut gateway = Self::start_with(directory, arguments, variables);
        while !gateway.printed.contains_key("POSTERN_ADMIN_TOKEN") {
            gateway.read_line();
        }
        gateway
    }

    fn read_line(&mut self) {
        let mut line = String::new();
        if self.output.read_line(&mut line).unwrap() == 0 {
            panic!("the gateway has ended: {}", self.log());
        }
        let (name, value) = line.trim_end().split_once('=').unwrap_or_else(|| panic!("printed {line:?}"));
        self.printed.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn url(&self) -> &str {
        &self.printed["POSTERN_URL"]
    }

    pub(crate) fn address(&self) -> &str {
        self.url().strip_prefix("http://").unwrap()
    }

    pub(crate) fn key(&self) -> &str {
        &self.printed["OPENAI_API_KEY"]
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until its log has this text.
    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_for(&format!("{text:?} in the log"), || self.log().contains(text));
    }

    /// One of the program's commands, talking to this gateway as an administrator.
    pub(crate) fn command(&self, arguments: &[&str]) -> (i32, String, String) {
        let token = &self.printed["POSTERN_ADMIN_TOKEN"];
        run(postern().args(arguments).env("POSTERN_URL", self.url()).env("POSTERN_ADMIN_TOKEN", token))
    }

    /// Such a command that must succeed; gives what it printed.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let (code, output, errors) = self.command(arguments);
        assert_eq!((code, errors.as_str()), (0, ""), "{arguments:?} {output}");
        output
    }

    pub(crate) fn request(&self, method: &str, path: &str, key: &str, body: &str) -> Response {
        let mut call = Call::begin(self.address(), method, path, key, body);
        call.finish()
    }

    /// A call to a model.
    pub(crate) fn chat(&self, key: &str, model: &str) -> Response {
        self.request("POST", "/v1/chat/completions", key, &chat_body(model, "Hello there!", false))
    }

    /// The most memory that the process has ever had, bytes, where the system tells.
    pub(crate) fn most_memory(&self) -> Option<usize> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse::<usize>().ok().map(|kilobytes| kilobytes << 10)
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the process to end; gives its exit code and what it had still printed.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let begin = Instant::now();
        let status = loop {
            match self.process.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(begin.elapsed() < PATIENCE, "the gateway does not end: {}", self.log()),
            }
            thread::sleep(Duration::from_millis(5));
        };
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (status.code(), rest)
    }

    /// Stops it and checks that it ended well.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        assert_eq!(self.ended(), (Some(0), String::new()));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The body of a call.
pub(crate) fn chat_body(model: &str, text: &str, stream: bool) -> String {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": text }] }).to_string()
}

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A request under way.
pub(crate) struct Call {
    stream: BufReader<TcpStream>,
}

/// An answer.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The code of an error.
    pub(crate) fn code(&self) -> (u16, String) {
        (self.status, self.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Call {
    pub(crate) fn begin(address: &str, method: &str, path: &str, key: &str, body: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = BufReader::new(stream);
        write!(
            stream.get_mut(),
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        Self { stream }
    }

    /// The next line of the answer, as it comes over the wire.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line
    }

    /// Reads lines up to and with one that has this text.
    pub(crate) fn read_to(&mut self, text: &str) {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "the answer ended before {text:?}");
            if line.contains(text) {
                return;
            }
        }
    }

    /// Reads the answer to its end. Pieces of a stream are left as they come.
    pub(crate) fn finish(&mut self) -> Response {
        let mut text = String::new();
        self.stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Response { status: status.unwrap(), body: body.to_owned() }
    }

    /// What is left of an answer whose head was read.
    pub(crate) fn rest(&mut self) -> String {
        let mut text = String::new();
        let _ = self.stream.read_to_string(&mut text);
        text
    }
}

/// Whether a file with this path exists.
pub(crate) fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}
