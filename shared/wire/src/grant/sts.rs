//! A role of AWS: `AssumeRole` of the Security Token Service, whose request is signed as any other (see
//! [`sigv4`](crate::sigv4)) and whose answer is XML. AWS documents both in its STS API reference.

use bytes::Bytes;
use http::Request;

use super::{GrantError, Refusal, code, form};

/// How long the keys of a role last, seconds: an hour, which every role allows.
pub const LASTS: u64 = 3600;
/// The name that requests to the service are signed for.
pub const SERVICE: &str = "sts";

/// A role to take on.
#[derive(Clone, Copy, Debug)]
pub struct Role<'a> {
    /// `arn:aws:iam::123456789012:role/NAME`.
    pub arn: &'a str,
    /// What the owner of the role asks of a third party, if anything.
    pub external_id: Option<&'a str>,
    /// What the session is called in the owner's logs.
    pub session_name: &'a str,
}

/// Keys of a role.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The public part.
    pub access_key_id: String,
    /// The secret part.
    pub secret_access_key: String,
    /// What says that they end.
    pub session_token: String,
}

/// The address of the service in a region.
#[must_use]
pub fn address(region: &str) -> String {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://sts.{region}.amazonaws.com{china}/")
}

/// The request, still to be signed.
///
/// # Errors
/// When `url` is none.
pub fn request(url: &str, role: Role<'_>) -> Result<Request<Bytes>, GrantError> {
    let lasts = LASTS.to_string();
    let mut fields = vec![
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", role.arn),
        ("RoleSessionName", role.session_name),
        ("DurationSeconds", &lasts),
    ];
    fields.extend(role.external_id.map(|id| ("ExternalId", id)));
    form(url, &fields)
}

/// Reads the answer.
///
/// # Errors
/// When it gives no keys.
pub fn read(success: bool, body: &[u8]) -> Result<Keys, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::NoToken)?;
    if !success {
        return Err(Refusal::Error(element(text, "Code").and_then(code)));
    }
    let credentials = element(text, "Credentials").ok_or(Refusal::NoToken)?;
    let one = |name: &str| element(credentials, name).map(str::to_owned).ok_or(Refusal::NoToken);
    Ok(Keys {
        access_key_id: one("AccessKeyId")?,
        secret_access_key: one("SecretAccessKey")?,
        session_token: one("SessionToken")?,
    })
}

/// What is inside of the first element of this name. The service writes elements without attributes, and the values that
/// are read here have no character that XML writes otherwise.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inner.trim()).filter(|inner| !inner.is_empty())
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
