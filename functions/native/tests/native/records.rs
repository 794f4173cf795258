//! Records and sums of calls, from the command line.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Call, Directory, Gateway, chat_body, postern, wait_for};

fn records(gateway: &Gateway) -> Vec<Value> {
    let output = gateway.done(&["logs", "--json"]);
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn calls_are_seen_at_once() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    for _ in 0..3 {
        assert_eq!(gateway.chat(gateway.key(), "demo/echo").status, 200);
    }
    assert_eq!(gateway.chat(gateway.key(), "demo/nothing").status, 404);

    let csv = gateway.done(&["usage", "--by", "tenant,model", "--csv"]);
    let row = |model: &str| {
        let row = csv
            .lines()
            .find(|line| line.starts_with(&format!("default,{model},")))
            .unwrap_or_else(|| panic!("{csv}"));
        row.split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("demo/echo")[2..4], ["3", "0"]);
    assert_ne!(row("demo/echo")[4], "0");
    // Sums are kept for ever: a name that only a caller knows gets none of its own.
    assert_eq!(row("")[2..4], ["1", "1"]);
    let json: Value = serde_json::from_str(&gateway.done(&["usage", "--by", "key", "--json"])).unwrap();
    assert_eq!(json["data"][0]["calls"], 4);
    let table = gateway.done(&["usage", "--by", "day,provider"]);
    assert!(table.lines().last().unwrap().starts_with("total"), "{table}");
    assert_eq!(gateway.done(&["usage", "--csv", "--tenant", "nobody"]).lines().count(), 1);
    let (code, _, errors) = gateway.command(&["usage", "--since", "yesterday"]);
    assert!(code == 1 && errors.contains("`since` must be like 30d"), "{errors}");
    let (code, _, errors) = gateway.command(&["usage", "--by", "colour"]);
    assert!(code == 2 && errors.contains("provider"), "{errors}");

    let records = records(&gateway);
    assert_eq!(records.len(), 4);
    // Calls of one millisecond come in any order.
    assert_eq!(records.iter().filter(|record| record["outcome"] == "refused").count(), 1);
    assert!(records.iter().all(|record| !record.to_string().contains("Hello")), "{records:?}");
    let lines = gateway.done(&["logs", "--last", "2", "--model", "demo/echo"]);
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.lines().all(|line| line.contains("demo/echo") && line.contains(" 200 ")), "{lines}");
    gateway.stop();
}

#[test]
fn a_caller_who_leaves_is_recorded_with_what_had_streamed() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    let body = chat_body("demo/slow", &"word ".repeat(200), true);
    let mut call = Call::begin(gateway.address(), "POST", "/v1/chat/completions", gateway.key(), &body);
    call.read_to("word");
    drop(call);
    wait_for("the record", || !records(&gateway).is_empty());
    let record = records(&gateway).remove(0);
    assert_eq!(record["outcome"], "client_closed");
    let output = record["usage"]["output"].as_u64().unwrap();
    assert!((1..200).contains(&output), "{record}");
    gateway.stop();
}

#[test]
fn logs_are_followed() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    assert_eq!(gateway.chat(gateway.key(), "demo/echo").status, 200);
    let mut following = postern()
        .args(["logs", "--follow", "--json", "--last", "0"])
        .env("POSTERN_URL", gateway.url())
        .env("POSTERN_ADMIN_TOKEN", &gateway.printed["POSTERN_ADMIN_TOKEN"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
    // What came before it looked for the first time is not shown: call until it has.
    while told.recv_timeout(Duration::from_millis(200)).is_err() {
        assert_eq!(gateway.chat(gateway.key(), "demo/probe").status, 404);
    }
    let next = || {
        loop {
            let line = told.recv_timeout(Duration::from_secs(60)).unwrap();
            let record: Value = serde_json::from_str(&line).unwrap();
            match record["model"].as_str().unwrap() {
                "demo/probe" => {}
                model => return model.to_owned(),
            }
        }
    };
    // This one begins first and ends last.
    let body = chat_body("demo/slow", &"word ".repeat(40), true);
    let mut slow = Call::begin(gateway.address(), "POST", "/v1/chat/completions", gateway.key(), &body);
    slow.read_to("word");
    assert_eq!(gateway.chat(gateway.key(), "demo/missing").status, 404);
    assert_eq!(next(), "demo/missing");
    assert!(slow.rest().contains("[DONE]"));
    assert_eq!(next(), "demo/slow");
    following.kill().unwrap();
    following.wait().unwrap();
    gateway.stop();
}

#[test]
fn records_outlive_a_kill() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    let token = gateway.printed["POSTERN_ADMIN_TOKEN"].clone();
    for _ in 0..5 {
        assert_eq!(gateway.chat(gateway.key(), "demo/echo").status, 200);
    }
    // Records gather for a moment before they are durable; nothing asks for them here.
    thread::sleep(Duration::from_millis(1000));
    gateway.signal("KILL");
    assert_eq!(gateway.ended().0, None);
    let mut gateway = Gateway::start(&directory, &[]);
    gateway.printed.insert("POSTERN_ADMIN_TOKEN".to_owned(), token);
    assert_eq!(records(&gateway).len(), 5);
    gateway.stop();
}
