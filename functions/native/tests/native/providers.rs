//! Every document that `docs/providers.md` shows is sound, and a service account calls through the real program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::SystemTime;

use bytes::Bytes;
use postern_testkit::Authority;
use postern_testkit::authority::key_file;
use postern_testkit::script::{Conduct, Reply};

use crate::support::{Directory, Gateway, postern, run};

const DOCUMENT: &str = include_str!("../../../../docs/providers.md");

#[test]
fn examples_of_the_documentation_are_sound() {
    let directory = Directory::new();
    let mut examples = 0;
    for (number, example) in DOCUMENT.split("```yaml\n").skip(1).enumerate() {
        let (text, _) = example.split_once("```").unwrap();
        let file = directory.file(&format!("{number}.yaml"), text);
        let (code, output, errors) = run(postern().args(["check", &file]));
        assert_eq!(code, 0, "{text}\n{output}{errors}");
        // What is not set on this machine is only noted.
        let told: Vec<&str> = errors.lines().filter(|line| !line.contains("note:")).collect();
        assert!(told.is_empty(), "{text}\n{told:?}");
        examples += 1;
    }
    assert!(examples >= 9, "{examples}");
}

/// Serves an authority over HTTP until the test ends; gives its origin.
fn serve(authority: &Authority) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let script = authority.script();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let Some(request) = read(&mut stream) else { continue };
            let (parts, body) = request.into_parts();
            let (_, Conduct::Answer(reply)) = script.receive(&parts, &body) else { continue };
            answer(stream.get_mut(), &reply);
        }
    });
    origin
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<http::Request<Bytes>> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let mut request = http::Request::builder().method(words.next()?).uri(words.next()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        }
        request = request.header(name, value);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    request.body(body.into()).ok()
}

fn answer(stream: &mut TcpStream, reply: &Reply) {
    let body = reply.body();
    let mut head =
        format!("HTTP/1.1 {} X\r\nconnection: close\r\ncontent-length: {}\r\n", reply.status, body.len());
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    let _ = stream.write_all(&body);
}

#[test]
fn a_service_account_and_a_signature_call_through_the_program() {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let authority = Authority::new(now);
    let converse = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hello."}]}},"stopReason":"end_turn",
        "usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11},"metrics":{"latencyMs":5}}"#;
    authority.answer("/converse", Reply::whole(200, "application/json", converse));
    let origin = serve(&authority);
    let directory = Directory::new();
    let vertex = directory.file("postern.yaml", &format!(
        "providers:\n  vertex:\n    kind: vertex\n    base_url: {origin}\n    google: {{ location: europe-west1, service_account: \"${{KEY_FILE}}\" }}\n  \
         bedrock:\n    kind: bedrock\n    base_url: {origin}\n    aws: {{ region: {} }}\n",
        postern_testkit::authority::REGION,
    ));
    let (id, secret) = postern_testkit::authority::BASE_KEYS;
    let variables = [
        ("KEY_FILE", key_file(&origin)),
        ("AWS_ACCESS_KEY_ID", id.into()),
        ("AWS_SECRET_ACCESS_KEY", secret.into()),
    ];
    let gateway = Gateway::first_with(&directory, &["--config", &vertex], &variables);
    for model in ["vertex/meta/llama", "vertex/meta/llama", "bedrock/amazon.nova-lite-v1:0"] {
        let answer = gateway.chat(gateway.key(), model);
        assert_eq!(answer.status, 200, "{} {:?}", answer.body, authority.refusals());
        assert!(answer.body.contains("Hello."), "{}", answer.body);
    }
    assert_eq!(authority.given(), 1);
    assert!(authority.refusals().is_empty());
    let log = gateway.log();
    assert!(authority.secrets().iter().all(|secret| !log.contains(secret.as_str())));
    gateway.stop();
}
