//! The document in the making: providers that are told once however often they are used, models, and what to tell of them.

use serde_json::{Map, Value, json};

use super::yaml;

/// Postern's configuration, and what was not carried into it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    providers: Map<String, Value>,
    models: Map<String, Value>,
    /// For the person: lines without the file's name. Never a value of the source that may be a secret.
    pub(super) notes: Vec<String>,
    /// How many notes say that something is missing in the output.
    pub(super) lost: usize,
    /// Names of secrets that stand for values which the source has in the open, each with that value.
    hidden: Vec<(String, String)>,
}

impl Draft {
    /// Notes that something of the source is not in the output.
    pub(super) fn lose(&mut self, path: &str, reason: impl std::fmt::Display) {
        self.lost += 1;
        self.notes.push(format!("{path}: not carried: {reason}"));
    }

    /// Notes something that the person has to know or to do.
    pub(super) fn advise(&mut self, path: &str, text: impl std::fmt::Display) {
        self.notes.push(format!("{path}: {text}"));
    }

    /// The name of a provider of these settings: the one that is there already, or a new one like `name`.
    pub(super) fn provider(&mut self, name: &str, settings: Value) -> String {
        if let Some((known, _)) = self.providers.iter().find(|(_, known)| **known == settings) {
            return known.clone();
        }
        let name = free(name, |name| !self.providers.contains_key(name), '-');
        self.providers.insert(name.clone(), settings);
        name
    }

    /// Adds a model; its name may have to change to be one here.
    pub(super) fn model(&mut self, path: &str, name: &str, model: Value) {
        let mut good: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "._:-".contains(c) { c } else { '-' })
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .take(120)
            .collect();
        if good.is_empty() {
            "model".clone_into(&mut good);
        }
        let good = free(&good, |name| !self.models.contains_key(name), '-');
        if good != name {
            self.advise(
                path,
                format!("is called `{good}` here: names of models begin with a letter or a digit"),
            );
        }
        self.models.insert(good, model);
    }

    /// A reference to a secret, for a value that must not be shown. Equal values get one name.
    pub(super) fn hide(&mut self, path: &str, value: &str, variable: &str) -> String {
        if let Some((name, _)) = self.hidden.iter().find(|(_, hidden)| hidden == value) {
            return format!("${{{name}}}");
        }
        let name = free(variable, |name| self.hidden.iter().all(|(used, _)| used != name), '_');
        self.advise(path, format!("stands in the file itself; set it as the secret {name}"));
        self.hidden.push((name.clone(), value.to_owned()));
        format!("${{{name}}}")
    }

    /// The document as YAML.
    pub(super) fn text(&self, source: &str) -> String {
        let mut text = format!("# Made of {source} by `postern import`.\n");
        if !self.notes.is_empty() {
            text.push_str("#\n# What to know of it:\n");
            for note in &self.notes {
                // A name of the source may have a line break, which would end the comment.
                let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                text.push_str(&format!("# - {note}\n"));
            }
        }
        let document = json!({ "providers": self.providers, "models": self.models });
        yaml::write(&document, &mut text);
        text
    }
}

fn free(name: &str, is_free: impl Fn(&str) -> bool, joint: char) -> String {
    let numbered = (2..).map(|number| format!("{name}{joint}{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| is_free(name)).unwrap_or_default()
}
