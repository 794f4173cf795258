//! Finds and reads a vocabulary: a line a token, its bytes in base64 and its rank.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::run;
use crate::workplace::Workplace;

/// The package that holds the vocabularies.
const PACKAGE: &str = "tiktoken-rs";

/// Tokens by their bytes.
pub(crate) type Tokens = BTreeMap<Vec<u8>, u32>;

/// The folder with the vocabularies, in cargo's copy of the package.
pub(crate) fn folder(place: &Workplace) -> Result<PathBuf, String> {
    let mut ask = place.cargo();
    ask.args(["metadata", "--format-version", "1", "--locked"]);
    let printed = run::must("asking cargo for its packages", &mut ask, Duration::from_secs(300))?;
    // Cargo may say something of its own before the document.
    let document = printed.find("{\"").and_then(|start| printed.get(start..)).unwrap_or(&printed);
    let metadata: Value = serde_json::Deserializer::from_str(document)
        .into_iter()
        .next()
        .ok_or("cargo metadata printed nothing")?
        .map_err(|error| format!("cargo metadata: {error}"))?;
    metadata
        .get("packages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|package| package.get("name").and_then(Value::as_str) == Some(PACKAGE))
        .and_then(|package| package.get("manifest_path")?.as_str())
        .and_then(|manifest| Some(Path::new(manifest).parent()?.join("assets")))
        .ok_or(format!("the workspace has no package {PACKAGE}"))
}

/// Reads a vocabulary and checks what the table relies on: ranks without a gap, and each byte a token.
pub(crate) fn read(file: &Path) -> Result<Tokens, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let tokens = parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut ranks: Vec<u32> = tokens.values().copied().collect();
    ranks.sort_unstable();
    if !ranks.iter().copied().eq(0..u32::try_from(tokens.len()).unwrap_or(u32::MAX)) {
        return Err(format!("{}: the ranks are not 0, 1, 2, ...", file.display()));
    }
    if let Some(missing) = (0..=255u8).find(|byte| !tokens.contains_key(&[*byte][..])) {
        return Err(format!("{}: the byte {missing} is no token", file.display()));
    }
    Ok(tokens)
}

fn parse(text: &str) -> Result<Tokens, String> {
    let mut tokens = Tokens::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let wrong = || format!("not a token and its rank: {line:?}");
        let (bytes, rank) = line.split_once(' ').ok_or_else(wrong)?;
        let bytes = STANDARD.decode(bytes).map_err(|_| wrong())?;
        if tokens.insert(bytes, rank.parse().map_err(|_| wrong())?).is_some() {
            return Err(format!("twice the same token: {line:?}"));
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_a_token() {
        let tokens = parse("IQ== 0\nIkE= 1\n").unwrap();
        assert_eq!(tokens.into_iter().collect::<Vec<_>>(), [(b"!".to_vec(), 0), (b"\"A".to_vec(), 1)]);
        assert!(parse("IQ==").is_err());
        assert!(parse("IQ== x").is_err());
        assert!(parse("IQ== 0\nIQ== 1\n").is_err());
    }
}
