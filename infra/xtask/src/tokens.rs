//! `cargo xtask tokens`: writes the tables of `postern-tokens` from the vocabularies in tiktoken-rs's own package.
//!
//! tiktoken-rs is what the counts are compared with in that crate's tests, so cargo has its package, at the version of
//! `Cargo.lock`. The classes of characters come from regex-syntax, which is what tiktoken-rs's patterns mean by `\p{L}`.
//! `--check` writes nothing and fails when a committed table is not what the packages give.

mod classes;
mod trie;
mod vocabulary;

use std::fs;

use crate::workplace::Workplace;

/// Where the tables lie in the clone.
const PLACE: &str = "shared/tokens/src/tables";
/// Vocabularies, by the name of their file in the package; the table has the same.
const VOCABULARIES: [&str; 2] = ["o200k_base", "cl100k_base"];

/// Writes the tables, or with `--check` compares them.
pub(crate) fn command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let check = match args {
        [] => false,
        [only] if only == "--check" => true,
        _ => return Err("usage: cargo xtask tokens [--check]".to_owned()),
    };
    let assets = vocabulary::folder(place)?;
    let mut made = vec![("classes.bin".to_owned(), classes::table()?)];
    for name in VOCABULARIES {
        let tokens = vocabulary::read(&assets.join(format!("{name}.tiktoken")))?;
        made.push((format!("{name}.bin"), trie::table(&tokens)?));
    }
    let mut good = true;
    for (name, table) in made {
        let file = place.root.join(PLACE).join(&name);
        if fs::read(&file).is_ok_and(|found| found == table) {
            println!("{PLACE}/{name} is up to date");
        } else if check {
            println!("{PLACE}/{name} is out of date: run `cargo xtask tokens` and commit it");
            good = false;
        } else {
            fs::write(&file, &table).map_err(|error| format!("{}: {error}", file.display()))?;
            println!("{PLACE}/{name} written: {} bytes", table.len());
        }
    }
    Ok(good)
}
