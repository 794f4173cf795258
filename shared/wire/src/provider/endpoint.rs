//! A configured vendor, ready to write requests for. Knows the HTTP around a body, never the body itself.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::base_url::{BaseUrlError, join};
use super::{Auth, Preset};
use crate::dialect::EncodeError;

/// How this gateway names itself to vendors.
const AGENT: &str = concat!("postern/", env!("CARGO_PKG_VERSION"));

/// Headers that belong to the connection or to the framing of the body: only the HTTP client may set them.
const RESERVED: [&str; 7] =
    ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// What is asked of a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `POST` Chat Completions.
    Chat,
    /// `GET` the list of models.
    Models,
}

/// A vendor as the configuration has it, for the time of one request.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// The vendor.
    pub preset: &'static Preset,
    /// The configured base URL; the preset's own when `None`.
    pub base_url: Option<&'a str>,
    /// Headers that the operator configured. They replace ours of the same name, the one with the key included.
    pub headers: &'a [(String, String)],
}

impl Endpoint<'_> {
    /// The full address of an operation.
    ///
    /// # Errors
    /// When no usable base URL is known.
    pub fn url(&self, operation: Operation) -> Result<Uri, BaseUrlError> {
        let preset = self.preset;
        let base_url = match self.base_url {
            Some(configured) => {
                preset.check_base_url(configured)?;
                configured
            }
            None if preset.is_demo() => return Err(BaseUrlError::Demo),
            None if preset.needs_base_url() => {
                return Err(BaseUrlError::Missing { kind: preset.kind, form: preset.base_url_form });
            }
            None => preset.base_url,
        };
        let path = match operation {
            Operation::Chat => preset.chat_path,
            Operation::Models => preset.models_path,
        };
        join(base_url, path).parse().map_err(|_| BaseUrlError::Malformed)
    }

    /// The request to send. `stream` only decides which media type is asked for; the body says the rest.
    ///
    /// Values that may hold a secret are marked sensitive, so that no log of headers shows them.
    ///
    /// # Errors
    /// When there is no usable base URL, or a key or configured header cannot be a header. Values are never quoted.
    pub fn request(
        &self,
        operation: Operation,
        key: Option<&str>,
        body: Bytes,
        stream: bool,
    ) -> Result<Request<Bytes>, EncodeError> {
        let url = self
            .url(operation)
            .map_err(|error| EncodeError { field: "base_url".to_owned(), reason: error.to_string() })?;
        let mut headers = HeaderMap::with_capacity(4 + self.headers.len());
        let method = match operation {
            Operation::Chat => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Method::POST
            }
            Operation::Models => Method::GET,
        };
        // Some servers answer 406 to a stream that does not list the type, others send an error as JSON in its place.
        let accept = if stream { "text/event-stream, application/json" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(key) = key {
            self.authorize(key, &mut headers)?;
        }
        for (name, value) in self.headers {
            let (name, value) = configured_header(name, value)?;
            headers.insert(name, value);
        }
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn authorize(&self, key: &str, headers: &mut HeaderMap) -> Result<(), EncodeError> {
        let unusable = |reason: &str| EncodeError { field: "api_key".to_owned(), reason: reason.to_owned() };
        if key.trim().is_empty() {
            return Err(unusable(
                "the key is empty: set it, or leave api_key out if the provider needs none",
            ));
        }
        let (name, value) = match self.preset.auth {
            Auth::Bearer => (AUTHORIZATION, HeaderValue::try_from(format!("Bearer {key}"))),
            Auth::Header(name) => (HeaderName::from_static(name), HeaderValue::try_from(key)),
            Auth::None => return Ok(()),
        };
        let mut value = value.map_err(|_| {
            unusable("the key has a line break or another control character: check how it is set")
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }
}

fn configured_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), EncodeError> {
    let refuse = |reason: &str| EncodeError { field: format!("headers.{name}"), reason: reason.to_owned() };
    let header = HeaderName::try_from(name).map_err(|_| refuse("this is not a header name"))?;
    if RESERVED.contains(&header.as_str()) {
        return Err(refuse("this header is set by the HTTP client itself: leave it out"));
    }
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| refuse("the value has a line break or another control character"))?;
    value.set_sensitive(true);
    Ok((header, value))
}
