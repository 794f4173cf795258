//! Plays the corpus on gateways that run in processes of their own. Cases of one configuration share a gateway.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::corpus::{self, Case};
use crate::play::{play, prompts, secrets_in};
use crate::site::{Face, Running};

type Started<S> = OnceCell<Result<S, String>>;

/// The gateways that run, by their configuration.
struct Stage<F: Face> {
    runtime: Runtime,
    face: F,
    sites: Mutex<HashMap<String, Arc<Started<F::Site>>>>,
}

/// Plays every case that `mine` takes, each as a test, and checks what the gateways logged.
pub fn main<F, P>(prepare: P, mine: impl Fn(&Case) -> bool) -> ExitCode
where
    F: Face<Site: Running + Send + Sync + 'static> + Send + Sync + 'static,
    P: AsyncFnOnce() -> Result<F, String>,
{
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(F::AT_ONCE));
    let cases = match corpus::load(&corpus::folder()) {
        Ok(cases) => cases,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = Runtime::new().expect("a runtime");
    let face = match runtime.block_on(prepare()) {
        Ok(face) => face,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let stage = Arc::new(Stage { runtime, face, sites: Mutex::default() });
    let hidden: Vec<String> = cases.iter().flat_map(prompts).collect();
    let trials = cases.into_iter().filter(mine).map(|case| {
        let stage = Arc::clone(&stage);
        Trial::test(case.name.clone(), move || stage.once(&case))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if stage.stop(&hidden) { conclusion.exit_code() } else { ExitCode::FAILURE }
}

impl<F: Face<Site: Running>> Stage<F> {
    fn once(&self, case: &Case) -> Result<(), Failed> {
        let key = case.config.to_string();
        let started =
            Arc::clone(self.sites.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        self.runtime.block_on(async {
            let site = started.get_or_init(|| self.face.start(&case.config)).await;
            play(site.as_ref().map_err(Clone::clone)?, case).await
        })?;
        Ok(())
    }

    /// Ends every gateway. Whether all ended as they should and kept what is secret out of their logs.
    fn stop(&self, hidden: &[String]) -> bool {
        let sites = std::mem::take(&mut *self.sites.lock().unwrap_or_else(PoisonError::into_inner));
        let mut good = true;
        for started in sites.into_values().filter_map(Arc::into_inner).filter_map(OnceCell::into_inner) {
            // What did not start has failed its cases.
            let Ok(site) = started else { continue };
            match self.runtime.block_on(site.stop()) {
                Err(error) => {
                    eprintln!("{error}");
                    good = false;
                }
                Ok(log) => {
                    for secret in secrets_in(&log).into_iter().chain(hidden.iter().map(String::as_str)) {
                        if log.contains(secret) {
                            eprintln!("the gateway's log has a secret or a prompt in it: {secret:?}");
                            good = false;
                        }
                    }
                }
            }
        }
        good
    }
}
