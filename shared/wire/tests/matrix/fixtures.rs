//! The fixtures and their golden files on the disk.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::format::Format;

/// A body in a format.
pub(crate) struct Fixture {
    pub(crate) format: Format,
    /// What it shows.
    pub(crate) behaviour: String,
    pub(crate) body: Bytes,
    golden: PathBuf,
}

impl Fixture {
    /// Its place among the fixtures of its kind.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.format.name(), self.behaviour)
    }
}

/// The fixtures of a kind (`requests`, `responses`, `streams`), in order.
pub(crate) fn all(kind: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix").join(kind);
    let mut found = Vec::new();
    for format in Format::ALL {
        let Ok(entries) = fs::read_dir(folder.join(format.name())) else { continue };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
        files.sort();
        for file in &files {
            let golden = file.with_extension("golden");
            if *file == golden {
                let fixture = ["json", "sse", "jsonl"].iter().any(|end| file.with_extension(end).exists());
                assert!(fixture, "{} belongs to no fixture", golden.display());
                continue;
            }
            let behaviour = file.file_stem().expect("a name").to_string_lossy().into_owned();
            let body = fs::read(file).expect("readable").into();
            found.push(Fixture { format, behaviour, body, golden });
        }
    }
    found
}

/// Compares each fixture's telling with its golden file, or writes it there.
pub(crate) fn check(kind: &str, tell: impl Fn(&Fixture) -> String) {
    let bless = std::env::var_os("POSTERN_BLESS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    let fixtures = all(kind);
    assert!(!fixtures.is_empty(), "there are fixtures");
    for fixture in &fixtures {
        let told = tell(fixture);
        if bless {
            fs::write(&fixture.golden, &told).expect("writable");
            continue;
        }
        let golden = fs::read_to_string(&fixture.golden).unwrap_or_default();
        if let Some(difference) = difference(&golden, &told) {
            wrong.push(format!("{}: {difference}", fixture.name()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} {kind} are told otherwise than their golden files say; if that is right, bless them with \
         POSTERN_BLESS=1 and read the difference\n{}",
        wrong.len(),
        fixtures.len(),
        wrong.join("\n")
    );
}

/// The first lines that differ, with the section they are in.
fn difference(golden: &str, told: &str) -> Option<String> {
    if golden == told {
        return None;
    }
    let mut section = "";
    let (mut left, mut right) = (golden.lines(), told.lines());
    loop {
        let (old, new) = (left.next(), right.next());
        if let Some(line) = new.filter(|line| line.starts_with("==")) {
            section = line;
        }
        if old != new {
            let [old, new] = [old, new].map(|line| line.unwrap_or("(nothing)"));
            return Some(format!("{section}\n  golden: {old}\n  told:   {new}"));
        }
        old?;
    }
}
