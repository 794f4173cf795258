//! The shapes on both sides of a function: the event of a Function URL, and the two framings of an answer.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// The largest event, bytes.
pub(crate) const LARGEST_EVENT: usize = 6 * 1024 * 1024;
/// The largest head of a streamed answer, bytes.
const LARGEST_HEAD: usize = 64 * 1024;

/// A request as the event of a Function URL (payload format 2.0).
pub(crate) fn event(parts: &Parts, body: &[u8], id: &str) -> Value {
    let mut headers = BTreeMap::<&str, String>::new();
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str())
            .and_modify(|all| *all += &format!(",{value}"))
            .or_insert(value.into_owned());
    }
    let cookies: Vec<&str> = parts
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split("; "))
        .collect();
    let domain = "emulator.lambda-url.eu-west-1.on.aws";
    headers.insert(HOST.as_str(), domain.to_owned());
    headers.insert("x-forwarded-for", "127.0.0.1".to_owned());
    headers.insert("x-forwarded-proto", "https".to_owned());
    headers.insert("x-amzn-trace-id", format!("Root=1-{id}"));
    let agent = headers.get("user-agent").cloned().unwrap_or_default();
    let (body, encoded) = match std::str::from_utf8(body) {
        Ok(text) if is_text(&parts.headers) => (text.to_owned(), false),
        _ => (base64::engine::general_purpose::STANDARD.encode(body), true),
    };
    let millis =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "emulator",
            "domainName": domain,
            "domainPrefix": "emulator",
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": agent,
            },
            "requestId": id,
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": millis,
        },
        "isBase64Encoded": encoded,
    });
    if let Some(event) = event.as_object_mut() {
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), cookies.into());
        }
        if !body.is_empty() {
            event.insert("body".to_owned(), body.into());
        }
    }
    event
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/") || ["json", "xml", "javascript"].iter().any(|word| kind.contains(word))
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

impl Head {
    fn read(value: &Value) -> Option<Self> {
        let status = value.get("statusCode").map_or(Some(200), Value::as_u64)?;
        let mut headers = HeaderMap::new();
        for (name, value) in value.get("headers").and_then(Value::as_object).into_iter().flatten() {
            headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_str(value.as_str()?).ok()?);
        }
        for cookie in value.get("cookies").and_then(Value::as_array).into_iter().flatten() {
            headers.append(SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
        }
        Some(Self { status: StatusCode::from_u16(u16::try_from(status).ok()?).ok()?, headers })
    }
}

/// Takes the head of a streamed answer apart from its body, however it was cut.
#[derive(Default)]
pub(crate) struct Prelude(BytesMut);

/// What a piece of a streamed answer brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The head is not complete.
    Nothing,
    /// The head, and the beginning of the body.
    Head(Head, Bytes),
    /// It is no head.
    Nonsense,
}

impl Prelude {
    pub(crate) fn push(&mut self, piece: &[u8]) -> Found {
        self.0.extend_from_slice(piece);
        let Some(at) = self.0.windows(8).position(|window| window == [0; 8]) else {
            return if self.0.len() > LARGEST_HEAD { Found::Nonsense } else { Found::Nothing };
        };
        let rest = self.0.split_off(at + 8).freeze();
        let head = self.0.get(..at).and_then(|json| serde_json::from_slice(json).ok());
        match head.as_ref().and_then(Head::read) {
            Some(head) => Found::Head(head, rest),
            None => Found::Nonsense,
        }
    }
}

/// A whole answer to an HTTP request.
pub(crate) fn whole(answer: &[u8]) -> Option<(Head, Bytes)> {
    let value: Value = serde_json::from_slice(answer).ok()?;
    // Anything without a status is the body itself.
    if value.get("statusCode").is_none() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Some((Head { status: StatusCode::OK, headers }, Bytes::copy_from_slice(answer)));
    }
    let body = value.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = if value.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default() {
        base64::engine::general_purpose::STANDARD.decode(body).ok()?.into()
    } else {
        Bytes::copy_from_slice(body.as_bytes())
    };
    Some((Head::read(&value)?, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_found_however_it_is_cut() {
        let mut all = br#"{"statusCode":201,"headers":{"x-a":"1"},"cookies":["c=1"]}"#.to_vec();
        all.extend_from_slice(&[0; 8]);
        let head_length = all.len();
        all.extend_from_slice(b"body\0\0");
        for cut in 1..all.len() {
            let mut prelude = Prelude::default();
            let (first, second) = all.split_at(cut);
            let (head, rest) = match prelude.push(first) {
                Found::Head(head, rest) => (head, [&rest, second].concat()),
                Found::Nothing => match prelude.push(second) {
                    Found::Head(head, rest) => (head, rest.to_vec()),
                    other => panic!("cut at {cut}: {other:?}"),
                },
                Found::Nonsense => panic!("cut at {cut}"),
            };
            assert_eq!(head.status, 201);
            assert_eq!(
                (&head.headers["x-a"], &head.headers["set-cookie"]),
                (&HeaderValue::from_static("1"), &HeaderValue::from_static("c=1"))
            );
            assert_eq!(rest, &all[head_length..], "cut at {cut}");
        }
        assert_eq!(Prelude::default().push(b"hello\0\0\0\0\0\0\0\0"), Found::Nonsense);
    }

    #[test]
    fn a_body_is_text_only_when_its_type_says_so() {
        let parts = |kind: &str| {
            let request =
                http::Request::post("/a%20b?c=1&c=2").header("cookie", "x=1; y=2").header("x-two", "1");
            request.header("x-two", "2").header(CONTENT_TYPE, kind).body(()).unwrap().into_parts().0
        };
        let text = event(&parts("application/json"), b"{}", "id");
        assert_eq!((&text["body"], &text["isBase64Encoded"]), (&json!("{}"), &json!(false)));
        assert_eq!((&text["rawPath"], &text["rawQueryString"]), (&json!("/a%20b"), &json!("c=1&c=2")));
        assert_eq!((&text["cookies"], &text["headers"]["x-two"]), (&json!(["x=1", "y=2"]), &json!("1,2")));
        let binary = event(&parts("image/png"), b"\xff", "id");
        assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
    }
}
