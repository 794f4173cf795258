//! Google's token service: takes what the key of one service account has signed.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::request::Parts;
use ring::rand::SystemRandom;
use ring::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::oauth::give;
use super::{Authority, Refused, form};
use crate::script::Reply;

/// The account.
pub const KEY_FILE_EMAIL: &str = "postern@acme-prod.iam.gserviceaccount.com";
/// Its project.
pub const PROJECT: &str = "acme-prod";
/// Its private key, PEM: that of the example in RFC 7515, appendix A.2, which everybody knows.
pub const PRIVATE_KEY: &str = include_str!("key.pem");

/// The key file of the account, whose token service is at `origin`.
#[must_use]
pub fn key_file(origin: &str) -> String {
    let file = json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "0123456789abcdef",
        "private_key": PRIVATE_KEY,
        "client_email": KEY_FILE_EMAIL,
        "token_uri": format!("{origin}/google/token"),
    });
    file.to_string()
}

/// Signs with RSASSA-PKCS1-v1_5 and SHA-256. `None` if the key is none.
#[must_use]
pub fn sign_rs256(pkcs8: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).ok()?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
    Some(signature)
}

/// The public key of the account.
fn public_key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| {
        let inner: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(inner).expect("the key of the tests is base64");
        let pair = RsaKeyPair::from_pkcs8(&der).expect("the key of the tests is a key");
        pair.public_key().as_ref().to_vec()
    })
}

/// An assertion of the account about itself, for an hour at most.
pub(super) fn token(authority: &Authority, parts: &Parts, body: &Bytes) -> Result<Reply, Refused> {
    let fields = form(parts, body)?;
    let bad = |why: &str| Refused::oauth(400, "invalid_grant", why, body);
    if fields.get("grant_type").is_none_or(|grant| grant != "urn:ietf:params:oauth:grant-type:jwt-bearer") {
        return Err(bad("another grant"));
    }
    let assertion = fields.get("assertion").map(String::as_str).unwrap_or_default();
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(|| bad("not a JWT"))?;
    let (header, claims) = signed.split_once('.').ok_or_else(|| bad("not a JWT"))?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| bad("not base64url without padding"));
    let read = |text: &str| -> Result<Value, Refused> {
        serde_json::from_slice(&decode(text)?).map_err(|_| bad("not JSON"))
    };
    let (header, claims) = (read(header)?, read(claims)?);
    if header["alg"] != "RS256" || header["typ"] != "JWT" || header["kid"] != "0123456789abcdef" {
        return Err(bad("another algorithm or key"));
    }
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key());
    if public.verify(signed.as_bytes(), &decode(signature)?).is_err() {
        return Err(bad("the signature is wrong"));
    }
    let now = authority.now();
    let at = |name: &str| claims[name].as_u64().unwrap_or_default();
    // The clocks of both sides may differ by some minutes.
    if at("iat") > now + 300 || at("exp") <= now || at("exp") > at("iat") + 3600 {
        return Err(bad("the times are wrong"));
    }
    let audience = claims["aud"].as_str().unwrap_or_default();
    if claims["iss"] != KEY_FILE_EMAIL || !audience.ends_with(parts.uri.path()) {
        return Err(bad("another account or audience"));
    }
    if claims["scope"] != "https://www.googleapis.com/auth/cloud-platform" {
        return Err(bad("another scope"));
    }
    Ok(give(authority))
}
