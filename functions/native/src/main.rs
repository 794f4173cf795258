//! `postern`: the native gateway with its embedded store, and the command line.
//!
//! Only types are converted here; what decides lives in `postern-gateway`.

mod cli;
mod command;
mod data;
mod document;
mod failure;
mod host;
mod logging;
mod output;
mod period;
mod serve;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command, KeyCommand};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(problem) = logging::start(&cli.log) {
        eprintln!("error: {problem}");
        return ExitCode::from(2);
    }
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => command::check::run(&args),
        Command::Import(source) => command::import::run(&source),
        Command::Count(args) => command::count::run(&args),
        Command::Apply(args) => command::apply::run(&args),
        Command::Key(KeyCommand::Create(args)) => command::key::create(&args),
        Command::Key(KeyCommand::List(args)) => command::key::list(&args),
        Command::Key(KeyCommand::Revoke(args)) => command::key::revoke(&args),
        Command::Usage(args) => command::usage::run(&args),
        Command::Logs(args) => command::logs::run(&args),
        Command::AdminToken(args) => command::admin_token::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
