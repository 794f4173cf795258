//! The function behind an emulated Function URL: what a deployment that lacks something says, what happens when time
//! runs out or a process is gone, where secrets come from.

mod common;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{dynamodb, new_table};
use postern_lambda_emulator::{Dynamodb, Failure, Function, Invoked, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A function with these variables, and its log.
fn function(name: &str, timeout: Duration, variables: &[(&str, String)]) -> (Function, PathBuf) {
    let log = std::env::temp_dir().join(format!("postern-function-{}-{name}.log", std::process::id()));
    let _ = std::fs::remove_file(&log);
    let function = Function::new(Settings {
        program: env!("CARGO_BIN_EXE_bootstrap").into(),
        environment: variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        // A second process would start whenever a caller is quicker than the first one's way back.
        processes: if ["parallel", "parallel-init", "secrets"].contains(&name) { 8 } else { 1 },
        timeout,
        freezes: true,
        log: Some(log.clone()),
    });
    (function, log)
}

const LONG: Duration = Duration::from_secs(60);

async fn on_table(
    name: &str,
    timeout: Duration,
    dynamodb: &Dynamodb,
    more: &[(&str, String)],
) -> (Function, PathBuf) {
    let table = new_table(dynamodb).await;
    let mut variables = vec![("POSTERN_TABLE", table), ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.endpoint())];
    variables.extend(more.iter().cloned());
    function(name, timeout, &variables)
}

/// Tells the function a command.
async fn command(function: &Function, event: Value) -> Value {
    match function.invoke(event.to_string().into(), false).await {
        Ok(Invoked::Whole(answer)) => serde_json::from_slice(&answer).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// A caller's event at a Function URL.
fn event(method: &str, path: &str, key: &str, body: &Value) -> Bytes {
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "",
        "headers": { "authorization": format!("Bearer {key}"), "content-type": "application/json" },
        "requestContext": {
            "domainName": "x.lambda-url.eu-west-1.on.aws", "stage": "$default", "http": { "method": method },
        },
        "body": if body.is_null() { String::new() } else { body.to_string() }, "isBase64Encoded": false,
    });
    event.to_string().into()
}

/// Status and body of an answer; the body as far as it came.
async fn answer(function: &Function, event: Bytes) -> Result<(u16, String), Failure> {
    let Invoked::Http { status, mut body, .. } = function.invoke(event, true).await? else {
        panic!("an answer to HTTP");
    };
    let mut all = Vec::new();
    while let Some(piece) = body.next().await {
        match piece {
            Ok(piece) => all.extend_from_slice(&piece),
            Err(_) => {
                all.extend_from_slice(b"(broken)");
                break;
            }
        }
    }
    Ok((status.as_u16(), String::from_utf8(all).unwrap()))
}

fn chat(model: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": "good morning" }] })
}

