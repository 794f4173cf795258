//! Calls that go out: connections kept, broken, refused, given up.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Call, Directory, Gateway, chat_body, wait_for};

const ANSWER: &str = r#"{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#;

/// Runs `serve` for each connection, with the number of connections so far; gives the port.
fn upstream(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (serve, stream) = (Arc::clone(&serve), stream.unwrap());
            thread::spawn(move || serve(stream, number));
        }
    });
    port
}

/// Reads a request; `None` when the connection is closed instead.
fn read_request(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

fn answer(stream: &mut BufReader<TcpStream>) {
    let length = ANSWER.len();
    let _ = write!(
        stream.get_mut(),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{ANSWER}"
    );
}

fn gateway(directory: &Directory, port: u16) -> Gateway {
    let config = format!(
        "providers:\n  up: {{ kind: openai, base_url: 'http://127.0.0.1:{port}/v1', api_key: sk-upstream }}\n\
         models:\n  quick:\n    targets: [{{ provider: up, model: m }}]\n    retry: {{ attempts: 1 }}\n\
         \x20   timeout: {{ first_token: 300ms, idle: 300ms, total: 1s }}\n"
    );
    let file = directory.file("postern.yaml", &config);
    Gateway::first(directory, &["--config", &file, "--threads", "1"])
}

#[test]
fn a_connection_is_used_again_and_carries_the_vendors_key_only() {
    let directory = Directory::new();
    let connections = Arc::new(AtomicUsize::new(0));
    let (seen, requests) = mpsc::channel();
    let count = Arc::clone(&connections);
    let port = upstream(move |stream, _| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_request(&mut stream) {
            seen.send(request).unwrap();
            answer(&mut stream);
        }
    });
    let gateway = gateway(&directory, port);
    for _ in 0..5 {
        let answer = gateway.chat(gateway.key(), "up/m");
        assert_eq!((answer.status, answer.body.as_str()), (200, ANSWER));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let (head, body) = requests.recv().unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Bearer sk-upstream") && !head.contains(gateway.key()), "{head}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["model"], "m");
    gateway.stop();
}

#[test]
fn a_kept_connection_that_was_closed_costs_no_call() {
    let directory = Directory::new();
    let port = upstream(|stream, _| {
        let mut stream = BufReader::new(stream);
        // One answer a connection, and no word that it will be the last.
        read_request(&mut stream);
        answer(&mut stream);
    });
    let gateway = gateway(&directory, port);
    for _ in 0..20 {
        assert_eq!(gateway.chat(gateway.key(), "up/m").status, 200);
    }
    gateway.stop();
}

#[test]
fn an_upstream_that_is_not_there() {
    let directory = Directory::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gateway = gateway(&directory, port);
    let answer = gateway.chat(gateway.key(), "up/m");
    assert_eq!(answer.code(), (502, "upstream_unreachable".to_owned()));
    assert!(answer.body.contains("up/m") && !answer.body.contains("sk-upstream"), "{}", answer.body);
    gateway.stop();
}

#[test]
fn an_upstream_that_says_nothing() {
    let directory = Directory::new();
    let port = upstream(|stream, _| {
        let mut stream = BufReader::new(stream);
        read_request(&mut stream);
        thread::sleep(Duration::from_secs(60));
    });
    let gateway = gateway(&directory, port);
    assert_eq!(gateway.chat(gateway.key(), "quick").code(), (504, "upstream_timeout".to_owned()));
    gateway.stop();
}

#[test]
fn an_upstream_that_breaks_off() {
    let directory = Directory::new();
    let port = upstream(|stream, _| {
        let mut stream = BufReader::new(stream);
        read_request(&mut stream);
        let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"id\":");
    });
    let gateway = gateway(&directory, port);
    let answer = gateway.chat(gateway.key(), "quick");
    assert_eq!(answer.status, 502);
    assert!(answer.body.contains("up/m"), "{}", answer.body);
    gateway.stop();
}

#[test]
fn a_caller_who_leaves_before_the_answer_cancels_the_upstream() {
    let directory = Directory::new();
    let (tell, told) = mpsc::channel();
    let port = upstream(move |stream, _| {
        let mut stream = BufReader::new(stream);
        read_request(&mut stream);
        tell.send("asked").unwrap();
        // The gateway says nothing more; that it closes the connection ends the reading.
        assert!(read_request(&mut stream).is_none());
        tell.send("cancelled").unwrap();
    });
    let gateway = gateway(&directory, port);
    let body = chat_body("up/m", "Hello there!", false);
    let call = Call::begin(gateway.address(), "POST", "/v1/chat/completions", gateway.key(), &body);
    assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok("asked"));
    drop(call);
    assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok("cancelled"));
    let log = || gateway.done(&["logs", "--json"]);
    wait_for("the record", || !log().is_empty());
    let record: Value = serde_json::from_str(&log()).unwrap();
    assert_eq!((record["outcome"].as_str(), record["status"].as_u64()), (Some("client_closed"), Some(499)));
    gateway.stop();
}
