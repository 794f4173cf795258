//! Stopping: open calls finish, their records are kept, nobody waits for ever.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Call, Directory, Gateway, chat_body, wait_for};

/// A stream of this many words, a word every 50 ms, whose first word has arrived.
fn begin_stream(gateway: &Gateway, words: usize) -> Call {
    let body = chat_body("demo/slow", &"word ".repeat(words), true);
    let mut call = Call::begin(gateway.address(), "POST", "/v1/chat/completions", gateway.key(), &body);
    call.read_to("word");
    call
}

/// How the calls of an earlier process ended, by a gateway on its data.
fn outcomes(directory: &Directory, token: &str) -> Vec<String> {
    let mut gateway = Gateway::start(directory, &[]);
    gateway.printed.insert("POSTERN_ADMIN_TOKEN".to_owned(), token.to_owned());
    let output = gateway.done(&["logs", "--json"]);
    gateway.stop();
    let outcome = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["outcome"].as_str().unwrap().to_owned()
    };
    output.lines().map(outcome).collect()
}

#[test]
fn an_open_stream_is_finished() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    let (address, token) = (gateway.address().to_owned(), gateway.printed["POSTERN_ADMIN_TOKEN"].clone());
    // Somebody is connected and says nothing: that keeps nobody waiting.
    let _silent = TcpStream::connect(&address).unwrap();
    let mut call = begin_stream(&gateway, 30);
    gateway.signal("TERM");
    wait_for("the address to be given up", || TcpStream::connect(&address).is_err());
    assert!(call.rest().contains("[DONE]"));
    assert_eq!(gateway.ended(), (Some(0), String::new()));
    assert_eq!(outcomes(&directory, &token), ["ok"]);
}

#[test]
fn what_does_not_finish_in_time_is_cut_and_recorded() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &["--drain", "1s"]);
    let token = gateway.printed["POSTERN_ADMIN_TOKEN"].clone();
    let mut call = begin_stream(&gateway, 2000);
    let begin = Instant::now();
    gateway.signal("TERM");
    assert!(!call.rest().contains("[DONE]"));
    assert_eq!(gateway.ended().0, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert_eq!(outcomes(&directory, &token), ["client_closed"]);
}

#[test]
fn a_second_signal_ends_at_once() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &["--drain", "1h"]);
    let mut call = begin_stream(&gateway, 2000);
    gateway.signal("INT");
    gateway.wait_for_log("waiting for open calls");
    gateway.signal("INT");
    assert_eq!(gateway.ended().0, Some(0));
    assert!(!call.rest().contains("[DONE]"));
}