async fn keys(function: &Function) -> (String, String) {
    let first = command(function, json!({ "postern": "init" })).await;
    let text = |name: &str| first[name].as_str().unwrap_or_else(|| panic!("{first}")).to_owned();
    (text("admin_token"), text("key"))
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_missing_table_is_named_with_how_to_make_it() {
    let dynamodb = dynamodb().await;
    let variables =
        [("POSTERN_TABLE", "nowhere".to_owned()), ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.endpoint())];
    let (function, _) = function("missing-table", LONG, &variables);
    let (status, body) =
        answer(&function, event("POST", "/v1/chat/completions", "pk", &chat("demo/echo", false)))
            .await
            .unwrap();
    assert_eq!(status, 503);
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(error["error"]["code"], "not_configured");
    for word in ["DynamoDB table nowhere", "eu-west-1", "create-table", "cargo xtask deploy aws"] {
        assert!(error["error"]["message"].as_str().unwrap().contains(word), "{word}: {body}");
    }
    let (status, body) = answer(&function, event("GET", "/readyz", "", &Value::Null)).await.unwrap();
    let ready: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, ready["missing"].as_array().unwrap().len()), (503, 1), "{body}");
    assert_eq!(answer(&function, event("GET", "/healthz", "", &Value::Null)).await.unwrap().0, 200);
    // It appears: the next call serves, without a new process.
    dynamodb.create_table("nowhere").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let (_, key) = keys(&function).await;
    let (status, _) =
        answer(&function, event("POST", "/v1/chat/completions", &key, &chat("demo/echo", false)))
            .await
            .unwrap();
    assert_eq!((status, function.starts()), (200, 1));
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn everything_that_is_missing_is_listed() {
    let (without_table, _) = function("no-table", LONG, &[("POSTERN_METRICS", "maybe".to_owned())]);
    let (status, body) = answer(&without_table, event("GET", "/readyz", "", &Value::Null)).await.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("POSTERN_TABLE") && body.contains("POSTERN_METRICS"), "{body}");

    let dynamodb = dynamodb().await;
    let (function, _) = on_table("no-secret", LONG, &dynamodb, &[]).await;
    let config = json!({ "providers": { "openai": { "kind": "openai", "api_key": "${OPENAI_API_KEY}" } } });
    assert_eq!(
        command(&function, json!({ "postern": { "do": "apply", "config": config } })).await,
        json!({ "warnings": [] })
    );
    let (_, key) = keys(&function).await;
    let call = event("POST", "/v1/chat/completions", &key, &chat("openai/gpt-4o-mini", false));
    let (status, body) = answer(&function, call).await.unwrap();
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("OPENAI_API_KEY"), "{body}");
    let (status, body) = answer(&function, event("GET", "/readyz", "", &Value::Null)).await.unwrap();
    assert!(status == 503 && body.contains("OPENAI_API_KEY"), "{body}");
    let said = command(&function, json!({ "postern": "status" })).await;
    assert!(said["missing"][0].as_str().unwrap().contains("OPENAI_API_KEY"), "{said}");
}

/// An upstream that says these bytes to each connection and then nothing more. What it was sent is kept.
async fn upstream(says: &'static str, heard: Arc<Mutex<Vec<u8>>>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                let mut buffer = [0; 16384];
                let count = stream.read(&mut buffer).await.unwrap_or_default();
                heard.lock().unwrap().extend_from_slice(&buffer[..count]);
                let _ = stream.write_all(says.as_bytes()).await;
                let _ = stream.read(&mut buffer).await;
            });
        }
    });
    origin
}

async fn with_upstream(
    name: &str,
    timeout: Duration,
    dynamodb: &Dynamodb,
    origin: &str,
    key: &str,
) -> Function {
    let (function, _) = on_table(name, timeout, dynamodb, &[("UPSTREAM_KEY", key.to_owned())]).await;
    let provider =
        json!({ "kind": "openai", "base_url": format!("{origin}/v1"), "api_key": "${UPSTREAM_KEY}" });
    let config = json!({ "providers": { "vendor": provider } });
    assert_eq!(
        command(&function, json!({ "postern": { "do": "apply", "config": config } })).await,
        json!({ "warnings": [] })
    );
    function
}

/// The records that there are.
async fn records(function: &Function, token: &str) -> Vec<Value> {
    let (status, body) = answer(function, event("GET", "/admin/v1/logs", token, &Value::Null)).await.unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["data"].as_array().unwrap().clone()
}

