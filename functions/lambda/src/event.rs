//! What Lambda hands over: a request in the shape of a Function URL, of an HTTP API or of a REST API, or one of our
//! own commands.
//!
//! AWS describes the shapes as payload format 2.0 (Function URL, HTTP API) and 1.0 (REST API). Only what a gateway needs
//! is read, in one pass: reading into complete types means to try one after the other, a prompt of some hundred
//! kilobytes each time.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use bytes::Bytes;
use http::header::{COOKIE, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

/// What Lambda handed over.
#[derive(Debug)]
pub(crate) enum Event {
    /// A caller's request.
    Http { request: Request<Bytes>, front: Front },
    /// A command of somebody who may invoke the function.
    Command(Value),
}

/// What stands in front of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// A Function URL, which takes a stream.
    FunctionUrl,
    /// API Gateway, which takes a whole answer.
    ApiGateway,
}

/// An event that is none of these. Quotes nothing.
#[derive(Debug)]
pub(crate) struct Unreadable(&'static str);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    /// Ours; never there in an event that a caller caused.
    postern: Option<Value>,
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    cookies: Option<Vec<String>>,
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    path: Option<String>,
    query_string_parameters: Option<BTreeMap<String, String>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    http_method: Option<String>,
    request_context: Option<Context>,
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Context {
    domain_name: Option<String>,
    stage: Option<String>,
    http: Option<Http>,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

/// Bytes that a path cannot hold; AWS decodes some of them.
const IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');
/// And a part of a query.
const IN_QUERY: &AsciiSet = &IN_PATH.add(b'&').add(b'=').add(b'+').add(b'%');

impl Event {
    /// Reads an event.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let raw: Raw = serde_json::from_slice(bytes).map_err(|_| {
            Unreadable("the event is not one of a Function URL, an HTTP API or a REST API of API Gateway")
        })?;
        if let (Some(command), None) = (&raw.postern, &raw.request_context) {
            let mut command = command.clone();
            if !command.is_object() {
                // `{"postern": "init"}` is short for `{"postern": {"do": "init"}}`.
                command = serde_json::json!({ "do": command });
            }
            return Ok(Self::Command(command));
        }
        let context = raw.request_context.as_ref().ok_or(Unreadable("the event has no requestContext"))?;
        let domain = context.domain_name.as_deref().unwrap_or_default();
        let front = if domain.contains(".lambda-url.") { Front::FunctionUrl } else { Front::ApiGateway };
        let method = context.http.as_ref().map(|http| &http.method).or(raw.http_method.as_ref());
        let method = method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method.ok_or(Unreadable("the event has no method"))?;
        *request.uri_mut() = raw.uri(context).ok_or(Unreadable("the event has no path"))?;
        let headers = request.headers_mut();
        let mut add = |name: &str, value: &str| {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        };
        match &raw.multi_value_headers {
            Some(all) => {
                all.iter().for_each(|(name, values)| values.iter().for_each(|value| add(name, value)));
            }
            None => raw.headers.iter().flatten().for_each(|(name, value)| add(name, value)),
        }
        if let Some(cookies) = raw.cookies.filter(|cookies| !cookies.is_empty()) {
            add(COOKIE.as_str(), &cookies.join("; "));
        }
        *request.body_mut() = match raw.body {
            None => Bytes::new(),
            Some(body) if raw.is_base64_encoded => base64::engine::general_purpose::STANDARD
                .decode(body)
                .map_err(|_| Unreadable("the event's body is not base64"))?
                .into(),
            Some(body) => body.into(),
        };
        Ok(Self::Http { request, front })
    }
}

impl Raw {
    fn uri(&self, context: &Context) -> Option<Uri> {
        let path = self.raw_path.as_deref().or(self.path.as_deref())?;
        // An HTTP API puts its stage before the path.
        let stage = context.stage.as_deref().filter(|stage| *stage != "$default");
        let without = stage
            .filter(|_| self.raw_path.is_some())
            .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
            .filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let path = without.unwrap_or(path);
        let mut target: String = utf8_percent_encode(path, IN_PATH).collect();
        if !target.starts_with('/') {
            target.insert(0, '/');
        }
        let query = self.query();
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        target.parse().ok()
    }

