//! The shape of each file: one idea each, said at its top; nothing left for later; nothing of one machine.

use super::{none, tracked};

/// Lines of a Rust file.
const LONGEST: usize = 500;

fn rust_files() -> Vec<(String, String)> {
    tracked().into_iter().filter(|(path, _)| path.ends_with(".rs")).collect()
}

#[test]
fn rust_files_are_short() {
    let long: Vec<_> = rust_files()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    none(&long, &format!("a file holds one idea, in at most {LONGEST} lines:"));
}

#[test]
fn every_module_says_what_it_does() {
    let silent: Vec<_> = rust_files()
        .into_iter()
        // The tests of a module speak for themselves.
        .filter(|(path, text)| !path.ends_with("/tests.rs") && !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    none(&silent, "a module starts with `//!`: what it does and what it must never do.");
}

#[test]
fn nothing_is_left_for_later() {
    // Written apart, so that this file does not find itself.
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimplement", "ed!("), concat!("to", "do!(")];
    let later = lines_with(&words, |path| {
        [".rs", ".py", ".mjs", ".toml", ".yml", ".yaml", ".md", "/run"].iter().any(|end| path.ends_with(end))
    });
    none(&later, "finish it, or file an issue:");
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    let words = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];
    none(&lines_with(&words, |_| true), "paths are relative to the clone, or come from the environment:");
}

#[test]
fn text_files_end_with_a_line_feed_and_hold_no_carriage_return() {
    let wrong: Vec<_> = tracked()
        .into_iter()
        // What was recorded stays as it was.
        .filter(|(path, _)| !path.starts_with("tests/corpus/") && !path.starts_with("fuzz/seeds/"))
        .filter(|(_, text)| !text.is_empty() && (!text.ends_with('\n') || text.contains('\r')))
        .map(|(path, _)| path)
        .collect();
    none(&wrong, "line feeds only, one at the end:");
}

#[test]
fn lock_files_name_no_registry_of_one_machine() {
    let locks: Vec<_> =
        tracked().into_iter().filter(|(path, _)| path.ends_with("package-lock.json")).collect();
    assert!(locks.len() >= 2, "the SDK suite and the Worker's tools have one each: {}", locks.len());
    let named: Vec<_> =
        locks.into_iter().filter(|(_, text)| text.contains("\"resolved\"")).map(|(path, _)| path).collect();
    none(
        &named,
        "npm wrote the registry's address into these lock files; an .npmrc beside them keeps it out:",
    );
}

fn lines_with(words: &[&str], is_checked: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tracked().iter().filter(|(path, _)| is_checked(path)) {
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!(
                    "{path}:{}: {}",
                    number + 1,
                    line.trim().chars().take(100).collect::<String>()
                ));
            }
        }
    }
    found
}
