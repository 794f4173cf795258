//! The gateway and what it needs of its deployment: the configuration, which is kept and refreshed, and the knowledge of
//! what is missing.
//!
//! A configuration is used for half a minute, or what `POSTERN_REFRESH` says, without a question. Then it is refreshed
//! while a call runs; a process that slept for more than twice that time asks before it serves. So a change is in force within a minute everywhere, and at once
//! where it was made. Time is the wall clock's, which does not stand still while a process is frozen.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use postern_gateway::config::{self, Config};
use postern_gateway::pipeline::Origin;
use postern_gateway::{Gateway, Host as _, store};

use crate::dynamo::TableError;
use crate::host::LambdaHost;
use crate::settings::Settings;

/// After a failure the next look is not before this.
const AGAIN: Duration = Duration::from_secs(1);

/// The gateway in its deployment.
pub(crate) struct Deployment {
    pub(crate) gateway: Gateway,
    pub(crate) host: LambdaHost,
    settings: Settings,
    state: Mutex<State>,
    /// One look at a time.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// When the configuration was last read; never before the first success.
    read: Option<SystemTime>,
    /// When it was last tried.
    tried: Option<SystemTime>,
    /// The stored document that is in force; `None` is the demo.
    document: Option<Bytes>,
    /// Why nothing can be served, for the operator.
    problems: Vec<String>,
    /// Why calls cannot be served, but administrators can, who may put it right.
    refused: Option<String>,
}

/// How urgent a look is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// Not at all.
    None,
    /// Beside a call.
    Beside,
    /// Before a call.
    Before,
}

impl Deployment {
    pub(crate) fn new(settings: Settings, host: LambdaHost) -> Self {
        let gateway = Gateway::new(Config::demo(&|name| host.secret(name).is_some()), Origin::Demo);
        let state = State { problems: settings.problems.clone(), ..State::default() };
        Self { gateway, host, settings, state: Mutex::new(state), looking: tokio::sync::Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Why a path cannot be served; empty if it can.
    pub(crate) fn problems(&self, path: &str) -> Vec<String> {
        let state = self.state();
        let mut problems = state.problems.clone();
        if !path.starts_with("/admin/") {
            problems.extend(state.refused.clone());
        }
        problems
    }

    /// Makes the next call look for a configuration: it was just written.
    pub(crate) fn written(&self) {
        let mut state = self.state();
        (state.read, state.tried) = (None, None);
    }

    /// Secrets that the configuration names and nobody has.
    pub(crate) fn missing_secrets(&self) -> Vec<String> {
        let snapshot = self.gateway.snapshot();
        let missing = snapshot.config.missing_secrets(&|name| self.host.secret(name).is_some());
        let advice = self.host.secret_advice();
        missing.iter().map(|problem| format!("{problem}: {advice}")).collect()
    }

    /// Makes sure that there is a configuration that may be used. What can wait is left to [`beside`](Self::beside).
    pub(crate) async fn before_call(&self) {
        if self.urgency(SystemTime::now()) == Urgency::Before {
            self.look().await;
        }
    }

    /// What is done while a call runs.
    pub(crate) async fn beside(&self) {
        if self.urgency(SystemTime::now()) != Urgency::None {
            self.look().await;
        }
    }

    fn urgency(&self, now: SystemTime) -> Urgency {
        let state = self.state();
        // How old it may be before it is refreshed beside a call, and before a call waits for that.
        let (fresh, stale) = (self.settings.refresh, self.settings.refresh * 2);
        let since = |time: SystemTime| now.duration_since(time).unwrap_or(stale);
        let rests = state.tried.is_some_and(|tried| since(tried) < AGAIN);
        let age = state.read.map(since);
        match age {
            _ if self.settings.table.is_none() || rests => Urgency::None,
            None => Urgency::Before,
            Some(age) if age >= stale => Urgency::Before,
            Some(age) if age >= fresh || self.host.secrets().are_old(now) => Urgency::Beside,
            Some(_) => Urgency::None,
        }
    }

    /// Reads the configuration and, when it is time, the secrets.
    async fn look(&self) {
        let _one = self.looking.lock().await;
        let now = SystemTime::now();
        // Somebody else has just looked.
        if self.urgency(now) == Urgency::None {
            return;
        }
        let secrets = async {
            if !self.host.secrets().are_old(now) {
                return Ok(());
            }
            self.host.secrets().refresh(self.host.aws(), now).await
        };
        let writes = self.host.store().config_writes();
        let (secrets, document) =
            futures_util::future::join(secrets, self.host.store().look(store::CONFIG)).await;
        // This process wrote meanwhile: what was read may be the document of before.
        let overtaken = self.host.store().config_writes() != writes || !writes.is_multiple_of(2);
        let mut problems = self.settings.problems.clone();
        let first = self.state().read.is_none();
        if let Err(missing) = secrets {
            for problem in &missing {
                tracing::error!(problem, "secrets cannot be read");
            }
            if first {
                problems.extend(missing);
            }
        }
        let (mut taken, mut refused) = (None, None);
        match document {
            Ok(document) if !overtaken => match self.take(document.as_ref(), first) {
                Ok(()) => taken = Some(document),
                Err(problem) if first => {
                    tracing::error!(problem, "the stored configuration was refused");
                    refused = Some(problem);
                }
                Err(problem) => {
                    tracing::error!(
                        problem,
                        "the stored configuration was refused: the old one stays in force"
                    );
                    taken = Some(self.state().document.clone());
                }
            },
            // The next call looks again.
            Ok(_) => {}
            Err(error) => {
                let problem = self.describe(&error);
                tracing::error!(problem, "the configuration cannot be read");
                // A configuration that was read once is better than none, unless there is no table any more.
                if first || error.is_missing_table() {
                    problems.push(problem);
                }
            }
        }
        let mut state = self.state();
        state.tried = (!overtaken).then_some(now);
        if let Some(document) = taken {
            state.document = document;
            if problems.is_empty() {
                state.read = Some(now);
            }
        }
        state.problems = problems;
        state.refused = refused;
    }

    /// Puts a stored document in force, if it is another than the one that is.
    fn take(&self, document: Option<&Bytes>, first: bool) -> Result<(), String> {
        if !first && self.state().document.as_ref() == document {
            return Ok(());
        }
        let Some(bytes) = document else {
            let demo = Config::demo(&|name| self.host.secret(name).is_some());
            self.gateway.replace(demo, Origin::Demo);
            return Ok(());
        };
        let advice =
            "apply a good one with `postern apply`, or by invoking the function with an `apply` command";
        let value = serde_json::from_slice(bytes)
            .map_err(|_| format!("the stored configuration is not JSON: {advice}"))?;
        let (config, _) = config::parse(&value).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!(
                "the stored configuration is not valid for this version ({}): {advice}",
                problems.join("; ")
            )
        })?;
        self.gateway.replace(config, Origin::Store);
        Ok(())
    }

