//! Finds the recordings and hands them out, case by case.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;

pub(crate) struct Case {
    pub(crate) name: String,
    folder: PathBuf,
    pub(crate) status: Option<u16>,
    pub(crate) headers: http::HeaderMap,
}

impl Case {
    fn open(folder: &Path, name: String) -> Self {
        let meta: Value =
            serde_json::from_slice(&fs::read(folder.join("meta.json")).expect("meta.json")).expect("JSON");
        let mut headers = http::HeaderMap::new();
        for (name, value) in meta["headers"].as_object().into_iter().flatten() {
            let name: http::HeaderName = name.parse().expect("a header name");
            headers.insert(name, value.as_str().expect("text").parse().expect("a header value"));
        }
        let status = meta["status"].as_u64().map(|status| status.try_into().expect("a status"));
        Self { name, folder: folder.to_owned(), status, headers }
    }

    pub(crate) fn read(&self, file: &str) -> Option<Bytes> {
        fs::read(self.folder.join(file)).ok().map(Bytes::from)
    }

    pub(crate) fn is_error(&self) -> bool {
        self.status.map_or(self.name.contains("/error_"), |status| status >= 400)
    }

    /// The stream as bytes, if there is one. Where only the events were recorded they get the usual frame.
    pub(crate) fn stream(&self) -> Option<Bytes> {
        self.read("response.sse").or_else(|| {
            let events = self.read("response.chunks.jsonl")?;
            let mut framed = Vec::new();
            for line in events.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
                framed.extend_from_slice(b"data: ");
                framed.extend_from_slice(line);
                framed.extend_from_slice(b"\n\n");
            }
            framed.extend_from_slice(b"data: [DONE]\n\n");
            Some(framed.into())
        })
    }
}

/// The cases whose format and name satisfy a test, in order of their names; `None` without recordings.
pub(crate) fn recorded(wanted: impl Fn(&str, &str) -> bool) -> Option<Vec<Case>> {
    let folder = std::env::var_os("POSTERN_RECORDED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recorded"),
        PathBuf::from,
    );
    let Ok(formats) = fs::read_dir(&folder) else {
        println!("NOT CHECKED: no recordings found; set POSTERN_RECORDED to their folder");
        return None;
    };
    let mut found = Vec::new();
    for format in formats.map(|entry| entry.expect("readable").path()).filter(|path| path.is_dir()) {
        let format_name = format.file_name().expect("a name").to_string_lossy().into_owned();
        for folder in fs::read_dir(&format).expect("readable").map(|entry| entry.expect("readable").path()) {
            let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
            if wanted(&format_name, &name) {
                found.push(Case::open(&folder, format!("{format_name}/{name}")));
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Some(found)
}

/// Runs a check over all wanted cases; the check says whether the case has what it looks at.
pub(crate) fn play(
    what: &str,
    wanted: impl Fn(&str, &str) -> bool,
    check: impl Fn(&Case) -> Result<bool, String>,
) {
    let Some(recorded) = recorded(wanted) else { return };
    let mut played = 0;
    let mut failures = Vec::new();
    for case in &recorded {
        match check(case) {
            Ok(true) => played += 1,
            Ok(false) => {}
            Err(reason) => failures.push(format!("{}: {reason}", case.name)),
        }
    }
    println!("{what}: {played} cases played");
    assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n"));
    assert!(played > 0, "no case has anything to check");
}