    fn query(&self) -> Cow<'_, str> {
        if let Some(query) = &self.raw_query_string {
            return utf8_percent_encode(query, CONTROLS).into();
        }
        let encode = |text: &str| utf8_percent_encode(text, IN_QUERY).to_string();
        let mut pairs = Vec::new();
        match (&self.multi_value_query_string_parameters, &self.query_string_parameters) {
            (Some(all), _) => {
                for (name, values) in all {
                    pairs.extend(values.iter().map(|value| format!("{}={}", encode(name), encode(value))));
                }
            }
            (None, Some(all)) => {
                pairs.extend(all.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))));
            }
            (None, None) => {}
        }
        pairs.join("&").into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn http(event: &Value) -> (Request<Bytes>, Front) {
        match Event::decode(event.to_string().as_bytes()).unwrap() {
            Event::Http { request, front } => (request, front),
            Event::Command(command) => panic!("a command: {command}"),
        }
    }

    #[test]
    fn a_function_url() {
        let (request, front) = http(&json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v1/chat/completions", "rawQueryString": "a=1&a=2",
            "cookies": ["x=1", "y=2"], "headers": { "authorization": "Bearer pk", "content-length": "5" },
            "requestContext": {
                "domainName": "abc.lambda-url.eu-west-1.on.aws", "stage": "$default",
                "http": { "method": "POST", "path": "/v1/chat/completions", "sourceIp": "1.2.3.4" },
            },
            "body": "aMOpbGxv", "isBase64Encoded": true,
        }));
        assert_eq!(front, Front::FunctionUrl);
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "/v1/chat/completions?a=1&a=2");
        assert_eq!(request.headers()["cookie"], "x=1; y=2");
        assert_eq!(request.headers()["authorization"], "Bearer pk");
        assert_eq!(request.body(), "héllo".as_bytes());
    }

    #[test]
    fn an_http_api_with_a_stage() {
        let (request, front) = http(&json!({
            "version": "2.0", "rawPath": "/prod/v1/models/a b", "rawQueryString": "", "headers": {},
            "requestContext": {
                "domainName": "abc.execute-api.eu-west-1.amazonaws.com", "stage": "prod", "http": { "method": "GET" },
            },
            "isBase64Encoded": false,
        }));
        assert_eq!(front, Front::ApiGateway);
        assert_eq!(request.uri(), "/v1/models/a%20b");
        assert!(request.body().is_empty());
    }

    #[test]
    fn a_rest_api() {
        let (request, front) = http(&json!({
            "resource": "/{proxy+}", "path": "/admin/v1/keys", "httpMethod": "GET",
            "headers": { "Authorization": "last" }, "multiValueHeaders": { "Authorization": ["first"] },
            "queryStringParameters": { "tenant": "a&b" }, "multiValueQueryStringParameters": { "tenant": ["a&b", "c"] },
            "requestContext": { "domainName": "abc.execute-api.eu-west-1.amazonaws.com", "stage": "prod" },
            "body": null, "isBase64Encoded": false,
        }));
        assert_eq!(front, Front::ApiGateway);
        assert_eq!(request.uri(), "/admin/v1/keys?tenant=a%26b&tenant=c");
        assert_eq!(request.headers()["authorization"], "first");
    }

    #[test]
    fn a_command_only_without_a_caller() {
        let command = Event::decode(br#"{"postern":"init"}"#).unwrap();
        assert!(matches!(command, Event::Command(command) if command["do"] == "init"));
        // A caller's words are inside the body and cannot stand beside requestContext; should they ever, they are
        // no command.
        let event = json!({
            "postern": "init", "rawPath": "/healthz", "requestContext": { "http": { "method": "GET" } },
        });
        assert_eq!(http(&event).0.uri(), "/healthz");
    }

    #[test]
    fn what_is_no_event_is_said_without_quoting_it() {
        for bad in ["", "[]", "{}", r#"{"Records":[{"body":"secret"}]}"#, r#"{"requestContext":{}}"#] {
            let error = Event::decode(bad.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("secret") && !error.is_empty(), "{error}");
        }
    }
}
