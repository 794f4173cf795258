//! Grants: a long-lived credential exchanged for a token that lasts an hour or so. One file a kind writes the request to
//! the token service and reads its answer. No I/O and no clock.
//!
//! No error here quotes an answer: at most the code of an error in it, which is one word.

pub mod google;
pub mod oauth;
pub mod sts;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// How this gateway names itself.
const AGENT: &str = concat!("postern/", env!("CARGO_PKG_VERSION"));
/// All that is not "unreserved" in RFC 3986, which every reader of forms takes encoded.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The longest code of an error that is believed to be one.
const LONGEST_CODE: usize = 64;
const ADDRESS: &str = "the address of the token service";
const EXPECTED: &str = "expected a URL such as https://login.example.com/token";

/// A request for a token that cannot be written. Never quotes a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct GrantError {
    /// The part of the credential that is wrong.
    pub field: &'static str,
    /// What was expected of it.
    pub reason: String,
}

impl GrantError {
    fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

/// What a token service said that is not a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It gives an error, with its code if there was one.
    #[error("the token service gave an error")]
    Error(Option<String>),
    /// A status of success with something else in it.
    #[error("the answer of the token service holds no token")]
    NoToken,
}

/// A form to post.
fn form(url: &str, fields: &[(&str, &str)]) -> Result<Request<Bytes>, GrantError> {
    let uri: Uri = url.parse().map_err(|_| GrantError::new(ADDRESS, EXPECTED))?;
    let web = matches!(uri.scheme_str(), Some("https" | "http"));
    if !web || uri.host().is_none_or(str::is_empty) {
        return Err(GrantError::new(ADDRESS, EXPECTED));
    }
    let mut body = String::new();
    for (name, value) in fields {
        let and = if body.is_empty() { "" } else { "&" };
        body.extend([and, name, "="]);
        body.extend(utf8_percent_encode(value, FORM));
    }
    let request = Request::post(uri).body(Bytes::from(body));
    let mut request = request.map_err(|_| GrantError::new(ADDRESS, EXPECTED))?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    Ok(request)
}

/// The header by which a token is sent.
///
/// # Errors
/// When the token cannot be in a header.
pub fn bearer(token: &str) -> Result<HeaderValue, GrantError> {
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    let mut value =
        value.map_err(|_| GrantError::new("token", "it has a character that a header cannot carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn put(request: &mut Request<Bytes>, value: HeaderValue) {
    request.headers_mut().insert(AUTHORIZATION, value);
}

/// A code as services give them, and nothing that could be more.
fn code(text: &str) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    let fits = !text.is_empty() && text.len() <= LONGEST_CODE && text.bytes().all(good);
    fits.then(|| text.to_owned())
}
