//! The admin API of a running gateway, seen from the command line.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{Method, Request, StatusCode, Uri};
use postern_common::{Client, Roots};
use postern_gateway::FetchError;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::RemoteArgs;
use crate::failure::Failure;

/// How long connecting and a whole answer may take.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);
/// The largest answer, bytes: a page of records with their payloads.
const LARGEST: usize = 256 << 20;

/// A gateway and who we are to it.
pub(super) struct Remote {
    client: Client,
    url: String,
    token: String,
}

impl Remote {
    /// The gateway that the options name; `url` goes before theirs.
    pub(super) fn new(args: &RemoteArgs, url: Option<&str>) -> Result<Self, Failure> {
        let url = url.unwrap_or(&args.url).trim_end_matches('/');
        // The URL that applications are given is the one people have at hand.
        let url = url.strip_suffix("/v1").unwrap_or(url);
        let parsed = url.parse::<Uri>().ok().filter(|uri| uri.authority().is_some());
        if !parsed.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https"))) {
            return Err(Failure::new(format!(
                "{url} is no URL of a gateway: expected one like http://127.0.0.1:8787"
            )));
        }
        let token = args.admin_token.as_deref().map(str::trim).filter(|token| !token.is_empty());
        let Some(token) = token else {
            return Err(Failure::new(
                "no administrator token: set POSTERN_ADMIN_TOKEN, or give --admin-token. The gateway's first start \
                 prints one; `postern admin-token` makes another while it is stopped",
            ));
        };
        Ok(Self { client: Client::new(Roots::Machine), url: url.to_owned(), token: token.to_owned() })
    }

    /// The gateway's URL.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Asks for something.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, Failure> {
        self.call(Method::GET, &with_parameters(path, parameters), None).await
    }

    /// Changes something.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        self.call(method, path, body).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        let (status, body) =
            tokio::time::timeout(ANSWER, self.exchange(method, path, body)).await.map_err(|_| {
                Failure::new(format!("{} did not answer within {} s", self.url, ANSWER.as_secs()))
            })??;
        if !status.is_success() {
            return Err(self.refusal(status, &body));
        }
        serde_json::from_slice(&body).map_err(|_| self.stranger(status))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/admin/v1/{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("user-agent", concat!("postern/", env!("CARGO_PKG_VERSION")))
            .body(body)
            // The token is the only part that is neither ours nor checked. The error does not show it.
            .map_err(|_| Failure::new("the administrator token has characters that cannot be sent"))?;
        let response = self.client.fetch(request, CONNECT).await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let mut stream = response.into_body();
        let mut body = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| self.unreachable(&error))?;
            if body.len() + chunk.len() > LARGEST {
                return Err(Failure::new(format!(
                    "{} answers with more than {} MiB",
                    self.url,
                    LARGEST >> 20
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body.freeze()))
    }

    fn unreachable(&self, error: &FetchError) -> Failure {
        let advice = "start one with `postern serve`, or say where it is with --url or POSTERN_URL";
        Failure::new(format!("no gateway answers at {}: {error} ({advice})", self.url))
    }

    fn stranger(&self, status: StatusCode) -> Failure {
        Failure::new(format!("what answers at {} is no postern gateway (it answered {status})", self.url))
    }

    /// What the gateway says when it refuses.
    fn refusal(&self, status: StatusCode, body: &[u8]) -> Failure {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(message) = body.pointer("/error/message").and_then(Value::as_str) else {
            return self.stranger(status);
        };
        if status == StatusCode::UNAUTHORIZED {
            return Failure::new(format!("{} refuses the administrator token: {message}", self.url));
        }
        let mut text = message.to_owned();
        for problem in body.get("problems").and_then(Value::as_array).into_iter().flatten() {
            if let Ok(problem) = serde_json::from_value::<postern_gateway::config::Problem>(problem.clone()) {
                text.push_str(&format!("\n  {problem}"));
            }
        }
        Failure::new(text)
    }
}

/// A path with its query. Empty parameters are left out.
fn with_parameters(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    let mut mark = '?';
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(mark);
        out.push_str(name);
        out.push('=');
        escape(value, &mut out);
        mark = '&';
    }
    out
}

/// Writes `text` so that it is one value or one segment of a URL (RFC 3986, section 2.3).
pub(super) fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped() {
        let parameters = [("by", "tenant,day"), ("tenant", ""), ("model", "a b&c/é")];
        assert_eq!(with_parameters("usage", &parameters), "usage?by=tenant%2Cday&model=a%20b%26c%2F%C3%A9");
        assert_eq!(with_parameters("usage", &[]), "usage");
    }

    #[test]
    fn says_what_is_missing() {
        let args = |url: &str, token: Option<&str>| RemoteArgs {
            url: url.to_owned(),
            admin_token: token.map(str::to_owned),
        };
        let failed = |url, token| Remote::new(&args(url, token), None).err().unwrap().to_string();
        assert!(failed("http://h", None).contains("POSTERN_ADMIN_TOKEN"));
        assert!(failed("127.0.0.1:8787", Some("t")).contains("http://127.0.0.1:8787"));
        assert!(failed("ftp://h", Some("t")).contains("no URL"));
        let remote = Remote::new(&args("https://h/x/v1/", Some("t")), None).unwrap();
        assert_eq!(remote.url(), "https://h/x");
    }
}
