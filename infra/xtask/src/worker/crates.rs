//! What of the Worker's wasm belongs to which crate, by the names of its functions. Reads a build that still has them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::workplace::Workplace;
use crate::{run, setup, wasm};

/// Crates smaller than this are summed up, bytes.
const SMALL: usize = 5000;
const LONG: Duration = Duration::from_secs(3600);

/// Builds the Worker's library with names and prints a table: crates, the largest first. This is before wasm-opt, which
/// leaves a tenth out.
pub(super) fn print(place: &Workplace) -> Result<(), String> {
    setup::wasm_target(place)?;
    let mut build = place.cargo();
    // Only of the last step, so that all other crates stay as they are built.
    build.args(["rustc", "--quiet", "--package", "postern-worker", "--lib", "--profile", "worker"]);
    build.args(["--target", setup::WASM, "--", "-C", "strip=none"]);
    run::must("building the Worker with names", build.env("CARGO_TARGET_DIR", &place.target), LONG)?;
    let file = place.target.join(setup::WASM).join("worker/postern_worker.wasm");
    let module = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let (functions, data) = wasm::parts(&module).ok_or(format!("{} has no names", file.display()))?;
    let mut crates = BTreeMap::<&str, (usize, usize)>::new();
    for (name, size) in &functions {
        let of = crates.entry(crate_of(name).unwrap_or("(other)")).or_default();
        *of = (of.0 + size, of.1 + 1);
    }
    let mut rows: Vec<_> = crates.into_iter().collect();
    rows.sort_by_key(|(_, (size, _))| std::cmp::Reverse(*size));
    println!(
        "| crate | KB | functions |\n|---|---|---|\n| (data: the catalog, texts, tables) | {} | |",
        data / 1000
    );
    let (mut rest, mut many) = (0, 0);
    for (name, (size, count)) in rows {
        if size < SMALL {
            (rest, many) = (rest + size, many + count);
        } else {
            println!("| {name} | {} | {count} |", size / 1000);
        }
    }
    println!("| (smaller ones) | {} | {many} |", rest / 1000);
    Ok(())
}

/// The first crate in a function's name, however it is mangled. Of `<A as B>::c` that is the one of `A`.
fn crate_of(name: &str) -> Option<&str> {
    if let Some(rest) = name.strip_prefix("_R") {
        return crate_of_v0(rest);
    }
    let rest = name.strip_prefix("_ZN")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (length, rest) = rest.split_at(digits);
    let first = rest.get(..length.parse().ok()?)?;
    // `_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$...`: the first path in it.
    let until = first.find("..").unwrap_or(first.len());
    let path = first.get(..until)?;
    let begin = path.rfind('$').map_or(0, |at| at + 1);
    path.get(begin..).map(|name| name.trim_start_matches('_')).filter(|name| !name.is_empty())
}

/// A crate's root is `C`, perhaps a disambiguator `s..._`, then the length and the name.
fn crate_of_v0(rest: &str) -> Option<&str> {
    rest.match_indices('C').find_map(|(at, _)| {
        let mut rest = rest.get(at + 1..)?;
        if let Some(after) = rest.strip_prefix('s') {
            let end = after.find('_')?;
            after.get(..end)?.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(())?;
            rest = after.get(end + 1..)?;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (length, rest) = rest.split_at(digits);
        let rest = rest.strip_prefix('_').unwrap_or(rest);
        rest.get(..length.parse().ok()?).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_crate_of_a_function() {
        let of = |name| crate_of(name).unwrap_or_default();
        assert_eq!(of("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"), "core");
        let implementation = "_ZN66_$LT$serde_json..value..Value$u20$as$u20$core..fmt..Display$GT$3fmt17h0E";
        assert_eq!(of(implementation), "serde_json");
        assert_eq!(of("_RNvNtCsbDqzXfLQacH_4core3fmt5write"), "core");
        assert_eq!(
            of("_RNvXs_NtCs1_12postern_wire3sseNtB4_7DecoderNtCs2_4core3fmt5Debug3fmt"),
            "postern_wire"
        );
        assert_eq!(of("__wbindgen_malloc"), "");
    }
}
