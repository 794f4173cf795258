//! Callers on plain threads, each with a connection that it keeps: whole calls, streams, calls that fail upstream, and
//! streams that are left in the middle.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::gateway::Gateway;

/// Connections at a time.
const CALLERS: usize = 16;

/// How much to do.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Whole calls; one in fifty fails at the upstream.
    pub(crate) calls: u64,
    /// Streams; one in five is left in the middle.
    pub(crate) streams: u64,
}

/// Does it, and checks every answer.
pub(crate) fn run(gateway: &Gateway, plan: Plan) {
    let next = AtomicU64::new(0);
    let total = plan.calls + plan.streams;
    // Streams are spread evenly among the calls.
    let is_stream = |number: u64| number * plan.streams / total != (number + 1) * plan.streams / total;
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let mut caller = Caller::connect(gateway);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= total {
                        break;
                    }
                    if !is_stream(number) {
                        caller.whole(number % 50 == 49);
                    } else if number.is_multiple_of(5) {
                        caller.leave();
                        caller = Caller::connect(gateway);
                    } else {
                        caller.stream();
                    }
                }
            });
        }
    });
}

struct Caller<'a> {
    gateway: &'a Gateway,
    connection: BufReader<TcpStream>,
}

impl<'a> Caller<'a> {
    fn connect(gateway: &'a Gateway) -> Self {
        let connection = TcpStream::connect(gateway.address).unwrap();
        connection.set_nodelay(true).unwrap();
        // Nothing here takes long: a hang ends the test.
        connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { gateway, connection: BufReader::new(connection) }
    }

    fn whole(&mut self, fails: bool) {
        self.send(if fails { "local/fails" } else { "local/fast" }, false);
        let (status, body) = self.answer();
        if fails {
            assert_eq!(status, 502, "{body}");
        } else {
            assert_eq!(status, 200, "{body}");
            assert!(body.contains("A short answer."), "{body}");
        }
    }

    fn stream(&mut self) {
        self.send("local/fast", true);
        let (status, body) = self.answer();
        assert_eq!(status, 200, "{body}");
        assert_eq!(body.matches("word ").count(), 50, "{body}");
        assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
    }

    /// Asks for a stream and leaves after its first bytes.
    fn leave(mut self) {
        self.send("local/fast", true);
        let mut line = String::new();
        self.connection.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
    }

    fn send(&mut self, model: &str, stream: bool) {
        let prompt = "A question of some length. ".repeat(30);
        let body = format!(
            r#"{{"model":"{model}","messages":[{{"role":"user","content":"{prompt}"}}],"stream":{stream}}}"#
        );
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.gateway.address,
            self.gateway.key,
            body.len()
        );
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
    }

    fn answer(&mut self) -> (u16, String) {
        let status = self.line().split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line().to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse().unwrap(),
                Some(("transfer-encoding", value)) => chunked = value.contains("chunked"),
                Some(_) => {}
            }
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                let size = usize::from_str_radix(self.line().trim(), 16).expect("the size of a chunk");
                self.take(size, &mut body);
                assert_eq!(self.line(), "\r\n");
                if size == 0 {
                    break;
                }
            }
        } else {
            self.take(length, &mut body);
        }
        (status, String::from_utf8(body).expect("text"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.connection.read_line(&mut line).unwrap(), 0, "the gateway closed the connection");
        line
    }

    fn take(&mut self, size: usize, body: &mut Vec<u8>) {
        let start = body.len();
        body.resize(start + size, 0);
        self.connection.read_exact(&mut body[start..]).unwrap();
    }
}
