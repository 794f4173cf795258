//! Signature version 4 for requests to AWS services that speak JSON over POST to `/`: the only form that is needed
//! without an SDK.
//!
//! AWS describes it in "Create a signed AWS API request" of its IAM user guide.

use http::{HeaderValue, Request, header};
use ring::{digest, hmac};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, for where, and when.
pub(crate) struct Signer<'a> {
    pub(crate) key_id: &'a str,
    pub(crate) secret_key: &'a str,
    pub(crate) session_token: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// `20260102T030405Z`.
    pub(crate) time: &'a str,
}

impl Signer<'_> {
    /// Signs a request whose path is `/`. `None` when a value cannot be a header.
    pub(crate) fn sign<B: AsRef<[u8]>>(&self, request: &mut Request<B>) -> Option<()> {
        let host = request.uri().authority()?.to_string();
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::try_from(host).ok()?);
        headers.insert("x-amz-date", HeaderValue::try_from(self.time).ok()?);
        if let Some(token) = self.session_token {
            let mut token = HeaderValue::try_from(token).ok()?;
            token.set_sensitive(true);
            headers.insert("x-amz-security-token", token);
        }
        let mut signed: Vec<(&str, &str)> = Vec::new();
        for (name, value) in request.headers() {
            signed.push((name.as_str(), value.to_str().ok()?.trim()));
        }
        signed.sort_unstable();
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let body = hex(digest::digest(&digest::SHA256, request.body().as_ref()).as_ref());
        let canonical = format!("{}\n/\n\n{lines}\n{names}\n{body}", request.method());
        let canonical = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let day = self.time.get(..8)?;
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("{ALGORITHM}\n{}\n{scope}\n{canonical}", self.time);
        let first = format!("AWS4{}", self.secret_key);
        let key = [day, self.region, self.service, "aws4_request"]
            .iter()
            .fold(first.into_bytes(), |key, part| mac(&key, part.as_bytes()));
        let signature = hex(&mac(&key, text.as_bytes()));
        let authorization = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.key_id
        );
        let mut authorization = HeaderValue::try_from(authorization).ok()?;
        authorization.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, authorization);
        Some(())
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of AWS's library for Python.
    #[test]
    fn signs_as_aws_does() {
        let with_token = "c5da77a7d95f3496ba4606e0e8959063276785874000b9103381252dc4ddbd60";
        let without = "0f433fbdae42ca1a59d6c1ba612825e32ea580f458973415faa6f5b9bb1111c6";
        for (session_token, expected) in [(None, without), (Some("a/session+token=="), with_token)] {
            let mut request = Request::post("https://dynamodb.eu-west-1.amazonaws.com/")
                .header("content-type", "application/x-amz-json-1.0")
                .header("x-amz-target", "DynamoDB_20120810.PutItem")
                .body(&br#"{"a":1}"#[..])
                .unwrap();
            let signer = Signer {
                key_id: "AKIDEXAMPLE",
                secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                session_token,
                region: "eu-west-1",
                service: "dynamodb",
                time: "20260102T030405Z",
            };
            signer.sign(&mut request).unwrap();
            let authorization = request.headers()["authorization"].to_str().unwrap();
            assert!(authorization.ends_with(&format!("Signature={expected}")), "{authorization}");
            assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date;"));
            assert!(!format!("{request:?}").contains(expected), "a signature is not shown");
        }
    }
}
