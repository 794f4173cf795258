//! `postern count`: how many tokens a text, or a whole chat request, is for a model.

use std::fs;
use std::io::{self, Read as _};

use postern_tokens::{Basis, Count, count_request, count_text, family};
use postern_wire::Dialect;

use crate::cli::CountArgs;
use crate::failure::Failure;
use crate::output;

/// Prints the count; what is an estimate says so beside it.
///
/// # Errors
/// When the text cannot be read, or is no chat request where one is expected.
pub(crate) fn run(args: &CountArgs) -> Result<(), Failure> {
    let bytes = match &args.file {
        Some(file) => fs::read(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?,
        None => {
            let mut bytes = Vec::new();
            let read = io::stdin().read_to_end(&mut bytes);
            read.map_err(|error| Failure::new(format!("standard input: {error}")))?;
            bytes
        }
    };
    let (model, count) = count(args, &bytes)?;
    output::print(|out| writeln!(out, "{}", count.tokens))?;
    if let Some(note) = note(&model, count) {
        eprintln!("{note}");
    }
    Ok(())
}

/// The model that was counted for, and its count.
fn count(args: &CountArgs, bytes: &[u8]) -> Result<(String, Count), Failure> {
    let named = |otherwise: &str| args.model.clone().unwrap_or_else(|| otherwise.to_owned());
    if args.request {
        let request = Dialect::OpenAiChat
            .decode_request(bytes)
            .map_err(|error| Failure::new(format!("not a chat request: {error}")))?;
        let model = named(&request.model);
        let count = count_request(&model, &request);
        return Ok((model, count));
    }
    let model = named("gpt-4o");
    // A vendor sees what is not UTF-8 after its replacement.
    let count = count_text(&model, &String::from_utf8_lossy(bytes));
    Ok((model, count))
}

/// What must be said beside the number.
fn note(model: &str, count: Count) -> Option<String> {
    let reason = match family(model).basis {
        Basis::Exact if !count.estimated => return None,
        Basis::Exact => "tools, media and the like have no published rule".to_owned(),
        Basis::Estimated { error_percent: Some(percent), .. } => {
            format!("the tokenizer of `{model}` is not public; measured error of a count: {percent} %")
        }
        Basis::Estimated { error_percent: None, .. } => {
            format!("for `{model}` nothing was measured; counted with OpenAI's newest encoding")
        }
    };
    Some(format!("estimate: {reason}"))
}
