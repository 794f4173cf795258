//! What comes over connections, and what connections may not do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::support::{Directory, Gateway, chat_body};

fn say(gateway: &Gateway, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    stream.write_all(text).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_not_http_is_refused_and_the_gateway_lives() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    assert!(say(&gateway, b"hello\r\n\r\n").starts_with("HTTP/1.1 400"));
    let large = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(200_000));
    assert!(say(&gateway, large.as_bytes()).starts_with("HTTP/1.1 431"));
    assert_eq!(gateway.request("GET", "/healthz", "", "").status, 200);
    gateway.stop();
}

#[test]
fn a_body_over_the_cap_is_refused_before_it_is_sent() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-length: 99999999999\r\nconnection: close\r\n\r\n",
        gateway.key()
    );
    let answer = say(&gateway, head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("request_too_large"), "{answer}");
    gateway.stop();
}

#[test]
fn many_callers_at_once_on_kept_connections() {
    for kind in ["per-core", "shared"] {
        let directory = Directory::new();
        let gateway = Gateway::first(&directory, &["--runtime", kind, "--threads", "3"]);
        let body = chat_body("demo/echo", "Hello there!", false);
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n\r\n{body}",
            gateway.key(),
            body.len()
        );
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(gateway.address()).unwrap();
                    for _ in 0..25 {
                        stream.write_all(request.as_bytes()).unwrap();
                        let mut answer = Vec::new();
                        while !answer.ends_with(b"}}") || !answer.windows(5).any(|w| w == b"usage") {
                            let mut piece = [0; 4096];
                            let length = stream.read(&mut piece).unwrap();
                            assert_ne!(length, 0, "{}", String::from_utf8_lossy(&answer));
                            answer.extend_from_slice(&piece[..length]);
                        }
                        assert!(answer.starts_with(b"HTTP/1.1 200"));
                    }
                });
            }
        });
        let csv = gateway.done(&["usage", "--by", "tenant", "--csv"]);
        assert!(csv.contains("default,200,0,"), "{kind} {csv}");
        gateway.stop();
    }
}