    /// What is wrong with the table, and what to do.
    fn describe(&self, error: &TableError) -> String {
        let (table, region) =
            (self.settings.table.as_deref().unwrap_or_default(), self.settings.region.as_str());
        if error.is_missing_table() {
            return format!(
                "the DynamoDB table {table} does not exist in {region}: create it with `cargo xtask deploy aws`, or: \
                 aws dynamodb create-table --region {region} --table-name {table} --billing-mode PAY_PER_REQUEST \
                 --attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S \
                 --key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE"
            );
        }
        if self.host.aws().credentials().is_none() {
            return "there are no AWS credentials in the environment: Lambda sets them from the function's role"
                .to_owned();
        }
        if error.is_refused() {
            return format!(
                "the function may not use the DynamoDB table {table} ({}): its role must allow what \
                 infra/aws/template.yaml lists",
                error.code
            );
        }
        format!("the DynamoDB table {table} in {region} does not answer: {}", error.code)
    }
}

#[cfg(test)]
mod tests {
    use postern_common::Environment;

    use super::*;

    fn deployment() -> Deployment {
        let environment = Environment::new([("POSTERN_TABLE".to_owned(), "t".to_owned())]);
        let settings = Settings::read(&environment);
        Deployment::new(settings.clone(), LambdaHost::new(&settings, environment))
    }

    #[test]
    fn a_configuration_is_used_then_refreshed_then_waited_for() {
        let deployment = deployment();
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(deployment.urgency(then), Urgency::Before);
        *deployment.state() = State { read: Some(then), tried: Some(then), ..State::default() };
        let after = |seconds| deployment.urgency(then + Duration::from_secs(seconds));
        assert_eq!(after(29), Urgency::None);
        assert_eq!(after(31), Urgency::Beside);
        assert_eq!(after(61), Urgency::Before);
        assert_eq!(
            deployment.urgency(then - Duration::from_secs(100)),
            Urgency::Before,
            "the clock was set back"
        );
    }

    #[test]
    fn a_failure_is_not_repeated_at_once() {
        let deployment = deployment();
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        deployment.state().tried = Some(then);
        assert_eq!(deployment.urgency(then + AGAIN / 2), Urgency::None);
        assert_eq!(deployment.urgency(then + AGAIN), Urgency::Before);
    }
}
