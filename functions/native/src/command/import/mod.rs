//! `postern import`: another gateway's configuration becomes Postern's, on standard output. What could not be carried is
//! said in comments at its head and on standard error. Values that may be secrets are never printed.
//!
//! One file a source (`mlflow`); what they share is [`draft`], the document in the making, and [`fields`], the source's
//! objects, which remembers what nobody asked for.

mod draft;
mod fields;
mod mlflow;
mod mlflow_provider;
#[cfg(test)]
mod tests;
mod yaml;

use serde_json::Value;

use crate::cli::{ImportArgs, ImportCommand};
use crate::document::Document;
use crate::failure::Failure;
use crate::output;
use draft::Draft;

/// The exit code when something could not be carried.
const INCOMPLETE: u8 = 3;

/// Reads one source's document.
type Reader = fn(&Value) -> Result<Draft, String>;

/// Turns the file into Postern's configuration.
///
/// # Errors
/// With exit code 1 and nothing written if the file is no such configuration or what comes out of it would not work; with
/// exit code 3, after writing, if something could not be carried.
pub(crate) fn run(command: &ImportCommand) -> Result<(), Failure> {
    let (ImportArgs { file }, source, read): (_, _, Reader) = match command {
        ImportCommand::Mlflow(args) => (args, "an MLflow gateway configuration", mlflow::read),
    };
    let shown = file.display();
    let value = Document::read(file).and_then(Document::into_value).map_err(Failure::new)?;
    let draft = read(&value).map_err(|problem| Failure::new(format!("{shown}: {problem}")))?;
    let text = draft.text(source);
    // What is written must be taken: a value of the file that is no good is told by where it ended up.
    let made = format!("the configuration made of {shown}");
    Document::parse(&made, &text).map_err(|problem| vec![problem]).and_then(Document::check).map_err(
        |problems| Failure::new(format!("{shown} gives no sound configuration\n{}", problems.join("\n"))),
    )?;
    output::print(|out| out.write_all(text.as_bytes()))?;
    for note in &draft.notes {
        eprintln!("{shown}: {note}");
    }
    match draft.lost {
        0 => Ok(()),
        lost => {
            let what = if lost == 1 { "1 thing" } else { &format!("{lost} things") };
            let text =
                format!("{what} of {shown} could not be carried; they are listed above and in the output");
            Err(Failure::with_code(INCOMPLETE, text))
        }
    }
}
