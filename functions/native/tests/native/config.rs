//! Configuration files: checked, read again, sent to a running gateway.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::support::{Directory, Gateway, postern, run, wait_for};

const GOOD: &str =
    "providers:\n  demo: { kind: demo }\nmodels:\n  first: { targets: [{ provider: demo, model: echo }] }\n";
const BAD: &str =
    "providers:\n  demo: { kind: demmo }\nmodels:\n  first:\n    targets: [{ provider: dem, model: echo }]\n";

fn renamed(name: &str) -> String {
    GOOD.replace("first", name)
}

#[test]
fn checking_a_file() {
    let directory = Directory::new();
    let good = directory.file("good.yaml", GOOD);
    let (code, output, errors) = run(postern().args(["check", &good]));
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(output.contains("good") && output.contains("1 models"), "{output}");
    let bad = directory.file("bad.yaml", BAD);
    let (code, output, errors) = run(postern().args(["check", &bad]));
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(errors.contains(&format!("{bad}:2: providers.demo.kind")), "{errors}");
    assert!(errors.contains("did you mean \"demo\"") && errors.contains(&format!("{bad}:5:")), "{errors}");
    let (code, _, errors) = run(postern().arg("check"));
    assert!(code == 2 && errors.contains("Usage"), "{errors}");
}

#[test]
fn a_bad_file_stops_a_start() {
    let directory = Directory::new();
    let bad = directory.file("bad.yaml", BAD);
    let data = directory.path("data");
    let (code, output, errors) = run(postern().args(["serve", "--config", &bad, "--data"]).arg(&data));
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(errors.contains("bad.yaml:2:"), "{errors}");
}

#[test]
fn a_signal_reads_the_file_again_and_a_bad_one_changes_nothing() {
    let directory = Directory::new();
    let file = directory.file("postern.yaml", GOOD);
    let gateway = Gateway::first(&directory, &["--config", &file]);
    assert_eq!(gateway.chat(gateway.key(), "first").status, 200);
    fs::write(&file, BAD).unwrap();
    gateway.signal("HUP");
    gateway.wait_for_log("was refused");
    assert!(gateway.log().contains("postern.yaml:2:"));
    assert_eq!(gateway.chat(gateway.key(), "first").status, 200);
    fs::write(&file, renamed("second")).unwrap();
    gateway.signal("HUP");
    wait_for("the new model", || gateway.chat(gateway.key(), "second").status == 200);
    assert_eq!(gateway.chat(gateway.key(), "first").code(), (404, "model_not_found".to_owned()));
    gateway.stop();
}

#[test]
fn a_changed_file_is_noticed() {
    let directory = Directory::new();
    let file = directory.file("postern.yaml", GOOD);
    let gateway = Gateway::first(&directory, &["--config", &file]);
    // The way editors save: a new file takes the old one's name.
    let next = directory.file("next", &renamed("second"));
    fs::rename(next, &file).unwrap();
    wait_for("the new model", || gateway.chat(gateway.key(), "second").status == 200);
    // That the file is gone for a while changes nothing.
    fs::remove_file(&file).unwrap();
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(gateway.chat(gateway.key(), "second").status, 200);
    gateway.stop();
}

#[test]
fn a_file_is_applied_to_a_running_gateway_and_stays() {
    let directory = Directory::new();
    let (good, bad) = (directory.file("good.yaml", GOOD), directory.file("bad.yaml", BAD));
    let gateway = Gateway::first(&directory, &[]);
    let (code, _, errors) = gateway.command(&["apply", &bad]);
    assert!(code == 1 && errors.contains("bad.yaml:2:"), "{errors}");
    assert_eq!(gateway.chat(gateway.key(), "first").status, 404);
    let url = gateway.url().to_owned();
    assert!(gateway.done(&["apply", &good, "--to", &url]).contains("is in force"));
    assert_eq!(gateway.chat(gateway.key(), "first").status, 200);
    let key = gateway.key().to_owned();
    gateway.stop();
    let gateway = Gateway::start(&directory, &[]);
    assert_eq!(gateway.chat(&key, "first").status, 200);
    gateway.stop();
}

#[test]
fn what_a_file_says_cannot_be_changed_from_outside() {
    let directory = Directory::new();
    let file = directory.file("postern.yaml", GOOD);
    let gateway = Gateway::first(&directory, &["--config", &file]);
    let (code, _, errors) = gateway.command(&["apply", &file]);
    assert!(code == 1 && errors.contains("reads its configuration from a file"), "{errors}");
    gateway.stop();
}