const HALF_A_STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"id\":\"1\",\"object\":\
    \"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"},\
    \"finish_reason\":null}]}\n\n";

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_call_ends_with_an_error_and_a_record_before_the_process_is_killed() {
    let dynamodb = dynamodb().await;
    let timeout = Duration::from_secs(5);
    // It never answers.
    let silent = upstream("", Arc::default()).await;
    let function = with_upstream("deadline", timeout, &dynamodb, &silent, "k").await;
    let (token, key) = keys(&function).await;
    let begun = Instant::now();
    let call = event("POST", "/v1/chat/completions", &key, &chat("vendor/m", false));
    let (status, body) = answer(&function, call).await.unwrap();
    assert!(status == 504 && body.contains("upstream_timeout"), "{status} {body}");
    assert!(begun.elapsed() < timeout, "before the deadline");
    let kept = records(&function, &token).await;
    assert_eq!(
        (kept.len(), &kept[0]["status"], &kept[0]["outcome"]),
        (1, &json!(504), &json!("upstream_failed"))
    );
    assert_eq!(function.starts(), 1, "the process lives on");

    // It begins a stream and goes on with nothing.
    let stalled = upstream(HALF_A_STREAM, Arc::default()).await;
    let function = with_upstream("deadline-stream", timeout, &dynamodb, &stalled, "k").await;
    let (token, key) = keys(&function).await;
    let call = event("POST", "/v1/chat/completions", &key, &chat("vendor/m", true));
    let (status, body) = answer(&function, call).await.unwrap();
    assert_eq!(status, 200);
    assert!(body.contains("half") && body.contains("\"error\"") && !body.contains("(broken)"), "{body}");
    assert!(!body.contains("[DONE]"), "{body}");
    let kept = records(&function, &token).await;
    assert_eq!((kept.len(), &kept[0]["outcome"]), (1, &json!("stream_failed")), "{kept:?}");
    assert_eq!(function.starts(), 1);
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_process_that_is_gone_is_replaced() {
    let dynamodb = dynamodb().await;
    let stalled = upstream(HALF_A_STREAM, Arc::default()).await;
    let function = with_upstream("gone", LONG, &dynamodb, &stalled, "k").await;
    let (_, key) = keys(&function).await;
    let process = loop {
        if let [process] = function.idle_processes()[..] {
            break process;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let call = event("POST", "/v1/chat/completions", &key, &chat("vendor/m", true));
    let Ok(Invoked::Http { mut body, .. }) = function.invoke(call, true).await else { panic!("a stream") };
    assert!(body.next().await.unwrap().is_ok());
    std::process::Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap();
    assert!(body.next().await.unwrap().is_err(), "the caller sees that it broke");
    let call = event("POST", "/v1/chat/completions", &key, &chat("demo/echo", false));
    let answered = answer(&function, call).await.unwrap();
    assert_eq!(answered.0, 404, "the demo is not in this configuration: {}", answered.1);
    assert_eq!(function.starts(), 2);
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn cold_starts_in_parallel_lose_and_double_nothing() {
    let dynamodb = dynamodb().await;
    let (function, _) = on_table("parallel", LONG, &dynamodb, &[]).await;
    let (token, key) = keys(&function).await;
    function.end_idle().await;
    for round in 1..=3_u64 {
        let calls = (0..8).map(|number| {
            let model = if number % 2 == 0 { "demo/echo" } else { "demo/slow" };
            answer(&function, event("POST", "/v1/chat/completions", &key, &chat(model, number % 4 == 1)))
        });
        for answered in futures_util::future::join_all(calls).await {
            assert_eq!(answered.unwrap().0, 200);
        }
        let usage = event("GET", "/admin/v1/usage", &token, &Value::Null);
        let usage: Value = serde_json::from_str(&answer(&function, usage).await.unwrap().1).unwrap();
        assert_eq!(usage["data"][0]["calls"], 8 * round, "{usage}");
        assert_eq!(records(&function, &token).await.len() as u64, 8 * round);
        // Frozen for a while, then ended without a word, as Lambda does.
        tokio::time::sleep(Duration::from_millis(300)).await;
        if round == 2 {
            function.end_idle().await;
        }
    }
    assert!(function.starts() >= 9, "{} processes", function.starts());
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn first_starts_in_parallel_make_one_administrator() {
    let dynamodb = dynamodb().await;
    let (function, _) = on_table("parallel-init", LONG, &dynamodb, &[]).await;
    let said = (0..8).map(|_| command(&function, json!({ "postern": "init" })));
    let said = futures_util::future::join_all(said).await;
    let made: Vec<_> = said.iter().filter(|said| said["admin_token"].is_string()).collect();
    assert_eq!(
        (made.len(), said.iter().filter(|said| said["already"].is_string()).count()),
        (1, 7),
        "{said:?}"
    );
    assert!(function.starts() > 1, "they were in parallel");
    let (token, key) = (made[0]["admin_token"].as_str().unwrap(), made[0]["key"].as_str().unwrap());
    let keys = event("GET", "/admin/v1/keys", token, &Value::Null);
    let keys: Value = serde_json::from_str(&answer(&function, keys).await.unwrap().1).unwrap();
    assert_eq!(keys["data"].as_array().unwrap().len(), 1, "{keys}");
    let call = event("POST", "/v1/chat/completions", key, &chat("demo/echo", false));
    assert_eq!(answer(&function, call).await.unwrap().0, 200);
}

/// The configuration's own setting is half a minute; here it is a second, which is all that differs.
#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_configuration_reaches_another_process_by_itself() {
    let dynamodb = dynamodb().await;
    let table = new_table(&dynamodb).await;
    let variables = [
        ("POSTERN_TABLE", table),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.endpoint()),
        ("POSTERN_REFRESH", "1s".to_owned()),
    ];
    let (one, _) = function("refresh-one", LONG, &variables);
    let (other, _) = function("refresh-other", LONG, &variables);
    let (_, key) = keys(&one).await;
    let call = || event("POST", "/v1/chat/completions", &key, &chat("changed", false));
    assert_eq!(answer(&other, call()).await.unwrap().0, 404, "there is no such model yet");
    let config = json!({
        "providers": { "demo": { "kind": "demo" } },
        "models": { "changed": { "targets": [{ "provider": "demo", "model": "echo" }] } },
    });
    let said = command(&one, json!({ "postern": { "do": "apply", "config": config } })).await;
    assert_eq!(said, json!({ "warnings": [] }));
    assert_eq!(answer(&one, call()).await.unwrap().0, 200, "at once where it was written");
    let begun = Instant::now();
    while answer(&other, call()).await.unwrap().0 != 200 {
        assert!(begun.elapsed() < LONG, "it never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((one.starts(), other.starts()), (1, 1), "the same processes");
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn what_an_ended_process_left_is_folded_when_the_schedule_asks() {
    let dynamodb = dynamodb().await;
    let (function, _) = on_table("fold", LONG, &dynamodb, &[]).await;
    let (token, key) = keys(&function).await;
    let call = event("POST", "/v1/chat/completions", &key, &chat("demo/echo", false));
    assert_eq!(answer(&function, call).await.unwrap().0, 200);
    function.end_idle().await;
    assert_eq!(command(&function, json!({ "postern": "fold" })).await, json!({ "folded": true }));
    let usage = event("GET", "/admin/v1/usage", &token, &Value::Null);
    let usage: Value = serde_json::from_str(&answer(&function, usage).await.unwrap().1).unwrap();
    assert_eq!(usage["data"][0]["calls"], 1, "{usage}");
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn a_stream_reaches_the_caller_while_it_is_made() {
    let dynamodb = dynamodb().await;
    let (function, _) = on_table("stream", LONG, &dynamodb, &[]).await;
    let (_, key) = keys(&function).await;
    let mut call = chat("demo/slow", true);
    call["messages"][0]["content"] = "one two three four five six seven eight".into();
    let begun = Instant::now();
    let Ok(Invoked::Http { mut body, .. }) =
        function.invoke(event("POST", "/v1/chat/completions", &key, &call), true).await
    else {
        panic!("a stream");
    };
    let mut first = None;
    let mut pieces = 0;
    while let Some(piece) = body.next().await {
        piece.unwrap();
        pieces += 1;
        first.get_or_insert_with(|| begun.elapsed());
    }
    assert!(pieces > 8, "{pieces} pieces");
    // The demo makes eight pauses of 50 ms.
    assert!(
        first.unwrap() + Duration::from_millis(300) < begun.elapsed(),
        "{first:?} of {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn api_gateway_gets_a_whole_answer() {
    let dynamodb = dynamodb().await;
    let (function, _) = on_table("gateway", LONG, &dynamodb, &[]).await;
    let (_, key) = keys(&function).await;
    let event = json!({
        "resource": "/{proxy+}", "path": "/v1/chat/completions", "httpMethod": "POST",
        "multiValueHeaders": { "x-api-key": [key], "content-type": ["application/json"] },
        "requestContext": { "domainName": "x.execute-api.eu-west-1.amazonaws.com", "stage": "prod" },
        "body": chat("demo/slow", true).to_string(), "isBase64Encoded": false,
    });
    let answer = command(&function, event).await;
    assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert_eq!(answer["headers"]["content-type"], "text/event-stream; charset=utf-8");
    assert!(answer["body"].as_str().unwrap().ends_with("data: [DONE]\n\n"), "{answer}");
}

/// Secrets Manager and the parameter store as far as the function asks; answers only what is signed.
async fn secret_services() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 65536];
                let count = stream.read(&mut buffer).await.unwrap_or_default();
                let said = String::from_utf8_lossy(&buffer[..count]).into_owned();
                let signed = |service: &str| {
                    said.contains(&format!("/eu-west-1/{service}/aws4_request, SignedHeaders="))
                        && said.contains("x-amz-security-token: emulator")
                };
                let body = if signed("secretsmanager") && said.contains("secretsmanager.GetSecretValue") {
                    json!({ "SecretString": json!({ "UPSTREAM_KEY": "sk-of-the-manager" }).to_string() })
                } else if signed("ssm") && said.contains("NextToken") {
                    json!({ "Parameters": [{ "Name": "/postern/UPSTREAM_KEY", "Value": "sk-hidden-by-the-manager" }] })
                } else if signed("ssm") && said.contains("AmazonSSM.GetParametersByPath") {
                    let parameter = json!({ "Name": "/postern/SECOND_KEY", "Value": "sk-of-the-store" });
                    json!({ "Parameters": [parameter], "NextToken": "more" })
                } else {
                    Value::Null
                };
                let body = body.to_string();
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn secrets_come_from_aws_when_the_environment_has_none() {
    let dynamodb = dynamodb().await;
    let services = secret_services().await;
    let heard = Arc::<Mutex<Vec<u8>>>::default();
    let origin = upstream(HALF_A_STREAM, Arc::clone(&heard)).await;
    let more = [
        ("POSTERN_SECRETS", "secretsmanager:postern,ssm:/postern".to_owned()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", services.clone()),
        ("AWS_ENDPOINT_URL_SSM", services),
    ];
    let (function, log) = on_table("secrets", Duration::from_secs(4), &dynamodb, &more).await;
    let provider = |name: &str| json!({ "kind": "openai", "base_url": format!("{origin}/v1"), "api_key": format!("${{{name}}}") });
    let config = json!({ "providers": { "one": provider("UPSTREAM_KEY"), "two": provider("SECOND_KEY") } });
    command(&function, json!({ "postern": { "do": "apply", "config": config } })).await;
    let (_, key) = keys(&function).await;
    for model in ["one/m", "two/m"] {
        let (status, body) =
            answer(&function, event("POST", "/v1/chat/completions", &key, &chat(model, true))).await.unwrap();
        assert_eq!(status, 200, "{model}: {body}");
    }
    let heard = String::from_utf8(heard.lock().unwrap().clone()).unwrap();
    assert!(heard.contains("authorization: Bearer sk-of-the-manager\r\n"), "{heard}");
    assert!(heard.contains("authorization: Bearer sk-of-the-store\r\n"), "{heard}");
    function.end_idle().await;
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("sk-of") && !log.contains("good morning") && !log.contains(&key), "{log}");
    assert!(log.contains("\"CloudWatchMetrics\""), "{log}");
}

#[tokio::test]
#[ignore = "needs a DynamoDB emulator: cargo xtask test lambda"]
async fn commands_say_what_is_wrong_with_them() {
    let dynamodb = dynamodb().await;
    let (function, _) = on_table("commands", LONG, &dynamodb, &[]).await;
    let said = command(&function, json!({ "postern": "dance" })).await;
    assert!(said["error"].as_str().unwrap().contains("`init`"), "{said}");
    let said = command(&function, json!({ "postern": { "do": "apply", "config": { "modles": {} } } })).await;
    assert!(said["problems"][0].to_string().contains("models"), "{said}");
    let (token, _) = keys(&function).await;
    assert!(command(&function, json!({ "postern": "init" })).await["already"].is_string());
    let said = command(&function, json!({ "postern": "admin-token" })).await;
    let second = said["admin_token"].as_str().unwrap();
    for token in [token.as_str(), second] {
        let read = event("GET", "/admin/v1/config", token, &Value::Null);
        assert_eq!(answer(&function, read).await.unwrap().0, 200);
    }
    // What is no event at all is an error of the function, and it goes on.
    let failed = function.invoke(Bytes::from_static(b"{\"Records\":[]}"), false).await.unwrap_err();
    assert_eq!(failed, Failure::Function("Postern.Event".to_owned()));
    assert_eq!(function.starts(), 1);
}
