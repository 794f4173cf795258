//! A service account of Google Cloud: an assertion signed with its key is exchanged for a token, as Google describes in
//! "Using OAuth 2.0 for server to server applications" after RFC 7523.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use serde_json::json;

use super::{GrantError, form};

/// What the token may be used for: all that the account's roles allow.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long an assertion may be used, seconds. Google takes an hour at most, and gives a token for as long.
const LASTS: u64 = 3600;
const FIELD: &str = "service_account";

/// The key file of a service account, as far as it is needed.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    /// The private key, PKCS #8 in DER.
    key: Vec<u8>,
    token_uri: String,
    project: Option<String>,
}

impl ServiceAccount {
    /// Reads a key file: JSON as Google gives it, or the same in base64.
    ///
    /// # Errors
    /// Says what is missing. Never quotes the file.
    pub fn read(text: &str) -> Result<Self, GrantError> {
        #[derive(Deserialize)]
        struct File {
            r#type: Option<String>,
            client_email: Option<String>,
            private_key: Option<String>,
            private_key_id: Option<String>,
            token_uri: Option<String>,
            project_id: Option<String>,
        }
        let bad = |reason: &str| GrantError::new(FIELD, reason);
        let text = text.trim();
        let decoded = if text.starts_with('{') { None } else { STANDARD.decode(text).ok() };
        let json = decoded.as_deref().unwrap_or(text.as_bytes());
        let file: File = serde_json::from_slice(json).map_err(|_| {
            bad("expected the JSON key file of a service account, whole, as it is or in base64")
        })?;
        if let Some(kind) = file.r#type
            && kind != "service_account"
        {
            return Err(bad("the JSON is the credential of another kind: create a key of a service account"));
        }
        let email = file.client_email.ok_or_else(|| bad("the JSON has no client_email"))?;
        let pem = file.private_key.ok_or_else(|| bad("the JSON has no private_key"))?;
        Ok(Self {
            email,
            key_id: file.private_key_id,
            key: read_pem(&pem).ok_or_else(|| {
                bad("its private_key is no PEM text that begins with -----BEGIN PRIVATE KEY-----")
            })?,
            token_uri: file.token_uri.unwrap_or_else(|| "https://oauth2.googleapis.com/token".to_owned()),
            project: file.project_id,
        })
    }

    /// The project that the account belongs to.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The private key, PKCS #8 in DER.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// What is signed with RSASSA-PKCS1-v1_5 and SHA-256 for an assertion made now.
    #[must_use]
    pub fn claim(&self, now_unix: u64) -> String {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let (Some(id), Some(header)) = (&self.key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), id.as_str().into());
        }
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": now_unix,
            "exp": now_unix + LASTS,
        });
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", encode(header), encode(claims))
    }

    /// The request for a token, with what [`claim`](Self::claim) gave and its signature.
    ///
    /// # Errors
    /// When the file's `token_uri` is no URL.
    pub fn request(&self, claim: &str, signature: &[u8]) -> Result<Request<Bytes>, GrantError> {
        let assertion = format!("{claim}.{}", URL_SAFE_NO_PAD.encode(signature));
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        form(&self.token_uri, &[("grant_type", grant), ("assertion", &assertion)])
    }
}

/// The DER of a key in PEM. Tools that put the file on one line may leave `\n` as two characters.
fn read_pem(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (inner, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let inner: String =
        inner.replace("\\n", "").chars().filter(|character| !character.is_ascii_whitespace()).collect();
    STANDARD.decode(inner).ok().filter(|der| !der.is_empty())
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").field("email", &self.email).finish_non_exhaustive()
    }
}
