//! Large forms and sound over real connections.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Directory, Gateway, wait_for};

const MIB: usize = 1 << 20;
/// Longer than anything here takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an upstream saw.
#[derive(Debug, PartialEq)]
enum Saw {
    Head(String),
    /// So many bytes of a body so far.
    Body(usize),
    /// All of the declared body.
    All,
    /// The connection ended before that.
    Half,
}

/// Takes one connection: tells of the head, of the body after its first MiB, and of its end; then answers with `reply`.
fn upstream(reply: &'static [u8]) -> (u16, mpsc::Receiver<Saw>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, saw) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), reply, &tell);
        }
    });
    (port, saw)
}

fn serve(stream: TcpStream, reply: &[u8], tell: &Sender<Saw>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let declared = head.to_ascii_lowercase();
    let length =
        declared.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let length = length.unwrap_or_else(|| panic!("no length: {head}"));
    let _ = tell.send(Saw::Head(head));
    let (mut came, mut told, mut piece) = (0, false, vec![0; 64 << 10]);
    while came < length {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => {
                let _ = tell.send(Saw::Half);
                return;
            }
            Ok(bytes) => came += bytes,
        }
        if came >= MIB && !told {
            told = true;
            let _ = tell.send(Saw::Body(came));
        }
    }
    let _ = tell.send(Saw::All);
    let _ = stream.get_mut().write_all(reply);
}

fn gateway(directory: &Directory, port: u16) -> Gateway {
    let config = format!(
        "providers:\n  up: {{ kind: openai_compatible, base_url: 'http://127.0.0.1:{port}/v1', api_key: sk-upstream }}\n\
         models:\n  scribe:\n    targets: [{{ provider: up, model: whisper-large-v3 }}]\n    retry: {{ attempts: 1 }}\n\
         server: {{ max_body: 2MiB }}\n"
    );
    let file = directory.file("postern.yaml", &config);
    Gateway::first(directory, &["--config", &file])
}

const BEGIN: &[u8] = b"--b0\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nscribe\r\n\
    --b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n";
const END: &[u8] = b"\r\n--b0--\r\n";

/// Begins to send a form with a file of this size: its head, and the first of its content.
fn begin(gateway: &Gateway, file: usize, first: usize) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = BEGIN.len() + file + END.len();
    let head = format!(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary=b0\r\ncontent-length: {length}\r\n\r\n",
        gateway.key()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(BEGIN).unwrap();
    stream.write_all(&vec![b'a'; first]).unwrap();
    stream
}

fn record(gateway: &Gateway) -> Value {
    let logs =
        || gateway.request("GET", "/admin/v1/logs", &gateway.printed["POSTERN_ADMIN_TOKEN"], "").json();
    wait_for("the record", || logs()["data"].as_array().is_some_and(|data| !data.is_empty()));
    logs()["data"][0].clone()
}

#[test]
fn a_large_file_is_at_the_provider_before_the_caller_has_sent_all() {
    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"text\":\"done\"}";
    const FILE: usize = 64 * MIB;
    let directory = Directory::new();
    let (port, saw) = upstream(ANSWER);
    let gateway = gateway(&directory, port);
    let mut caller = begin(&gateway, FILE, 4 * MIB);
    let Saw::Head(head) = saw.recv_timeout(PATIENCE).unwrap() else { panic!("no head") };
    // `scribe` has become `whisper-large-v3`.
    let length = BEGIN.len() + FILE + END.len() + "whisper-large-v3".len() - "scribe".len();
    assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");
    assert!(matches!(saw.recv_timeout(PATIENCE).unwrap(), Saw::Body(_)), "before the caller goes on");
    caller.write_all(&vec![b'a'; FILE - 4 * MIB]).unwrap();
    caller.write_all(END).unwrap();
    assert_eq!(saw.recv_timeout(PATIENCE).unwrap(), Saw::All);
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{\"text\":\"done\"}"), "{answer}");
    // A body that was held would be seen in the most memory that the process ever had.
    if let Some(most) = gateway.most_memory() {
        assert!(most < FILE / 2, "the process had {} MiB", most / MIB);
    }
    assert_eq!(record(&gateway)["outcome"], "ok");
    gateway.stop();
}

#[test]
fn a_caller_that_leaves_in_the_middle_leaves_the_provider_with_half_and_a_record() {
    let directory = Directory::new();
    let (port, saw) = upstream(b"");
    let gateway = gateway(&directory, port);
    let caller = begin(&gateway, 16 * MIB, 4 * MIB);
    assert!(matches!(saw.recv_timeout(PATIENCE).unwrap(), Saw::Head(_)));
    assert!(matches!(saw.recv_timeout(PATIENCE).unwrap(), Saw::Body(_)));
    drop(caller);
    assert_eq!(saw.recv_timeout(PATIENCE).unwrap(), Saw::Half);
    let record = record(&gateway);
    assert_eq!((&record["operation"], &record["model"]), (&"transcription".into(), &"scribe".into()));
    assert_ne!(record["outcome"], "ok");
    gateway.stop();
}

#[test]
fn sound_that_breaks_off_breaks_the_connection_to_the_caller() {
    const HALF: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 100\r\n\r\nID3 half";
    let directory = Directory::new();
    let (port, _saw) = upstream(HALF);
    let gateway = gateway(&directory, port);
    let body = r#"{"model":"scribe","input":"hello","voice":"v"}"#;
    let mut caller = TcpStream::connect(gateway.address()).unwrap();
    caller.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        caller,
        "POST /v1/audio/speech HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        gateway.key(),
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    let _ = caller.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("ID3 half"), "{answer}");
    assert!(!answer.contains("\r\n0\r\n"), "the end of a chunked body would say that this is all: {answer}");
    let record = record(&gateway);
    assert_eq!((&record["outcome"], &record["error"]), (&"stream_failed".into(), &"upstream_cut".into()));
    gateway.stop();
}
