//! The project's own commands. One arm a command; each lives in a module of its own.

mod bench;
mod catalog;
mod deny;
mod fuzz;
mod lambda;
mod run;
mod schema;
mod sdk;
mod setup;
mod tally;
mod test;
mod tokens;
mod wasm;
mod worker;
mod workplace;

use std::process::ExitCode;

use workplace::Workplace;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) =
        args.split_first().map_or(("help", &[][..]), |(command, rest)| (command.as_str(), rest));
    let place = match Workplace::find() {
        Ok(place) => place,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::from(2);
        }
    };
    let done = match command {
        "test" => test::command(&place, rest),
        "bench" if rest.first().is_some_and(|what| what == "lambda") => {
            lambda::bench(&place, rest.get(1..).unwrap_or_default())
        }
        "bench" if rest.first().is_some_and(|what| what == "worker") => worker::bench(&place),
        "bench" => bench::command(&place, rest),
        "catalog" => catalog::command(&place, rest),
        "schema" => schema::command(&place, rest),
        "tokens" => tokens::command(&place, rest),
        "setup" => setup::command(&place),
        "build" if rest.iter().any(|what| what == "lambda") => lambda::build_command(&place),
        "build" => worker::build_command(&place, rest),
        "deploy" if rest.first().is_some_and(|what| what == "aws") => {
            lambda::deploy(&place, rest.get(1..).unwrap_or_default())
        }
        "deploy" if rest.first().is_some_and(|what| what == "cloudflare") => {
            worker::deploy(&place, rest.get(1..).unwrap_or_default())
        }
        "lambda" => lambda::local(&place, rest),
        "size" => worker::size(&place, rest),
        "soak" => test::soak_command(&place, rest),
        "fuzz" => fuzz::command(&place, rest),
        "help" | "--help" | "-h" => {
            print!("{}", help());
            Ok(true)
        }
        other => Err(format!("there is no command {other:?}\n\n{}", help())),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn help() -> String {
    format!(
        "cargo xtask COMMAND\n\n\
         \x20 test [SUITE...]                      every suite, or the named ones\n\
         \x20 setup                                only bring what the suites need\n\
         \x20 build worker                         the Cloudflare Worker, into functions/worker/build\n\
         \x20 build lambda                         the Lambda function for arm64, into infra/aws/bootstrap.zip\n\
         \x20 lambda [OPTION...]                   the Lambda function on this machine, behind a URL\n\
         \x20 deploy aws [OPTION...]               the Lambda function and its table, to AWS\n\
         \x20 deploy cloudflare [OPTION...]        the Worker and its KV namespace, to Cloudflare\n\
         \x20 size [--crates]                      what the Worker weighs, against its budget; by crate\n\
         \x20 catalog [--check]                    the catalog of models, from public data\n\
         \x20 schema [--check]                     the configuration's JSON Schema and reference\n\
         \x20 tokens [--check]                     the tables of the token counter, from tiktoken-rs's vocabularies\n\
         \x20 soak [--calls N] [--streams N]       the soak on an optimised build\n\
         \x20 bench [--full] [P1 P2 ...]           the benchmarks, into docs/benchmarks.md\n\
         \x20 bench lambda                         cold start, memory, processor time of the Lambda function\n\
         \x20 bench worker                         processor time and start of the Worker in workerd\n\
         \x20 fuzz [--seconds N] [TARGET...]       the fuzz targets\n\n\
         Suites:\n{}",
        test::list()
    )
}
