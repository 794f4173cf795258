//! The corpus on the core itself, in virtual time; each stream also cut at every byte.

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use postern_tests::corpus::{self, Case};
use postern_tests::play::{Caller, play};
use postern_tests::site::{Face, InProcess, Site};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = match corpus::load(&corpus::folder()) {
        Ok(cases) => cases,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for case in cases.into_iter().filter(|case| case.only.as_deref().is_none_or(|only| only == "in_process"))
    {
        if case.is_stream() && !case.is_paced() {
            let case = case.clone();
            let name = format!("{} cut at every byte", case.name);
            trials.push(Trial::test(name, move || cut_everywhere(&case)));
        }
        trials.push(Trial::test(case.name.clone(), move || once(&case)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn once(case: &Case) -> Result<(), Failed> {
    let face = InProcess::default();
    face.run(async { play(&face.start(&case.config).await?, case).await }).map_err(Failed::from)
}

/// In single bytes, and in two pieces at each place.
fn cut_everywhere(case: &Case) -> Result<(), Failed> {
    let longest =
        case.upstream.iter().filter_map(|u| u.reply()).map(|r| r.body().len()).max().unwrap_or_default();
    let face = InProcess::default();
    let result = face.run(async {
        let site = face.start(&case.config).await?;
        let caller = Caller::new(&site, case).await?;
        let bytes = case.with_cuts(|length| (1..length).collect());
        caller.play(&bytes).await.map_err(|e| format!("cut in single bytes: {e}"))?;
        for at in 1..longest {
            let two = case.with_cuts(|_| vec![at]);
            // Records are found as the newest, so each must be newer than the one before.
            site.pause(Duration::from_millis(1)).await;
            caller.play(&two).await.map_err(|e| format!("cut at byte {at}: {e}"))?;
        }
        Ok(())
    });
    result.map_err(|e: String| e.into())
}
