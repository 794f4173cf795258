//! A fast upstream on plain threads: a whole answer, a stream of fifty events, or a failure, by the model's name.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Pieces of text in a stream.
const PIECES: usize = 50;

/// A listener that serves for as long as the test runs.
pub(crate) struct Upstream {
    address: SocketAddr,
}

impl Upstream {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A gateway that leaves in the middle is part of the test.
                thread::spawn(move || serve(&stream));
            }
        });
        Self { address }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body);
        if body.contains("\"fails\"") {
            let error = r#"{"error":{"message":"failed","type":"server_error","param":null,"code":null}}"#;
            whole(stream, "500 Internal Server Error", error)?;
        } else if body.contains("\"stream\":true") {
            streamed(stream)?;
        } else {
            let answer = concat!(
                r#"{"id":"chatcmpl-1","object":"chat.completion","created":1750000000,"model":"fast","choices":"#,
                r#"[{"index":0,"message":{"role":"assistant","content":"A short answer."},"finish_reason":"stop"}],"#,
                r#""usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}"#
            );
            whole(stream, "200 OK", answer)?;
        }
    }
}

fn whole(mut stream: &TcpStream, status: &str, body: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes())
}

fn streamed(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )?;
    let head = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1750000000,"model":"fast","choices":"#;
    for _ in 0..PIECES {
        event(
            stream,
            &format!(r#"{head}[{{"index":0,"delta":{{"content":"word "}},"finish_reason":null}}]}}"#),
        )?;
    }
    event(stream, &format!(r#"{head}[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}"#))?;
    let usage = r#"{"prompt_tokens":9,"completion_tokens":50,"total_tokens":59}"#;
    event(stream, &format!(r#"{head}[],"usage":{usage}}}"#))?;
    event(stream, "[DONE]")?;
    stream.write_all(b"0\r\n\r\n")
}

fn event(mut stream: &TcpStream, data: &str) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\ndata: {data}\n\n\r\n", data.len() + 8).as_bytes())
}
