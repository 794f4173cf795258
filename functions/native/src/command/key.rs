//! `postern key`: makes, lists and revokes keys.

use std::io::{self, IsTerminal};
use std::time::SystemTime;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::block_on;
use super::remote::{Remote, escape};
use crate::cli::{KeyCreateArgs, KeyListArgs, KeyRevokeArgs};
use crate::failure::Failure;
use crate::output::{self, Align, Table};

/// Keys asked for at a time.
const PAGE: &str = "1000";

/// A key as the gateway tells of it.
#[derive(Debug, Deserialize, Serialize)]
struct Key {
    id: String,
    tenant: String,
    name: String,
    models: Vec<String>,
    created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// The key itself; only in the answer that makes it.
    #[serde(default, skip_serializing)]
    key: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Key>,
    #[serde(default)]
    next: Option<String>,
}

/// Makes a key and prints it, once.
///
/// # Errors
/// When the gateway refuses.
pub(crate) fn create(args: &KeyCreateArgs) -> Result<(), Failure> {
    let remote = Remote::new(&args.remote, None)?;
    let models: Vec<&str> = args.models.iter().map(|model| model.trim()).collect();
    let mut body = json!({ "tenant": args.tenant, "name": args.name, "models": models });
    if let Some(period) = args.expires {
        let end = OffsetDateTime::from(SystemTime::now() + period.0);
        let end = end.replace_nanosecond(0).unwrap_or(end);
        let end = end.format(&Rfc3339).map_err(|error| Failure::new(format!("--expires: {error}")))?;
        body["expires_at"] = Value::String(end);
    }
    let made: Key = block_on(remote.send(Method::POST, "keys", Some(&body)))?;
    let Some(secret) = &made.key else {
        return Err(Failure::new("the gateway made a key but did not show it: revoke it and make another"));
    };
    if !io::stdout().is_terminal() {
        return output::print(|out| writeln!(out, "POSTERN_KEY={secret}\nPOSTERN_KEY_ID={}", made.id));
    }
    let url = remote.url();
    let until = made.expires_at.as_deref().map_or_else(String::new, |end| format!(" until {end}"));
    output::print(|out| {
        writeln!(
            out,
            "Key {} of tenant {} for {}{until}. Keep it: it is not shown again.\n\n  \
             export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={secret}\n",
            made.id,
            made.tenant,
            made.models.join(", ")
        )
    })
}

/// Lists keys.
///
/// # Errors
/// When the gateway refuses.
pub(crate) fn list(args: &KeyListArgs) -> Result<(), Failure> {
    let remote = Remote::new(&args.remote, None)?;
    let keys = block_on(all(&remote, args.tenant.as_deref().unwrap_or_default()))?;
    if args.json {
        return output::print(|out| {
            keys.iter().try_for_each(|key| {
                serde_json::to_writer(&mut *out, key)?;
                writeln!(out)
            })
        });
    }
    let columns = ["ID", "TENANT", "NAME", "MODELS", "CREATED", "STATE"];
    let mut table = Table::new(columns.map(|name| (name, Align::Left)).to_vec());
    for key in keys {
        let state = state(&key, SystemTime::now().into());
        table.row(vec![key.id, key.tenant, key.name, key.models.join(","), key.created_at, state]);
    }
    output::print(|out| table.write(out))
}

async fn all(remote: &Remote, tenant: &str) -> Result<Vec<Key>, Failure> {
    let mut keys = Vec::new();
    let mut after = String::new();
    loop {
        let parameters = [("tenant", tenant), ("after", after.as_str()), ("limit", PAGE)];
        let page: Page = remote.read("keys", &parameters).await?;
        keys.extend(page.data);
        match page.next {
            Some(next) if next != after => after = next,
            _ => return Ok(keys),
        }
    }
}

/// Whether a key works, in words.
fn state(key: &Key, now: OffsetDateTime) -> String {
    if let Some(revoked) = &key.revoked_at {
        return format!("revoked {revoked}");
    }
    match &key.expires_at {
        None => "active".to_owned(),
        Some(end) => match OffsetDateTime::parse(end, &Rfc3339) {
            Ok(time) if time <= now => format!("expired {end}"),
            _ => format!("active until {end}"),
        },
    }
}

/// Revokes a key.
///
/// # Errors
/// When there is none of this id, or the gateway refuses.
pub(crate) fn revoke(args: &KeyRevokeArgs) -> Result<(), Failure> {
    let remote = Remote::new(&args.remote, None)?;
    let mut path = "keys/".to_owned();
    escape(&args.id, &mut path);
    let key: Key = block_on(remote.send(Method::DELETE, &path, None))?;
    output::print(|out| writeln!(out, "key {} ({} of tenant {}) is revoked", key.id, key.name, key.tenant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_key() {
        let key = |expires: Option<&str>, revoked: Option<&str>| Key {
            id: "i".into(),
            tenant: "t".into(),
            name: "n".into(),
            models: vec![],
            created_at: "2026-01-01T00:00:00Z".into(),
            expires_at: expires.map(str::to_owned),
            revoked_at: revoked.map(str::to_owned),
            key: None,
        };
        let now = OffsetDateTime::parse("2026-06-01T00:00:00Z", &Rfc3339).unwrap();
        let (past, future) = ("2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z");
        assert_eq!(state(&key(None, None), now), "active");
        assert_eq!(state(&key(Some(future), None), now), format!("active until {future}"));
        assert_eq!(state(&key(Some(past), None), now), format!("expired {past}"));
        assert_eq!(state(&key(Some(future), Some(past)), now), format!("revoked {past}"));
    }
}
