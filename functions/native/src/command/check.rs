//! `postern check`: says everything that is wrong with a configuration file.

use crate::cli::CheckArgs;
use crate::document;
use crate::failure::Failure;
use crate::output;

/// Checks the file.
///
/// # Errors
/// When it has problems; they are in the text, a line each.
pub(crate) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let loaded = document::load(&args.file).map_err(|problems| {
        let count = match problems.len() {
            1 => "1 problem".to_owned(),
            many => format!("{many} problems"),
        };
        Failure::new(format!("{count}\n{}", problems.join("\n")))
    })?;
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    let file = args.file.display();
    // It is no error: the file may be meant for another machine.
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    for missing in loaded.config.missing_secrets(&is_set) {
        eprintln!("{file}: note: {missing} here");
    }
    let (providers, models) = (loaded.config.providers.iter().count(), loaded.config.models.iter().count());
    output::print(|out| writeln!(out, "{file}: good ({providers} providers, {models} models)"))
}
