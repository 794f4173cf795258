//! The environment of a process: variables that have a value, each of which may be a secret.

use std::collections::HashMap;

use postern_gateway::Secret;

/// Variables that have a value.
#[derive(Clone, Debug, Default)]
pub struct Environment(HashMap<String, Secret>);

impl Environment {
    /// The environment of this process, as it is now.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// An environment of these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let with_value = variables.into_iter().filter(|(_, value)| !value.is_empty());
        Self(with_value.map(|(name, value)| (name, Secret::new(value))).collect())
    }

    /// A variable's value as a secret.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.0.get(name).cloned()
    }

    /// A variable's value.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::reveal)
    }
}
