//! The corpus on the Lambda function, behind an emulated Function URL and with a DynamoDB emulator.
//!
//! `cargo xtask test lambda` builds the function and says where it is; without that there is nothing to play on.

use std::process::ExitCode;

use postern_tests::corpus::Leaves;
use postern_tests::site::Lambda;
use postern_tests::stage;

fn main() -> ExitCode {
    if !Lambda::is_built() {
        println!("test result: ok. 0 passed; 0 failed; 0 ignored: POSTERN_LAMBDA is not set");
        return ExitCode::SUCCESS;
    }
    stage::main(Lambda::prepare, |case| {
        // Lambda does not tell a function that its caller has left; docs/deploying/differences.md says what that means.
        let told = matches!(case.leaves, Leaves::Never);
        case.only.as_deref().is_none_or(|only| only == "lambda") && told
    })
}
