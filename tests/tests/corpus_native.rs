//! The corpus on the native binary, over HTTP.

use std::process::ExitCode;

use postern_tests::site::Native;
use postern_tests::stage;

fn main() -> ExitCode {
    stage::main(Native::prepare, |case| case.only.as_deref().is_none_or(|only| only == "native"))
}
