//! Where the configuration comes from: a file, else what administrators have stored, else the demo.

use std::path::{Path, PathBuf};

use postern_gateway::Host as _;
use postern_gateway::admin::stored_config;
use postern_gateway::config::{self, Config};
use postern_gateway::pipeline::Origin;

use crate::document::{self, Loaded};
use crate::failure::Failure;
use crate::host::NativeHost;

/// Where the configuration comes from.
pub(super) enum Source {
    /// A file that the operator edits.
    File(PathBuf),
    /// The store of the data directory, or the demo when it has none.
    Data,
}

impl Source {
    /// The file, if one was given.
    pub(super) fn of(file: Option<&Path>) -> Self {
        file.map_or(Self::Data, |file| Self::File(file.to_owned()))
    }

    /// The file's path, if it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Data => None,
        }
    }

    /// Reads and checks the file, if it is one.
    pub(super) fn read_file(&self) -> Result<Option<Loaded>, Failure> {
        let Some(path) = self.path() else { return Ok(None) };
        document::load(path).map(Some).map_err(|problems| Failure::new(problems.join("\n")))
    }

    /// The configuration to begin with. `file` is what [`read_file`](Self::read_file) gave.
    pub(super) async fn config(
        &self,
        file: Option<Loaded>,
        host: &NativeHost,
    ) -> Result<(Config, Origin), Failure> {
        if let Some(loaded) = file {
            return Ok((accept(loaded, host), Origin::File));
        }
        let stored = stored_config(host).await.map_err(|error| Failure::new(error.to_string()))?;
        let Some(document) = stored else {
            return Ok((Config::demo(&|name| host.secret(name).is_some()), Origin::Demo));
        };
        match config::parse(&document) {
            Ok((config, _)) => {
                warn_of_missing_secrets(&config, host);
                Ok((config, Origin::Store))
            }
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                let advice = "give --config a file, or --data another directory";
                let text = format!("the stored configuration is not valid for this version ({advice}):");
                Err(Failure::new(format!("{text}\n{}", problems.join("\n"))))
            }
        }
    }
}

/// Says what is doubtful in a sound configuration, and gives it on.
pub(super) fn accept(loaded: Loaded, host: &NativeHost) -> Config {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    warn_of_missing_secrets(&loaded.config, host);
    loaded.config
}

fn warn_of_missing_secrets(config: &Config, host: &NativeHost) {
    for missing in config.missing_secrets(&|name| host.secret(name).is_some()) {
        tracing::warn!("{missing}; calls that need it will fail until postern is started with it");
    }
}
