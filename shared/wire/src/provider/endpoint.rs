//! A configured vendor, ready to write requests for. Knows the HTTP around a body, never the body itself.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::base_url::{BaseUrlError, join};
use super::{Account, Auth, Preset, Way};
use crate::Dialect;
use crate::dialect::EncodeError;

/// How this gateway names itself to vendors.
const AGENT: &str = concat!("postern/", env!("CARGO_PKG_VERSION"));

/// Headers that belong to the connection or to the framing of the body: only the HTTP client may set them.
const RESERVED: [&str; 7] =
    ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// What a path's segment takes unencoded; a slash stays, since it is a part of some models' names.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'@');
/// The same where the name is one segment, whatever is in it: ARNs of Bedrock.
const WHOLE: &AsciiSet = &SEGMENT.add(b'/');

/// What is asked of a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// `POST` a request for an answer.
    Answer {
        /// The format, and where it is spoken.
        way: &'static Way,
        /// The model, for formats that name it in the address.
        model: &'a str,
    },
    /// `POST` a prompt whose tokens are to be counted.
    Count {
        /// The format, and where it is spoken.
        way: &'static Way,
        /// The model, for formats that name it in the address.
        model: &'a str,
    },
    /// `POST` anything else.
    Post {
        /// Where, below the base URL; `{model}` stands for the model.
        path: &'a str,
        /// The model, for paths that name it.
        model: &'a str,
        /// The media type of the body.
        content_type: &'a str,
        /// The media type of the answer.
        accept: &'static str,
    },
    /// `GET` something that the vendor keeps.
    Get {
        /// Where, below the base URL.
        path: &'a str,
    },
    /// `DELETE` something that the vendor keeps.
    Delete {
        /// Where, below the base URL.
        path: &'a str,
    },
    /// `GET` the list of models.
    Models,
}

impl<'a> Operation<'a> {
    /// `POST` JSON, to be answered with JSON.
    #[must_use]
    pub const fn json(path: &'a str, model: &'a str) -> Self {
        Self::Post { path, model, content_type: "application/json", accept: "application/json" }
    }

    fn path(self, preset: &'static Preset, stream: bool) -> Cow<'a, str> {
        let bare = |way: &Way, model: &'a str| way.models.bare(model);
        let (path, model) = match self {
            Self::Models => return preset.models_path.into(),
            Self::Get { path } | Self::Delete { path } => return path.into(),
            Self::Count { way, model } => (way.count_path, bare(way, model)),
            Self::Answer { way, model } if stream => (way.stream_path, bare(way, model)),
            Self::Answer { way, model } => (way.path, bare(way, model)),
            Self::Post { path, model, .. } => (path, model),
        };
        if !path.contains("{model}") {
            return path.into();
        }
        let bare = model.strip_prefix("models/").unwrap_or(model);
        let kept = if matches!(preset.account, Account::Aws { .. }) { WHOLE } else { SEGMENT };
        path.replace("{model}", &utf8_percent_encode(bare, kept).to_string()).into()
    }
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
    pub fn url(&self, operation: Operation<'_>, stream: bool) -> Result<Uri, BaseUrlError> {
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
        join(base_url, &operation.path(preset, stream)).parse().map_err(|_| BaseUrlError::Malformed)
    }

    /// The request to send. `stream` decides which media type is asked for, and the path where a format has two.
    ///
    /// Values that may hold a secret are marked sensitive, so that no log of headers shows them.
    ///
    /// # Errors
    /// When there is no usable base URL, or a key or configured header cannot be a header. Values are never quoted.
    pub fn request(
        &self,
        operation: Operation<'_>,
        key: Option<&str>,
        body: Bytes,
        stream: bool,
    ) -> Result<Request<Bytes>, EncodeError> {
        let url = self
            .url(operation, stream)
            .map_err(|error| EncodeError { field: "base_url".to_owned(), reason: error.to_string() })?;
        let mut headers = HeaderMap::with_capacity(4 + self.headers.len());
        let method = match operation {
            Operation::Answer { .. } | Operation::Count { .. } => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Method::POST
            }
            Operation::Post { content_type, .. } => {
                let value = HeaderValue::try_from(content_type).map_err(|_| EncodeError {
                    field: "content-type".to_owned(),
                    reason: "this cannot be a header".to_owned(),
                })?;
                headers.insert(CONTENT_TYPE, value);
                Method::POST
            }
            Operation::Models | Operation::Get { .. } => Method::GET,
            Operation::Delete { .. } => Method::DELETE,
        };
        // Some servers answer 406 to a stream that does not list the type, others send an error as JSON in its place.
        let accept = match operation {
            Operation::Answer { way, .. } if stream && way.dialect == Dialect::Bedrock => {
                "application/vnd.amazon.eventstream"
            }
            Operation::Post { accept, .. } => accept,
            Operation::Get { .. } | Operation::Delete { .. } => "*/*",
            _ if stream => "text/event-stream, application/json",
            _ => "application/json",
        };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        for (name, value) in self.preset.headers {
            headers.insert(*name, HeaderValue::from_static(value));
        }
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
