//! What `shared/` may not reach: it decides and performs no I/O, so that it builds for every entry point.

use super::{cargo, none, tracked};

/// Runtimes, HTTP clients and servers, TLS, platform SDKs, stores, sources of randomness. A name that ends in `*` stands
/// for all that start with it.
const OUTSIDE: &[&str] = &[
    "actix*",
    "async-io",
    "async-std",
    "async-executor",
    "aws-*",
    "axum*",
    "curl*",
    "getrandom",
    "h2",
    "h3",
    "hyper*",
    "isahc",
    "js-sys",
    "lambda_*",
    "mio",
    "native-tls",
    "openssl*",
    "polling",
    "quinn*",
    "rand",
    "redb",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls*",
    "smol",
    "socket2",
    "tokio*",
    "tower*",
    "tracing-subscriber",
    "ureq",
    "wasm-bindgen*",
    "web-sys",
    "webpki*",
    "worker*",
];
/// What the formats may not reach beside that: they are not even asynchronous.
const ASYNC: &[&str] = &["async-*", "futures*", "http-body*", "pin-project*"];

/// The crates a package is built with, on a target; its tests' own are left out.
fn tree(package: &str, target: &str) -> Vec<String> {
    let tree = cargo(&[
        "tree",
        "--package",
        package,
        "--target",
        target,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let names: Vec<_> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    assert_eq!(
        names.first().map(String::as_str),
        Some(package),
        "cargo tree printed something else:\n{tree}"
    );
    names
}

fn is_one_of(name: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    })
}

fn reaches(package: &str, patterns: &[&str]) {
    for target in ["wasm32-unknown-unknown", "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"] {
        let outside: Vec<_> =
            tree(package, target).into_iter().filter(|name| is_one_of(name, patterns)).collect();
        none(&outside, &format!("{package} must not depend on these, and on {target} it does:"));
    }
}

#[test]
fn the_formats_reach_no_runtime_and_nothing_asynchronous() {
    reaches("postern-wire", OUTSIDE);
    reaches("postern-wire", ASYNC);
    reaches("postern-tokens", OUTSIDE);
    reaches("postern-tokens", ASYNC);
}

#[test]
fn the_core_reaches_no_runtime_client_or_platform() {
    reaches("postern-gateway", OUTSIDE);
}

#[test]
fn the_core_names_nothing_that_performs_io() {
    let words = [
        "std::env::",
        "std::fs::",
        "std::net::Tcp",
        "std::net::Udp",
        "std::os::",
        "std::process::",
        // Not `panicking`, which asks nothing of anybody.
        "std::thread::spawn",
        "std::thread::sleep",
        "std::thread::scope",
        "std::thread::park",
        "std::thread::Builder",
        "SystemTime",
        "Instant::now",
    ];
    let mut complaints = Vec::new();
    for (path, text) in tracked() {
        let is_core = path.starts_with("shared/wire/src/") || path.starts_with("shared/gateway/src/");
        if !is_core || !path.ends_with(".rs") || is_test_code(&path) {
            continue;
        }
        // Unit tests stand at the end of a file.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            if !line.trim_start().starts_with("//") && words.iter().any(|word| line.contains(word)) {
                complaints.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(&complaints, "shared/ asks its Host for these things:");
}

fn is_test_code(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[test]
fn the_patterns_match_what_they_mean() {
    assert!(is_one_of("tokio-util", OUTSIDE) && is_one_of("ring", OUTSIDE) && !is_one_of("string", OUTSIDE));
    assert!(is_one_of("futures-util", ASYNC) && !is_one_of("http", ASYNC));
}
