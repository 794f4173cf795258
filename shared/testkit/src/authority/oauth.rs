//! Microsoft Entra ID, Databricks and IBM Cloud's IAM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use serde_json::json;

use super::{Authority, Refused, decoded, form};
use crate::script::Reply;

/// The directory of Entra.
pub const TENANT: &str = "11111111-2222-3333-4444-555555555555";
/// The client at Entra and Databricks.
pub const CLIENT_ID: &str = "client-1";
/// Its secret, with what forms and headers encode.
pub const CLIENT_SECRET: &str = "s3cr3t~/+ %&=ü";
/// The API key at IBM.
pub const API_KEY: &str = "ibm-k3y/+=";

/// The client by its secret in the form, for the scope of Azure's AI services.
pub(super) fn entra(authority: &Authority, parts: &Parts, body: &Bytes) -> Result<Reply, Refused> {
    let fields = form(parts, body)?;
    let is = |name: &str, value: &str| fields.get(name).is_some_and(|found| found == value);
    if parts.uri.path() != format!("/{TENANT}/oauth2/v2.0/token") {
        return Err(Refused::oauth(400, "invalid_request", "no such directory", body));
    }
    if !is("grant_type", "client_credentials") {
        return Err(Refused::oauth(400, "unsupported_grant_type", "another grant", body));
    }
    if !is("client_id", CLIENT_ID) || !is("client_secret", CLIENT_SECRET) {
        return Err(Refused::oauth(401, "invalid_client", "AADSTS7000215: another secret", body));
    }
    if !is("scope", "https://cognitiveservices.azure.com/.default") {
        return Err(Refused::oauth(400, "invalid_scope", "another scope", body));
    }
    Ok(give(authority))
}

/// The client by name and password in the header, for everything it may do.
pub(super) fn databricks(authority: &Authority, parts: &Parts, body: &Bytes) -> Result<Reply, Refused> {
    let fields = form(parts, body)?;
    let is = |name: &str, value: &str| fields.get(name).is_some_and(|found| found == value);
    if !is("grant_type", "client_credentials") || !is("scope", "all-apis") {
        return Err(Refused::oauth(400, "invalid_request", "another grant or scope", body));
    }
    let basic = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let pair = basic.strip_prefix("Basic ").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let pair = String::from_utf8(pair).unwrap_or_default();
    let (id, secret) = pair.split_once(':').unwrap_or_default();
    if decoded(id) != CLIENT_ID || decoded(secret) != CLIENT_SECRET {
        return Err(Refused::oauth(401, "invalid_client", "another secret", body));
    }
    Ok(give(authority))
}

/// An API key, with the errors that only IBM has.
pub(super) fn ibm(authority: &Authority, parts: &Parts, body: &Bytes) -> Result<Reply, Refused> {
    let fields = form(parts, body)?;
    let is = |name: &str, value: &str| fields.get(name).is_some_and(|found| found == value);
    let refuse = |code: &str, why: &str| {
        let said =
            json!({ "errorCode": code, "errorMessage": format!("{why}: {}", String::from_utf8_lossy(body)) });
        Refused { why: why.to_owned(), reply: Reply::whole(400, "application/json", said.to_string()) }
    };
    if !is("grant_type", "urn:ibm:params:oauth:grant-type:apikey") {
        return Err(refuse("BXNIM0108E", "another grant"));
    }
    if !is("apikey", API_KEY) {
        return Err(refuse("BXNIM0415E", "another key"));
    }
    Ok(give(authority))
}

/// The answer with a token.
pub(super) fn give(authority: &Authority) -> Reply {
    let (token, lasts) = authority.issue();
    let said = json!({ "token_type": "Bearer", "expires_in": lasts, "access_token": token });
    Reply::whole(200, "application/json; charset=utf-8", said.to_string())
}
