//! The text of keys and tokens: made, taken apart, hashed, compared.

use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::hex;
use crate::host::Host;

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// Calls models.
    Key,
    /// Administrates the gateway.
    Admin,
}

impl CredentialKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Key => "pk_",
            Self::Admin => "pa_",
        }
    }
}

/// 62 characters that survive shells, URLs and a double click.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of the public id: 59 bits, so ids do not collide.
const ID_LENGTH: usize = 10;
/// Characters of the secret: 238 bits, so a plain hash is enough to keep it.
const SECRET_LENGTH: usize = 40;

/// A key or token, taken apart. Its `Debug` hides the secret.
pub struct Credential<'a> {
    id: &'a str,
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<'a> Credential<'a> {
    /// The credential in `text`, if it has the shape of one.
    #[must_use]
    pub fn parse(kind: CredentialKind, text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(kind.prefix())?.split_once('_')?;
        let plain = |s: &str| s.bytes().all(|b| b.is_ascii_alphanumeric());
        (id.len() == ID_LENGTH && secret.len() == SECRET_LENGTH && plain(id) && plain(secret))
            .then_some(Self { id })
    }

    /// The public part.
    #[must_use]
    pub const fn id(&self) -> &'a str {
        self.id
    }

    /// Makes a new one: its public id, its whole text (to be shown once) and the hash to keep.
    #[must_use]
    pub fn mint<H: Host>(host: &H, kind: CredentialKind) -> Minted {
        Self::mint_as(host, kind, random_text(host, ID_LENGTH))
    }

    /// The same with this public id, which must be as long as every id.
    pub(super) fn mint_as<H: Host>(host: &H, kind: CredentialKind, id: String) -> Minted {
        let text = format!("{}{id}_{}", kind.prefix(), random_text(host, SECRET_LENGTH));
        let hash = hash(&text);
        Minted { id, text, hash }
    }
}

/// A new credential.
pub struct Minted {
    /// The public part.
    pub id: String,
    /// The whole text: shown once, never kept.
    pub text: String,
    /// What is kept.
    pub hash: String,
}

/// Stands where no hash is kept; as long as one, and the hash of nothing anybody knows.
pub(super) const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Whether `text` is the credential whose hash is kept. Takes the same time whatever the answer.
pub(super) fn verify(text: &str, kept: &str) -> bool {
    hash(text).as_bytes().ct_eq(kept.as_bytes()).into()
}

fn hash(text: &str) -> String {
    hex::of(&Sha256::digest(text.as_bytes()))
}

fn random_text<H: Host>(host: &H, length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut block = [0; 64];
    while text.len() < length {
        host.random(&mut block);
        // Rejection keeps every character equally likely: 248 is the largest multiple of 62 in a byte.
        for byte in block.iter().filter(|b| **b < 248).take(length - text.len()) {
            if let Some(c) = ALPHABET.get(usize::from(byte % 62)) {
                text.push(char::from(*c));
            }
        }
    }
    text
}

/// The key in a request, wherever the SDKs of the dialects put it.
pub(super) fn extract(parts: &Parts) -> Option<&str> {
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let bearer = header(AUTHORIZATION.as_str()).and_then(|v| {
        let (scheme, value) = v.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(value.trim())
    });
    let query = || {
        let pairs = parts.uri.query()?.split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == "key").map(|(_, value)| value)
    };
    bearer
        .or_else(|| header("x-api-key"))
        .or_else(|| header("x-goog-api-key"))
        .or_else(query)
        .filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_keys_apart() {
        let text = format!("pk_{}_{}", "a".repeat(10), "b".repeat(40));
        assert_eq!(Credential::parse(CredentialKind::Key, &text).unwrap().id(), "aaaaaaaaaa");
        assert!(Credential::parse(CredentialKind::Admin, &text).is_none());
        assert!(Credential::parse(CredentialKind::Key, "pk_short_x").is_none());
        assert!(Credential::parse(CredentialKind::Key, &text.replace('b', "/")).is_none());
        assert!(verify(&text, &hash(&text)));
        assert!(!verify(&text, ""));
    }

    #[test]
    fn finds_the_key_where_each_sdk_puts_it() {
        let find = |name: &str, value: &str, uri: &str| {
            let request = http::Request::builder().uri(uri).header(name, value).body(()).unwrap();
            extract(&request.into_parts().0).map(str::to_owned)
        };
        assert_eq!(find("authorization", "bearer  k1", "/").as_deref(), Some("k1"));
        assert_eq!(find("x-api-key", "k2", "/").as_deref(), Some("k2"));
        assert_eq!(find("x-goog-api-key", "k3", "/").as_deref(), Some("k3"));
        assert_eq!(find("x", "y", "/v1beta/models/m:generateContent?alt=sse&key=k4").as_deref(), Some("k4"));
        assert_eq!(find("authorization", "Basic abc", "/"), None);
    }
}
