//! OAuth 2.0: client credentials (RFC 6749 section 4.4), IBM Cloud's grant for API keys, and the answer that both and
//! Google's give (section 5.1 and 5.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request};
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::Value;

use super::{FORM, GrantError, Refusal, code, form, put};

/// How long a token lasts whose service does not say, seconds (section 5.1 lets it be left out).
const UNSAID: u64 = 600;

/// How a client shows its secret (section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As name and password in `Authorization: Basic`, which every service must take.
    Basic,
    /// In the form.
    Post,
}

/// A client of a token service.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    /// Its public name.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// How the secret is shown.
    pub method: Method,
}

/// A token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The token itself.
    pub text: String,
    /// How long it lasts from now, seconds.
    pub lasts: u64,
}

/// A request for a token in the client's own name.
///
/// # Errors
/// When `url` is none, or the credential cannot be in a header.
pub fn client_credentials(
    url: &str,
    client: Client<'_>,
    scope: Option<&str>,
) -> Result<Request<Bytes>, GrantError> {
    let mut fields = vec![("grant_type", "client_credentials")];
    if client.method == Method::Post {
        fields.extend([("client_id", client.id), ("client_secret", client.secret)]);
    }
    fields.extend(scope.map(|scope| ("scope", scope)));
    let mut request = form(url, &fields)?;
    if client.method == Method::Basic {
        // Both are encoded as in a form before they are joined (section 2.3.1).
        let encoded = |text| utf8_percent_encode(text, FORM).to_string();
        let pair = STANDARD.encode(format!("{}:{}", encoded(client.id), encoded(client.secret)));
        let value = HeaderValue::try_from(format!("Basic {pair}"));
        let mut value = value.map_err(|_| GrantError::new("client", "it cannot be in a header"))?;
        value.set_sensitive(true);
        put(&mut request, value);
    }
    Ok(request)
}

/// A request to IBM Cloud's IAM for a token in place of an API key
/// (`cloud.ibm.com/docs/account?topic=account-iamtoken_from_apikey`).
///
/// # Errors
/// When `url` is none.
pub fn ibm_api_key(url: &str, key: &str) -> Result<Request<Bytes>, GrantError> {
    form(url, &[("grant_type", "urn:ibm:params:oauth:grant-type:apikey"), ("apikey", key)])
}

/// Reads the answer of a token service.
///
/// # Errors
/// When it gives no token.
pub fn read(success: bool, body: &[u8]) -> Result<Token, Refusal> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
        #[serde(default)]
        token_type: Option<String>,
        #[serde(default)]
        expires_in: Value,
    }
    if !success {
        return Err(Refusal::Error(error_code(body)));
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|_| Refusal::NoToken)?;
    let bearer = answer.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !bearer || answer.access_token.trim().is_empty() {
        return Err(Refusal::NoToken);
    }
    // Some services write the number as text.
    let lasts = match &answer.expires_in {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    Ok(Token { text: answer.access_token, lasts: lasts.unwrap_or(UNSAID) })
}

/// `error` as the RFC says, or `errorCode` as IBM does.
fn error_code(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let named = answer.get("error").or_else(|| answer.get("errorCode"))?;
    code(named.as_str()?)
}

impl std::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("id", &self.id).field("method", &self.method).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("lasts", &self.lasts).finish_non_exhaustive()
    }
}
