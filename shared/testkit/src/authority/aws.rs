//! AWS: signatures are computed again from what came in, as "Create a signed AWS API request" of the IAM user guide says,
//! and the Security Token Service lends keys of one role.

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::request::Parts;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Authority, Refused, form};
use crate::script::Reply;

/// The account's own keys: the public part and the secret.
pub const BASE_KEYS: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
/// The role that they may take on.
pub const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/postern";
/// What its owner asks of a third party.
pub const EXTERNAL_ID: &str = "acme 7/+";
/// Where everything is.
pub const REGION: &str = "eu-central-1";

impl Authority {
    /// Whether a request to a provider is signed by keys that may: the account's own or those of the role.
    pub(super) fn signed(&self, parts: &Parts, body: &Bytes) -> Result<(), Refused> {
        let refuse = |name: &str, why: String| {
            let mut reply = Reply::whole(403, "application/json", json!({ "message": why }).to_string());
            // The name comes with an address behind it.
            reply
                .headers
                .push(("x-amzn-errortype".to_owned(), format!("{name}:http://internal.amazon.com/")));
            Refused { why, reply }
        };
        let wrong = |why: String| refuse("InvalidSignatureException", why);
        let id = credential(parts).map_err(wrong)?.first().cloned().unwrap_or_default();
        let now = self.now();
        let (secret, token) = {
            let state = self.state();
            let role = state.roles.iter().find(|(key, _, _, _)| *key == id);
            match role {
                Some((_, _, _, end)) if now >= *end => {
                    {
                        return Err(refuse(
                            "ExpiredTokenException",
                            "keys of a role that have ended".to_owned(),
                        ));
                    };
                }
                Some((_, secret, token, _)) => (secret.clone(), Some(token.clone())),
                None if id == BASE_KEYS.0 => (BASE_KEYS.1.to_owned(), None),
                None => {
                    let why = "keys that were not given or were withdrawn";
                    return Err(refuse("UnrecognizedClientException", why.to_owned()));
                }
            }
        };
        verify(parts, body, &secret, token.as_deref(), "bedrock", now).map_err(wrong)
    }
}

/// Keys of the role for an hour, to the account's own keys.
pub(super) fn assume_role(authority: &Authority, parts: &Parts, body: &Bytes) -> Result<Reply, Refused> {
    let refuse = |code: &str, why: String| {
        let said = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    \
             <Code>{code}</Code>\n    <Message>{why}: {}</Message>\n  </Error>\n  <RequestId>r</RequestId>\n</ErrorResponse>",
            String::from_utf8_lossy(body)
        );
        Refused { why, reply: Reply::whole(403, "text/xml", said) }
    };
    let now = authority.now();
    let fields = form(parts, body)?;
    let is = |name: &str, value: &str| fields.get(name).is_some_and(|found| found == value);
    verify(parts, body, BASE_KEYS.1, None, "sts", now).map_err(|why| refuse("SignatureDoesNotMatch", why))?;
    if !is("Action", "AssumeRole") || !is("Version", "2011-06-15") {
        return Err(refuse("InvalidAction", "another action".to_owned()));
    }
    if !is("RoleArn", ROLE_ARN) || !is("ExternalId", EXTERNAL_ID) || !is("RoleSessionName", "postern") {
        return Err(refuse("AccessDenied", "another role, session or external id".to_owned()));
    }
    let lasts: u64 = fields.get("DurationSeconds").and_then(|text| text.parse().ok()).unwrap_or(3600);
    if !(900..=3600).contains(&lasts) {
        return Err(refuse("ValidationError", "another duration".to_owned()));
    }
    let mut state = authority.state();
    state.given += 1;
    let number = state.given;
    let id = format!("ASIAROLE{number:04}");
    let (secret, token) = (format!("r0le/s3cret+{number}"), format!("s3ssion/t0ken+{number}=="));
    state.roles.push((id.clone(), secret.clone(), token.clone(), now + lasts));
    let said = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <AssumeRoleResult>\n    \
         <AssumedRoleUser>\n      <Arn>{ROLE_ARN}/postern</Arn>\n      <AssumedRoleId>ARO123:postern</AssumedRoleId>\n    \
         </AssumedRoleUser>\n    <Credentials>\n      <AccessKeyId>{id}</AccessKeyId>\n      \
         <SecretAccessKey>{secret}</SecretAccessKey>\n      <SessionToken>{token}</SessionToken>\n      \
         <Expiration>2030-01-01T00:00:00Z</Expiration>\n    </Credentials>\n  </AssumeRoleResult>\n</AssumeRoleResponse>"
    );
    Ok(Reply::whole(200, "text/xml", said))
}

