//! Files for `npx wrangler kv bulk put`: what a gateway on Cloudflare reads from KV, made without reaching it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use postern_gateway::identity::{self, FirstStart};
use postern_gateway::store::CONFIG;
use postern_gateway::{Host as _, Store as _, StoreError};
use serde_json::{Value, json};

use super::block_on;
use crate::data::Data;
use crate::failure::Failure;
use crate::host::NativeHost;

/// Entries that a first start has at most.
const FIRST: usize = 10;

/// Writes a checked configuration.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write_config(out: &Path, document: &Value) -> Result<(), Failure> {
    write(out, &[json!({ "key": CONFIG, "value": document.to_string() })])
}

/// Writes a new administrator's token and a first key, both only as their hashes, and gives their texts.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write_first_start(out: &Path) -> Result<FirstStart, Failure> {
    // A store of its own, gone afterwards: the same code makes the same entries.
    let folder = std::env::temp_dir().join(format!("postern-first-start-{}", std::process::id()));
    let data = Data::open(&folder, Duration::MAX).map_err(Failure::new)?;
    let host = NativeHost::new(data);
    let made = block_on(async {
        let failed = |error: StoreError| Failure::new(format!("the entries cannot be made: {error}"));
        let first = identity::first_start(&host).await.map_err(failed)?;
        let first = first.ok_or_else(|| Failure::new(format!("{} is not new", folder.display())))?;
        Ok((first, host.store().list("", None, FIRST).await.map_err(failed)?))
    });
    host.close();
    drop(host);
    let removed = fs::remove_dir_all(&folder);
    let (first, listed) = made?;
    removed.map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let entry = |(name, value): &(String, bytes::Bytes)| json!({ "key": name, "value": String::from_utf8_lossy(value) });
    write(out, &listed.iter().map(entry).collect::<Vec<_>>())?;
    Ok(first)
}

fn write(out: &Path, entries: &[Value]) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(entries).unwrap_or_default();
    fs::write(out, text).map_err(|error| Failure::new(format!("{}: {error}", out.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_start_holds_no_secret() {
        let out = std::env::temp_dir().join(format!("postern-kv-bulk-{}.json", std::process::id()));
        let first = write_first_start(&out).unwrap();
        let text = fs::read_to_string(&out).unwrap();
        fs::remove_file(&out).unwrap();
        assert!(!text.contains(&first.key) && !text.contains(&first.admin_token));
        let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
        let names: Vec<_> = entries.iter().filter_map(|entry| entry["key"].as_str()).collect();
        assert!(
            names.len() == 2 && names[0].starts_with("admin/") && names[1].starts_with("key/"),
            "{names:?}"
        );
        assert!(entries[1]["value"].as_str().unwrap().contains("\"tenant\":\"default\""));
    }

    #[test]
    fn a_configuration_is_one_entry() {
        let out = std::env::temp_dir().join(format!("postern-kv-config-{}.json", std::process::id()));
        write_config(&out, &json!({ "providers": {} })).unwrap();
        let text = fs::read_to_string(&out).unwrap();
        fs::remove_file(&out).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!([{ "key": "config", "value": "{\"providers\":{}}" }])
        );
    }
}
