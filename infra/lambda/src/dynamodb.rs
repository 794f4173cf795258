//! A DynamoDB beside the function: the emulator `dynoxide` in memory, and the table of `infra/aws/template.yaml` in it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// How long the emulator may take to start.
const START: Duration = Duration::from_secs(20);

/// A running emulator; it ends with this value.
pub struct Dynamodb {
    _process: Child,
    address: SocketAddr,
}

impl Dynamodb {
    /// Starts the program `dynoxide`.
    ///
    /// # Errors
    /// When it does not start or does not answer.
    pub async fn start(program: &Path) -> io::Result<Self> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let process = Command::new(program)
            .args(["--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", program.display())))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let end = tokio::time::Instant::now() + START;
        while call(address, "ListTables", &json!({})).await.is_err() {
            if tokio::time::Instant::now() > end {
                return Err(io::Error::other("dynoxide does not answer"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { _process: process, address })
    }

    /// Its endpoint.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Does an operation by DynamoDB's name of it, for tests that look at items themselves.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn operation(&self, name: &str, input: &Value) -> io::Result<Value> {
        call(self.address, name, input).await
    }

    /// Makes a table.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn create_table(&self, name: &str) -> io::Result<()> {
        create_table(self.address, name).await
    }
}

/// Makes a table like the template's in the DynamoDB emulator at this address.
///
/// # Errors
/// When it cannot be made.
pub async fn create_table(address: SocketAddr, name: &str) -> io::Result<()> {
    let input = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "pk", "AttributeType": "S" },
            { "AttributeName": "sk", "AttributeType": "S" },
        ],
        "KeySchema": [
            { "AttributeName": "pk", "KeyType": "HASH" },
            { "AttributeName": "sk", "KeyType": "RANGE" },
        ],
    });
    call(address, "CreateTable", &input).await?;
    let ttl = json!({
        "TableName": name,
        "TimeToLiveSpecification": { "AttributeName": "ttl", "Enabled": true },
    });
    call(address, "UpdateTimeToLive", &ttl).await.map(drop)
}

/// Calls an operation without a signature that anybody would check.
async fn call(address: SocketAddr, operation: &str, input: &Value) -> io::Result<Value> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let scope = "emulator/20260101/eu-west-1/dynamodb/aws4_request";
    let request = Request::post("/")
        .header("host", address.to_string())
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={}", "0".repeat(64)),
        )
        .body(Full::new(Bytes::from(input.to_string())))
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    if status != StatusCode::OK {
        return Err(io::Error::other(format!("{operation}: {status}: {}", String::from_utf8_lossy(&body))));
    }
    serde_json::from_slice(&body).map_err(io::Error::other)
}
