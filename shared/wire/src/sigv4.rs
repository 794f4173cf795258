//! Signature version 4 of AWS, for requests whose body is known as a whole. No I/O and no clock: the time is given.
//!
//! AWS describes it in "Create a signed AWS API request" of its IAM user guide. Amazon S3 has rules of its own for
//! paths, which are not these.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderValue, Request, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";
/// Says what the signature holds for the body, where a service wants it said.
const BODY_HASH: &str = "x-amz-content-sha256";
/// What proxies and clients change on the way, or add.
const NOT_SIGNED: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "te",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
];
/// All that is not "unreserved" in RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As a path's segments are encoded.
const ENCODED_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// Who signs, for where, and when.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The public part of the credentials (`AKIA...`).
    pub access_key_id: &'a str,
    /// The secret part.
    pub secret_access_key: &'a str,
    /// The token of credentials that end some time.
    pub session_token: Option<&'a str>,
    /// `us-east-1`.
    pub region: &'a str,
    /// The name that the service's requests are signed for (`bedrock` for Bedrock's runtime).
    pub service: &'a str,
    /// The time, in seconds since 1970. AWS takes five minutes of difference.
    pub now_unix: u64,
}

/// A request that cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It has no host, neither in its address nor as a header.
    #[error("the request has no host")]
    NoHost,
    /// A header's value is not text, or a part of the credentials cannot be put into a header.
    #[error("a header of the request is not text")]
    Header,
}

impl Signer<'_> {
    /// Signs a request: adds `x-amz-date`, `x-amz-security-token` where there is one, and `authorization`. Signed again,
    /// a request has a new signature only. The `host` that is signed is the header's or the one that HTTP clients
    /// make from the address. What is signed must be sent as it is.
    ///
    /// # Errors
    /// When there is no host, or a header is not text.
    pub fn sign<B: AsRef<[u8]>>(&self, request: &mut Request<B>) -> Result<(), SignError> {
        let time = timestamp(self.now_unix);
        let headers = request.headers_mut();
        headers.insert(DATE, HeaderValue::try_from(&time).map_err(|_| SignError::Header)?);
        headers.remove(TOKEN);
        if let Some(token) = self.session_token {
            headers.insert(TOKEN, secret(token)?);
        }
        let (canonical, names) = canonical_request(request)?;
        let day = time.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let key = [day, self.region, self.service, "aws4_request"]
            .iter()
            .fold(format!("AWS4{}", self.secret_access_key).into_bytes(), |key, part| mac(&key, part));
        let signature = hex(&mac(&key, &text));
        let authorization = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key_id
        );
        request.headers_mut().insert(header::AUTHORIZATION, secret(&authorization)?);
        Ok(())
    }
}

/// A header's value that is not shown in debug output.
fn secret(text: &str) -> Result<HeaderValue, SignError> {
    let mut value = HeaderValue::try_from(text).map_err(|_| SignError::Header)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The text that is signed for a request, and the names of its signed headers.
fn canonical_request<B: AsRef<[u8]>>(request: &Request<B>) -> Result<(String, String), SignError> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for name in request.headers().keys().map(header::HeaderName::as_str) {
        if NOT_SIGNED.contains(&name) {
            continue;
        }
        let mut joined = String::new();
        for (index, value) in request.headers().get_all(name).iter().enumerate() {
            let value = value.to_str().map_err(|_| SignError::Header)?;
            joined.push_str(if index == 0 { "" } else { "," });
            // Spaces around it are left out, and several in a row are one.
            let mut words = value.split(' ').filter(|word| !word.is_empty());
            joined.push_str(words.next().unwrap_or_default());
            words.for_each(|word| {
                joined.push(' ');
                joined.push_str(word);
            });
        }
        headers.push((name, joined));
    }
    if !request.headers().contains_key(header::HOST) {
        headers.push(("host", host(request.uri()).ok_or(SignError::NoHost)?));
    }
    headers.sort_unstable();
    let mut lines = String::new();
    for (name, value) in &headers {
        let _ = writeln!(lines, "{name}:{value}");
    }
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let said = headers.iter().find(|(name, _)| *name == BODY_HASH).map(|(_, value)| value.clone());
    let body = said.unwrap_or_else(|| hex(&Sha256::digest(request.body().as_ref())));
    let (path, query) = (canonical_path(request.uri().path()), canonical_query(request.uri().query()));
    Ok((format!("{}\n{path}\n{query}\n{lines}\n{names}\n{body}", request.method()), names))
}

/// What HTTP clients send as `host`: the port only if it is not the scheme's own.
fn host(uri: &Uri) -> Option<String> {
    let host = uri.host()?;
    let usual = match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    };
    Some(match uri.port_u16().filter(|port| Some(*port) != usual) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The path without `.`, `..` and empty segments, encoded as it was sent: what is encoded already is so twice.
fn canonical_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end)) && !kept.is_empty();
    let end = if is_folder { "/" } else { "" };
    format!("/{}{end}", percent_encode(kept.join("/").as_bytes(), ENCODED_PATH))
}

/// The parameters, each encoded once, in order of the encoded names, then values.
fn canonical_query(query: Option<&str>) -> String {
    let once = |text: &str| {
        let bytes: Vec<u8> = percent_decode_str(text).collect();
        percent_encode(&bytes, ENCODED).to_string()
    };
    let parameters = query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty());
    let mut pairs: Vec<(String, String)> = parameters
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (once(name), once(value))
        })
        .collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // A key of HMAC may have any length: there is no error to report.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(text.as_bytes()).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `20150830T123600Z`.
fn timestamp(now_unix: u64) -> String {
    let (days, seconds) = (now_unix / 86_400, now_unix % 86_400);
    // Years are counted from March 0000, so that a leap day is a year's last; 400 years are 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let (day, month) = (day - (month * 153 + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}
