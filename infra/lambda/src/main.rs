//! `lambda-emulator`: runs a function behind a Function URL on this machine, for trying it out. `cargo xtask lambda`
//! starts it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use postern_lambda_emulator::{Dynamodb, Function, FunctionUrl, InvokeApi, Invoked, Settings};
use serde_json::Value;

/// Runs a function behind a Function URL
#[derive(Parser)]
struct Arguments {
    /// The function's program
    #[arg(long, value_name = "FILE")]
    function: PathBuf,
    /// The program `dynoxide`: its tables are in memory and end with this program
    #[arg(long, value_name = "FILE")]
    dynamodb: PathBuf,
    /// Address of the Function URL
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8788")]
    listen: SocketAddr,
    /// Address of Lambda's operation to invoke a function
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8789")]
    invoke: SocketAddr,
    /// Processes at once
    #[arg(long, value_name = "N", default_value = "4")]
    processes: usize,
    /// Seconds of an invocation
    #[arg(long, value_name = "SECONDS", default_value = "900")]
    timeout: u64,
}

/// The table's name here.
const TABLE: &str = "postern";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let dynamodb = Dynamodb::start(&arguments.dynamodb).await.map_err(text)?;
    dynamodb.create_table(TABLE).await.map_err(text)?;
    // Keys of providers come from where this was started.
    let mut environment: Vec<(String, String)> = std::env::vars()
        .filter(|(name, _)| name.ends_with("_API_KEY") || name.starts_with("POSTERN_") || name == "PATH")
        .collect();
    environment.extend([
        ("POSTERN_TABLE".to_owned(), TABLE.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb.endpoint()),
    ]);
    let function = Function::new(Settings {
        program: arguments.function,
        environment,
        processes: arguments.processes,
        timeout: Duration::from_secs(arguments.timeout),
        freezes: true,
        log: None,
    });
    let url = FunctionUrl::serve(function.clone(), arguments.listen).await.map_err(text)?;
    let api = InvokeApi::serve(function.clone(), arguments.invoke).await.map_err(text)?;
    let first = function.invoke(Bytes::from_static(br#"{"postern":"init"}"#), false).await;
    let Ok(Invoked::Whole(first)) = first else {
        return Err(format!("the function does not start: {first:?}"));
    };
    let first: Value = serde_json::from_slice(&first).map_err(|error| error.to_string())?;
    let field = |name: &str| first.get(name).and_then(Value::as_str).map(str::to_owned);
    let (token, key) =
        field("admin_token").zip(field("key")).ok_or(format!("the first start failed: {first}"))?;
    println!("POSTERN_URL={}", url.origin());
    println!("POSTERN_ADMIN_TOKEN={token}");
    println!("OPENAI_BASE_URL={}/v1", url.origin());
    println!("OPENAI_API_KEY={key}");
    println!(
        "\nThe first call:\n\n  curl {}/v1/chat/completions -H 'authorization: Bearer {key}' \\\n    -H 'content-type: \
         application/json' -d '{{\"model\":\"demo/echo\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}'\n\n\
         With \"model\":\"demo/slow\",\"stream\":true and curl -N it streams. Commands of the deployment:\n\n  aws lambda \
         invoke --endpoint-url {} --function-name postern --cli-binary-format raw-in-base64-out \\\n    --payload \
         '{{\"postern\":\"status\"}}' /dev/stdout\n\nEverything ends with Ctrl-C.",
        url.origin(),
        api.origin()
    );
    stopped().await;
    function.end_idle().await;
    Ok(())
}

/// Ready when somebody ends this program, who must not leave its processes behind.
async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
