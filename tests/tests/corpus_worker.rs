//! The corpus on the Worker in workerd, with KV and Durable Objects as Miniflare has them.
//!
//! `cargo xtask test worker` builds the Worker and says where it is; without that there is nothing to play on.

use std::process::ExitCode;

use postern_tests::site::Worker;
use postern_tests::stage;

/// What the platform does not let a Worker do; docs/deploying/differences.md says why.
const NOT_HERE: &[&str] = &["openai_chat/connect_timeout"];

fn main() -> ExitCode {
    if !Worker::is_built() {
        println!("test result: ok. 0 passed; 0 failed; 0 ignored: POSTERN_WORKER is not set");
        return ExitCode::SUCCESS;
    }
    stage::main(Worker::prepare, |case| {
        case.only.as_deref().is_none_or(|only| only == "worker") && !NOT_HERE.contains(&case.name.as_str())
    })
}
