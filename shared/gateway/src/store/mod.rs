//! Names and encodings of everything in the [`Store`](crate::Store), in one place and versioned.

pub mod owned;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::host::{Store, StoreError};
use crate::time::Timestamp;

/// The name of the configuration document.
pub const CONFIG: &str = "config";
/// What the names of keys start with.
pub const KEYS: &str = "key/";
/// What the names of administrator tokens start with.
pub const ADMINS: &str = "admin/";

/// The version that values are written in. A reader refuses what it does not know instead of guessing.
const VERSION: u8 = 1;
/// How a value of that version begins when this gateway has written it, which saves reading it twice.
const CURRENT: &[u8] = br#"{"v":1,"#;

/// A virtual key as it is kept: the secret only as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// The public part of the key, by which it is found.
    pub id: String,
    /// SHA-256 of the whole key, hex.
    pub hash: String,
    /// The tenant it belongs to.
    pub tenant: String,
    /// What its owner calls it.
    pub name: String,
    /// Models it may use: names, `*` stands for any characters.
    pub models: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// An administrator's token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminEntry {
    /// The public part of the token.
    pub id: String,
    /// SHA-256 of the whole token, hex.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    v: u8,
    #[serde(flatten)]
    value: &'a T,
}

/// The version alone. A flattened read of both would put every value through an intermediate form, at each call.
#[derive(Deserialize)]
struct Version {
    v: u8,
}

/// Reads a value, `None` when it does not exist.
pub async fn read<T: DeserializeOwned>(store: &impl Store, name: &str) -> Result<Option<T>, StoreError> {
    let Some(bytes) = store.read(name).await? else { return Ok(None) };
    decode(name, &bytes).map(Some)
}

/// Writes a value.
pub async fn write<T: Serialize>(store: &impl Store, name: &str, value: &T) -> Result<(), StoreError> {
    store.write(name, encode(name, value)?).await
}

/// Writes a value unless there is one of this name; `false` when there is.
pub async fn create<T: Serialize>(store: &impl Store, name: &str, value: &T) -> Result<bool, StoreError> {
    store.create(name, encode(name, value)?).await
}

/// A stored value's bytes as a value.
pub fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, StoreError> {
    let unreadable = |e| StoreError(format!("`{name}` cannot be read: {e}"));
    let v = if bytes.starts_with(CURRENT) {
        VERSION
    } else {
        serde_json::from_slice::<Version>(bytes).map_err(unreadable)?.v
    };
    if v != VERSION {
        return Err(StoreError(format!(
            "`{name}` has version {v}, this gateway reads version {VERSION}: upgrade the gateway"
        )));
    }
    serde_json::from_slice(bytes).map_err(unreadable)
}

/// A value as stored bytes.
pub fn encode<T: Serialize>(name: &str, value: &T) -> Result<Bytes, StoreError> {
    serde_json::to_vec(&Versioned { v: VERSION, value })
        .map(Bytes::from)
        .map_err(|e| StoreError(format!("`{name}` cannot be written: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_and_a_newer_one_is_refused() {
        let entry = AdminEntry { id: "a".into(), hash: "h".into(), created_at: Timestamp(5) };
        let bytes = encode("admin/a", &entry).unwrap();
        assert_eq!(decode::<AdminEntry>("admin/a", &bytes).unwrap(), entry);
        assert!(bytes.starts_with(CURRENT));
        let reordered = br#"{"id":"a","hash":"h","created_at":5,"v":1}"#;
        assert_eq!(decode::<AdminEntry>("admin/a", reordered).unwrap(), entry);
        let newer = br#"{"v":2,"id":"a","hash":"h","created_at":5}"#;
        assert!(decode::<AdminEntry>("admin/a", newer).unwrap_err().0.contains("upgrade"));
    }
}
