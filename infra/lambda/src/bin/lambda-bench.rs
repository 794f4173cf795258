//! `lambda-bench`: cold start, memory and processor time of the function behind the emulator. `cargo xtask bench lambda`
//! builds both as they are deployed and runs it. Linux only.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser;
use postern_lambda_emulator::{Dynamodb, Function, Invoked, Settings};
use serde_json::{Value, json};

/// Measures a function
#[derive(Parser)]
struct Arguments {
    /// The function's program
    #[arg(long, value_name = "FILE")]
    function: PathBuf,
    /// The program `dynoxide`
    #[arg(long, value_name = "FILE")]
    dynamodb: PathBuf,
    /// Cold starts
    #[arg(long, value_name = "N", default_value = "30")]
    starts: usize,
    /// Calls of a warm process
    #[arg(long, value_name = "N", default_value = "3000")]
    calls: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let measured = runtime.map_err(|error| error.to_string()).and_then(|r| r.block_on(measure(&arguments)));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let dynamodb = Dynamodb::start(&arguments.dynamodb).await.map_err(text)?;
    dynamodb.create_table("bench").await.map_err(text)?;
    let function = Function::new(Settings {
        program: arguments.function.clone(),
        environment: vec![
            ("POSTERN_TABLE".to_owned(), "bench".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb.endpoint()),
        ],
        processes: 1,
        timeout: Duration::from_secs(60),
        // Stopping and starting costs more than what is measured.
        freezes: false,
        log: Some("/dev/null".into()),
    });
    let first = whole(&function, Bytes::from_static(br#"{"postern":"init"}"#)).await?;
    let first: Value = serde_json::from_slice(&first).map_err(|error| error.to_string())?;
    let key = first.get("key").and_then(Value::as_str).ok_or("no key")?.to_owned();
    let call = chat(&key);
    let mut answers = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..arguments.starts {
        idle(&function).await;
        function.end_idle().await;
        let begun = Instant::now();
        let answered = answer(&function, call.clone()).await?;
        let starting = function.start_times().last().copied().unwrap_or_default();
        answers.push((answered - begun).saturating_sub(starting));
        resident.push(status(idle(&function).await, "VmRSS:")?);
    }
    let mut starts = function.start_times();
    // The first one read the program from the disk.
    starts.remove(0);
    println!("| what | p50 | slowest |\n|---|---|---|");
    row("process start to first poll", &mut starts);
    row("first poll to the first byte of the first answer", &mut answers);
    resident.sort_unstable();
    println!("| resident after the first call | {:.1} MB | |", megabytes(resident.get(resident.len() / 2)));
    let process = idle(&function).await;
    let before = cpu(process)?;
    let mut warm = Vec::new();
    for _ in 0..arguments.calls {
        let begun = Instant::now();
        let first_byte = answer(&function, call.clone()).await?;
        warm.push(first_byte - begun);
        idle(&function).await;
    }
    row("a warm call, to its first byte", &mut warm);
    let used = cpu(process)?.saturating_sub(before);
    let each = used.as_secs_f64() * 1e6 / arguments.calls as f64;
    println!("| processor time a warm call | {each:.0} us | |");
    let after = status(process, "VmRSS:")?;
    println!("| resident after {} calls | {:.1} MB | |", arguments.calls, megabytes(Some(&after)));
    Ok(())
}

fn row(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let millis = |time: Option<&Duration>| time.copied().unwrap_or_default().as_secs_f64() * 1e3;
    println!("| {what} | {:.1} ms | {:.1} ms |", millis(times.get(times.len() / 2)), millis(times.last()));
}

fn megabytes(kilobytes: Option<&u64>) -> f64 {
    *kilobytes.unwrap_or(&0) as f64 * 1024.0 / 1e6
}

/// The process, once it waits.
async fn idle(function: &Function) -> u32 {
    loop {
        if let Some(process) = function.idle_processes().first() {
            return *process;
        }
        tokio::time::sleep(Duration::from_micros(50)).await;
    }
}

async fn whole(function: &Function, event: Bytes) -> Result<Bytes, String> {
    match function.invoke(event, false).await {
        Ok(Invoked::Whole(answer)) => Ok(answer),
        other => Err(format!("the function does not answer: {other:?}")),
    }
}

/// When the first byte of an answer came; reads it to its end.
async fn answer(function: &Function, event: Bytes) -> Result<Instant, String> {
    let invoked = function.invoke(event, true).await.map_err(|failure| failure.to_string())?;
    let Invoked::Http { status, mut body, .. } = invoked else {
        return Err("no answer to HTTP".to_owned());
    };
    let mut first = None;
    while let Some(piece) = body.next().await {
        piece.map_err(|error| error.to_string())?;
        first.get_or_insert_with(Instant::now);
    }
    if status == 200 {
        first.ok_or("an empty answer".to_owned())
    } else {
        Err(format!("answered with {status}"))
    }
}

/// A call of the demo with a prompt of a kilobyte.
fn chat(key: &str) -> Bytes {
    let prompt = "word ".repeat(200);
    let body = json!({ "model": "demo/echo", "messages": [{ "role": "user", "content": prompt }] });
    let event = json!({
        "version": "2.0", "rawPath": "/v1/chat/completions", "rawQueryString": "",
        "headers": { "authorization": format!("Bearer {key}"), "content-type": "application/json" },
        "requestContext": {
            "domainName": "x.lambda-url.eu-west-1.on.aws", "stage": "$default", "http": { "method": "POST" },
        },
        "body": body.to_string(), "isBase64Encoded": false,
    });
    event.to_string().into()
}

/// A figure of `/proc/PID/status`, in kilobytes.
fn status(process: u32, name: &str) -> Result<u64, String> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).ok_or(format!("no {name}"))
}

/// Processor time of a process, from the scheduler's own account of each thread.
fn cpu(process: u32) -> Result<Duration, String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).map_err(|error| error.to_string())?;
    let nanos = tasks.filter_map(Result::ok).map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default()
    });
    Ok(Duration::from_nanos(nanos.sum()))
}