fn header<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

/// A part of `authorization` by its name.
fn part<'p>(parts: &'p Parts, name: &str) -> Result<&'p str, String> {
    let text = header(parts, "authorization").and_then(|text| text.strip_prefix("AWS4-HMAC-SHA256 "));
    let text = text.ok_or("not signed by AWS4-HMAC-SHA256")?;
    let found = text.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    found.ok_or_else(|| format!("authorization has no {name}"))
}

/// The parts of the credential: key, day, region, service, `aws4_request`.
fn credential(parts: &Parts) -> Result<Vec<String>, String> {
    Ok(part(parts, "Credential")?.split('/').map(str::to_owned).collect())
}

/// Whether the signature is that of the request as it came.
fn verify(
    parts: &Parts,
    body: &[u8],
    secret: &str,
    token: Option<&str>,
    service: &str,
    now: u64,
) -> Result<(), String> {
    let date = header(parts, "x-amz-date").ok_or("there is no x-amz-date")?;
    let day = date.get(..8).ok_or("x-amz-date is no time")?;
    if seconds(date).is_none_or(|at| at.abs_diff(now) > 300) {
        return Err(format!("the time {date} is not now"));
    }
    let credential = credential(parts)?;
    if credential.get(1..).is_none_or(|scope| *scope != [day, REGION, service, "aws4_request"]) {
        return Err(format!("signed for {credential:?}"));
    }
    if header(parts, "x-amz-security-token") != token {
        return Err("another session token".to_owned());
    }
    let names = part(parts, "SignedHeaders")?;
    let mut wanted = vec!["host", "x-amz-date", "content-type"];
    wanted.extend(token.map(|_| "x-amz-security-token"));
    if let Some(missing) = wanted.iter().find(|name| !names.split(';').any(|signed| signed == **name)) {
        return Err(format!("{missing} is not signed"));
    }
    let mut canonical = format!("{}\n", parts.method);
    // The path as it came is encoded once more; slashes stay.
    for byte in parts.uri.path().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            canonical.push(char::from(byte));
        } else {
            canonical.push_str(&format!("%{byte:02X}"));
        }
    }
    let mut query: Vec<&str> =
        parts.uri.query().unwrap_or_default().split('&').filter(|q| !q.is_empty()).collect();
    query.sort_unstable();
    canonical.push_str(&format!("\n{}\n", query.join("&")));
    for name in names.split(';') {
        let host = parts.uri.authority().map(http::uri::Authority::as_str);
        let value = header(parts, name).or(host.filter(|_| name == "host"));
        let value = value.ok_or_else(|| format!("{name} is signed and not there"))?;
        canonical.push_str(&format!("{name}:{}\n", value.trim()));
    }
    canonical.push_str(&format!("\n{names}\n{}", hex(&Sha256::digest(body))));
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{day}/{REGION}/{service}/aws4_request\n{}",
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [day, REGION, service, "aws4_request", &text] {
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key may have any length");
        key = mac.chain_update(part.as_bytes()).finalize().into_bytes().to_vec();
    }
    if part(parts, "Signature")? == hex(&key) { Ok(()) } else { Err("the signature is wrong".to_owned()) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds since 1970 of `20150830T123600Z`, counted year by year.
fn seconds(date: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| date.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let months: u64 = lengths.iter().take(usize::try_from(month).ok()?.checked_sub(1)?).sum();
    let days = years + months + day.checked_sub(1)?;
    Some(days * 86_400 + number(9..11)? * 3600 + number(11..13)? * 60 + number(13..15)?)
}
