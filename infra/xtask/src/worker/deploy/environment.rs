//! The environments of `wrangler.toml`: production, which has no name there, and those under `[env.NAME]`.

use std::fmt;

use serde_json::Value;

use super::NAMESPACE;

/// An environment; production has no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment(Option<String>);

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("production"))
    }
}

impl Environment {
    /// The environment of this name.
    pub(super) fn named(name: &str) -> Self {
        Self(Some(name.to_owned()).filter(|name| !name.is_empty() && name != "production"))
    }

    /// All that a `wrangler.toml` has.
    pub(super) fn all_in(template: &str) -> Vec<Self> {
        let named = template.lines().filter_map(|line| {
            let name = line.trim().strip_prefix("[env.")?.strip_suffix(']')?;
            (!name.contains('.')).then(|| Self(Some(name.to_owned())))
        });
        [Self(None)].into_iter().chain(named).collect()
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The option that chooses it, with a space before.
    pub(super) fn option(&self) -> String {
        self.name().map_or_else(String::new, |name| format!(" --env {name}"))
    }

    /// What stands in `wrangler.toml` in place of the namespace's id: what is local needs none. Environments differ, so
    /// that they share nothing on this machine either.
    pub(super) fn local_id(&self) -> String {
        self.name().map_or_else(|| "id = \"local\"".to_owned(), |name| format!("id = \"local-{name}\""))
    }

    /// The id of its namespace among those of an account.
    pub(super) fn namespace_id(&self, listed: &Value) -> Option<String> {
        let titles = match self.name() {
            // What `wrangler kv namespace create` has called them, now and formerly.
            None => [NAMESPACE.to_owned(), format!("postern-{NAMESPACE}")],
            Some(name) => [format!("{name}-{NAMESPACE}"), format!("postern-{name}-{NAMESPACE}")],
        };
        let mine = listed.as_array().into_iter().flatten().find(|namespace| {
            namespace["title"].as_str().is_some_and(|title| titles.iter().any(|mine| mine == title))
        });
        mine.and_then(|namespace| namespace["id"].as_str()).map(str::to_owned)
    }

    /// Whether a `wrangler.toml` has this environment, with everything that the gateway needs: an environment inherits no
    /// bindings.
    ///
    /// # Errors
    /// All that is missing, with what to write.
    pub(super) fn check(&self, template: &str) -> Result<(), String> {
        let all = Self::all_in(template);
        if !all.contains(self) {
            let names: Vec<_> = all.iter().map(ToString::to_string).collect();
            return Err(format!("wrangler.toml has no environment {self}: it has {}", names.join(", ")));
        }
        let prefix = self.name().map_or_else(String::new, |name| format!("env.{name}."));
        let part = self.part_of(template);
        let kv = format!("[[{prefix}kv_namespaces]] with binding = \"{NAMESPACE}\" and {}", self.local_id());
        let object = |name: &str, class: &str| {
            format!(
                "[[{prefix}durable_objects.bindings]] with name = \"{name}\" and class_name = \"{class}\""
            )
        };
        let migration = "[[migrations]] with new_sqlite_classes = [\"Tenant\", \"Directory\"]";
        let needed = [
            (part.contains(&self.local_id()) && part.contains("binding = \"POSTERN\""), kv),
            (part.contains("name = \"TENANTS\""), object("TENANTS", "Tenant")),
            (part.contains("name = \"DIRECTORY\""), object("DIRECTORY", "Directory")),
            (template.contains("new_sqlite_classes"), migration.to_owned()),
        ];
        let missing: Vec<_> =
            needed.into_iter().filter(|(there, _)| !there).map(|(_, what)| format!("\n  {what}")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("wrangler.toml lacks for {self}:{}", missing.concat()))
    }

    /// The lines of `wrangler.toml` that are its own.
    fn part_of(&self, template: &str) -> String {
        let mut mine = self.name().is_none();
        let mut part = String::new();
        for line in template.lines() {
            if let Some(heading) = line.trim().strip_prefix('[') {
                let heading = heading.trim_start_matches('[');
                let name = heading.strip_prefix("env.").and_then(|rest| rest.split(['.', ']']).next());
                mine = name == self.name();
            }
            if mine {
                part.push_str(line);
                part.push('\n');
            }
        }
        part
    }
}
