//! One process of the function: started, frozen, thawed, ended.

use std::fs::File;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::function::Settings;

/// A process of the function.
pub(crate) struct Process {
    child: Child,
    id: u32,
    frozen: bool,
    freezes: bool,
}

impl Process {
    /// Starts one that finds the Runtime API at `api`.
    pub(crate) fn start(settings: &Settings, api: &str) -> io::Result<Self> {
        let mut command = Command::new(&settings.program);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .env("AWS_LAMBDA_FUNCTION_NAME", "postern")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "emulator")
            .env("AWS_SECRET_ACCESS_KEY", "emulator")
            .env("AWS_SESSION_TOKEN", "emulator")
            .envs(settings.environment.iter().cloned())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        match &settings.log {
            Some(path) => {
                let log = File::options().create(true).append(true).open(path)?;
                command.stdout(log.try_clone()?).stderr(log);
            }
            None => {
                command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
            }
        }
        let child = command.spawn()?;
        let id = child.id().ok_or_else(|| io::Error::other("a process without an id"))?;
        Ok(Self { child, id, frozen: false, freezes: settings.freezes })
    }

    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Whether it has not ended.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ready when it has ended.
    pub(crate) async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Stops it where it is.
    pub(crate) async fn freeze(&mut self) {
        if self.freezes && !self.frozen {
            self.frozen = true;
            self.signal("-STOP").await;
        }
    }

    /// Lets it go on.
    pub(crate) async fn thaw(&mut self) {
        if self.frozen {
            self.frozen = false;
            self.signal("-CONT").await;
        }
    }

    /// Kills it.
    pub(crate) async fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.start_kill();
        let _ = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
    }

    async fn signal(&self, name: &str) {
        let _ = Command::new("kill").args([name, &self.id.to_string()]).stderr(Stdio::null()).status().await;
    }
}
