//! `postern apply --dynamodb`: the item that the functions of a deployment on AWS read.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::support::{Directory, postern, run};

const CONFIG: &str = "providers:\n  demo: { kind: demo }\n";

/// A DynamoDB that answers one request so, and gives what it was sent.
fn table(status: &'static str, body: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = String::new();
        // The body is the last thing, and the only one in braces.
        while !heard.ends_with('}') {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).unwrap();
            heard.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        let length = body.len();
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        heard
    });
    (url, heard)
}

fn apply(file: &str, url: &str) -> Command {
    let mut command = postern();
    command.args(["apply", file, "--dynamodb", "postern"]);
    command.env("AWS_REGION", "eu-west-1").env("AWS_ENDPOINT_URL_DYNAMODB", url);
    command.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "very-secret");
    command
}

#[test]
fn the_document_is_written_as_the_function_reads_it() {
    let directory = Directory::new();
    let file = directory.file("postern.yaml", CONFIG);
    let (url, heard) = table("200 OK", "{}");
    let (code, output, errors) = run(&mut apply(&file, &url));
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(output.contains("in the table postern"), "{output}");
    let heard = heard.join().unwrap();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("x-amz-target: DynamoDB_20120810.PutItem"), "{head}");
    assert!(head.contains("/eu-west-1/dynamodb/aws4_request, SignedHeaders="), "{head}");
    assert!(!heard.contains("very-secret"));
    // The base64 of {"providers":{"demo":{"kind":"demo"}}}.
    let item = json!({
        "pk": { "S": "value" }, "sk": { "S": "config" },
        "b": { "B": "eyJwcm92aWRlcnMiOnsiZGVtbyI6eyJraW5kIjoiZGVtbyJ9fX0=" },
    });
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({ "TableName": "postern", "Item": item }));
}

#[test]
fn what_is_missing_is_said() {
    let directory = Directory::new();
    let file = directory.file("postern.yaml", CONFIG);
    let (url, _) = table(
        "400 Bad Request",
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}"#,
    );
    let (code, _, errors) = run(&mut apply(&file, &url));
    assert!(code == 1 && errors.contains("there is no DynamoDB table postern in eu-west-1"), "{errors}");
    let (code, _, errors) = run(apply(&file, &url).env_remove("AWS_SECRET_ACCESS_KEY"));
    assert!(code == 1 && errors.contains("AWS_SECRET_ACCESS_KEY"), "{errors}");
    let (code, _, errors) = run(apply(&file, &url).env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION"));
    assert!(code == 1 && errors.contains("AWS_REGION is not set"), "{errors}");
}
