//! Starting: what is printed, and what is said when it cannot be.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::support::{Directory, Gateway, exists, postern, run};

#[test]
fn the_first_start_prints_what_a_first_call_needs() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    let mut names: Vec<&str> = gateway.printed.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["OPENAI_API_KEY", "OPENAI_BASE_URL", "POSTERN_ADMIN_TOKEN", "POSTERN_URL"]);
    assert_eq!(gateway.printed["OPENAI_BASE_URL"], format!("{}/v1", gateway.url()));
    let answer = gateway.chat(gateway.key(), "demo/echo");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "Hello there!");
    assert_eq!(gateway.request("GET", "/readyz", "", "").status, 200);
    let log = gateway.log();
    assert!(!log.contains(gateway.key()) && !log.contains(&gateway.printed["POSTERN_ADMIN_TOKEN"]), "{log}");
    gateway.stop();
}

#[test]
fn a_later_start_prints_no_secret_and_keeps_them_valid() {
    let directory = Directory::new();
    let first = Gateway::first(&directory, &[]);
    let key = first.key().to_owned();
    first.stop();
    let second = Gateway::start(&directory, &[]);
    assert_eq!(second.chat(&key, "demo/echo").status, 200);
    second.signal("TERM");
    let printed: Vec<String> = second.printed.keys().cloned().collect();
    let (code, rest) = second.ended();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert!(printed.iter().all(|name| !name.contains("KEY") && !name.contains("TOKEN")), "{printed:?}");
}

#[test]
fn serving_is_what_happens_without_a_command() {
    let directory = Directory::new();
    let (code, _, errors) = run(postern().arg("--data").arg(directory.file("file", "")));
    assert_eq!(code, 1);
    assert!(errors.contains("there is a file where a directory is needed"), "{errors}");
}

#[test]
fn a_data_directory_in_use() {
    let directory = Directory::new();
    let _gateway = Gateway::start(&directory, &[]);
    let data = directory.path("data");
    let (code, output, errors) =
        run(postern().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data));
    assert_eq!((code, output.as_str()), (1, ""));
    let expected = format!(
        "error: the data directory {} is in use by another postern (stop it, or give --data another directory)\n",
        data.display()
    );
    assert_eq!(errors, expected);
    let (code, output, errors) = run(postern().args(["admin-token", "--data"]).arg(&data));
    assert_eq!((code, output.as_str(), errors), (1, "", expected));
}

#[test]
fn an_address_in_use_costs_no_secret() {
    let directory = Directory::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = directory.path("data");
    let (code, output, errors) = run(postern().args(["serve", "--listen", &address, "--data"]).arg(&data));
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(
        errors.contains(&format!("the address {address} is in use")) && errors.contains("--listen"),
        "{errors}"
    );
    // The next start is still the first one.
    Gateway::first(&directory, &[]).stop();
}

#[test]
#[cfg(target_os = "linux")]
fn threads_that_cannot_start_cost_no_secret() {
    let directory = Directory::new();
    // Each thread has files of its own, more than there may be.
    let (code, output, errors) = run(Command::new("sh")
        .args(["-c", r#"ulimit -n 24; exec "$0" "$@""#, env!("CARGO_BIN_EXE_postern"), "serve"])
        .args(["--listen", "127.0.0.1:0", "--threads", "64", "--data"])
        .arg(directory.path("data"))
        .env_clear());
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(errors.contains("cannot start the threads that serve"), "{errors}");
    // The next start is still the first one.
    Gateway::first(&directory, &[]).stop();
}

#[test]
fn options_that_make_no_sense() {
    let directory = Directory::new();
    let data = directory.path("data");
    let refused = |arguments: &[&str]| {
        let (code, output, errors) = run(postern().arg("serve").args(arguments).arg("--data").arg(&data));
        assert_eq!(output, "");
        (code, errors)
    };
    let (code, errors) = refused(&["--listen", "nowhere"]);
    assert!(code == 1 && errors.contains("HOST:PORT"), "{errors}");
    let (code, errors) = refused(&["--drain", "30"]);
    assert!(code == 2 && errors.contains("such as 30d"), "{errors}");
    let (code, errors) = refused(&["--log", "loud"]);
    assert!(code == 2 && errors.contains("expected one of"), "{errors}");
    let (code, errors) = refused(&["--config", "/nowhere/postern.yaml"]);
    assert!(code == 1 && errors.contains("there is no such file"), "{errors}");
    assert!(!exists(&data) || Gateway::first(&directory, &[]).url().starts_with("http://"));
}

#[test]
fn a_lost_administrator_token_is_replaced() {
    let directory = Directory::new();
    let data = directory.path("data");
    let (code, _, errors) = run(postern().args(["admin-token", "--data"]).arg(&data));
    assert!(code == 1 && errors.contains("postern serve --data"), "{errors}");
    // A directory alone is no store either, and must not become one without a first key.
    fs::create_dir(&data).unwrap();
    let (code, output, errors) = run(postern().args(["admin-token", "--data"]).arg(&data));
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(
        errors.contains("there is no gateway's data in") && !exists(&data.join("postern.redb")),
        "{errors}"
    );
    Gateway::first(&directory, &[]).stop();
    let (code, output, errors) = run(postern().args(["admin-token", "--data"]).arg(&data));
    assert_eq!((code, errors.as_str()), (0, ""));
    let token = output.trim_end().strip_prefix("POSTERN_ADMIN_TOKEN=").unwrap().to_owned();
    let mut gateway = Gateway::start(&directory, &[]);
    gateway.printed.insert("POSTERN_ADMIN_TOKEN".to_owned(), token);
    assert!(gateway.done(&["key", "list"]).contains("default"));
}
