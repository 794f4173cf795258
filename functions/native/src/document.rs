//! Configuration files: read, checked, and their problems told with file and line.
//!
//! What is right or wrong in a document is decided by [`postern_gateway::config`]; this module only knows where in
//! the file each part of it stands. It never shows a line of the file, which may hold a secret.

mod yaml;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use postern_gateway::config::{self, Config, Problem};
use serde_json::Value;

/// No file is larger. A document of thousands of models takes a tenth of this.
const LARGEST_FILE: u64 = 8 << 20;

/// A configuration file.
#[derive(Debug)]
pub(crate) struct Document {
    file: String,
    value: Value,
    lines: Lines,
    /// What the format allows to write but makes no sense, such as a key given twice; with the line.
    problems: Vec<(usize, Problem)>,
}

/// A sound configuration file.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What the file says.
    pub(crate) config: Config,
    /// The document, as it goes to another gateway.
    pub(crate) value: Value,
    /// What works, but probably not as its author thinks, ready to print.
    pub(crate) warnings: Vec<String>,
}

/// The line on which each part of a document starts, by its path.
#[derive(Debug, Default)]
struct Lines(HashMap<String, usize>);

impl Lines {
    /// Of a path that was met before, the first line counts.
    fn insert(&mut self, path: &config::Path, line: usize) {
        self.0.entry(path.as_str().to_owned()).or_insert(line);
    }

    /// The line of the innermost part around `path` that stands in the file: for a key that is missing, the line of
    /// the section in which it should be.
    fn find(&self, path: &str) -> usize {
        let mut around = path;
        loop {
            if let Some(line) = self.0.get(around) {
                return *line;
            }
            // A cut inside a quoted key gives a path that nothing has, and the search goes on.
            match around.rfind(['.', '[']).and_then(|cut| around.get(..cut)) {
                Some(outer) => around = outer,
                None => return self.0.get("").copied().unwrap_or(1),
            }
        }
    }
}

/// Reads and checks the configuration file at `path`.
///
/// # Errors
/// Every problem, as `FILE:LINE: path: message (did you mean "x"?)`, in the order of the file.
pub(crate) fn load(path: &Path) -> Result<Loaded, Vec<String>> {
    Document::read(path).map_err(|problem| vec![problem])?.check()
}

impl Document {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read or is not in the format at all; the text names the file, and the line if there is one.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let file = path.display().to_string();
        let refuse = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("{file}: there is no such file"),
            std::io::ErrorKind::IsADirectory => format!("{file}: this is a directory, expected a file"),
            _ => format!("{file}: cannot be read: {error}"),
        };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
            .map_err(refuse)?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(format!("{file}: larger than {} MiB, which no configuration is", LARGEST_FILE >> 20));
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
            format!("{file}:{line}: not UTF-8 text: save the file as UTF-8")
        })?;
        Self::parse(&file, text)
    }

    /// Reads the text of `file`: YAML, or JSON if the name ends in `.json`.
    ///
    /// # Errors
    /// When it is not in the format; the text names the file and the line.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = yaml::parse(text);
        let document = |parsed: yaml::Parsed| Self {
            file: file.to_owned(),
            value: parsed.value,
            lines: parsed.lines,
            problems: parsed.problems,
        };
        if !file.to_ascii_lowercase().ends_with(".json") {
            return read.map(document).map_err(|error| format!("{file}:{}: {}", error.line, error.message));
        }
        // JSON is YAML but for odd corners (pairs of surrogate escapes), so the one reader gives the lines and finds
        // keys given twice, and the other has the last word.
        let value = serde_json::from_str(text).map_err(|error| {
            // The error's own text ends with the place; here it stands in front.
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            format!("{file}:{}: not valid JSON at column {}: {reason}", error.line().max(1), error.column())
        })?;
        let parsed = read.unwrap_or_default();
        Ok(document(yaml::Parsed { value, ..parsed }))
    }

    /// The bare value, for files that are not of this gateway.
    ///
    /// # Errors
    /// What makes no sense in any file, such as a key given twice; ready to print.
    pub(crate) fn into_value(self) -> Result<Value, String> {
        match self.problems.first() {
            None => Ok(self.value),
            Some((line, problem)) => Err(format!("{}:{line}: {problem}", self.file)),
        }
    }

    /// Checks the document.
    ///
    /// # Errors
    /// Every problem, ready to print, in the order of the file.
    pub(crate) fn check(self) -> Result<Loaded, Vec<String>> {
        let located = |problem: Problem| (self.lines.find(&problem.path), problem);
        let mut problems = self.problems.clone();
        let sound = match config::parse(&self.value) {
            Ok(sound) => Some(sound),
            Err(found) => {
                problems.extend(found.into_iter().map(located));
                None
            }
        };
        match sound {
            Some((config, warnings)) if problems.is_empty() => {
                let mut warnings: Vec<_> = warnings.into_iter().map(located).collect();
                warnings.sort_by_key(|(line, _)| *line);
                let warnings = warnings
                    .iter()
                    .map(|(line, warning)| format!("{}:{line}: warning: {warning}", self.file))
                    .collect();
                Ok(Loaded { config, value: self.value, warnings })
            }
            _ => {
                problems.sort_by_key(|(line, _)| *line);
                Err(problems
                    .iter()
                    .map(|(line, problem)| format!("{}:{line}: {problem}", self.file))
                    .collect())
            }
        }
    }
}
