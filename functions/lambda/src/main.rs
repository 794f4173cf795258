//! `bootstrap`: what Lambda's custom runtime starts.

use std::process::ExitCode;

use postern_common::Environment;
use postern_lambda::logging;
use postern_lambda::settings::Settings;

fn main() -> ExitCode {
    let environment = Environment::of_process();
    let settings = Settings::read(&environment);
    logging::start(settings.log);
    let Some(api) = environment.text("AWS_LAMBDA_RUNTIME_API").map(str::to_owned) else {
        eprintln!("this program is started by AWS Lambda; on your own machine run `cargo xtask lambda`");
        return ExitCode::from(2);
    };
    // One invocation at a time on a fraction of a processor: more threads only cost.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(postern_lambda::run(&api, settings, environment)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_logged) => ExitCode::FAILURE,
    }
}
