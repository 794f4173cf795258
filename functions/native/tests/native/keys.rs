//! Keys: made, used, listed, revoked, from the command line.

use serde_json::Value;

use crate::support::{Directory, Gateway, postern, run};

/// The values of lines of `NAME=VALUE`.
fn value(output: &str, name: &str) -> String {
    let found = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {name} in {output:?}")).to_owned()
}

#[test]
fn a_key_from_its_making_to_its_end() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    let output = gateway.done(&[
        "key",
        "create",
        "--tenant",
        "acme",
        "--name",
        "ci",
        "--models",
        "assistant, demo/ec*",
    ]);
    let (key, id) = (value(&output, "POSTERN_KEY"), value(&output, "POSTERN_KEY_ID"));
    assert!(key.starts_with(&format!("pk_{id}_")) && output.lines().count() == 2, "{output}");
    assert_eq!(gateway.chat(&key, "demo/echo").status, 200);
    assert_eq!(gateway.chat(&key, "demo/slow").code(), (403, "model_not_allowed".to_owned()));

    let list = gateway.done(&["key", "list", "--tenant", "acme"]);
    let row = list.lines().nth(1).unwrap();
    assert!(row.starts_with(&id) && row.contains("assistant,demo/ec*") && row.ends_with("active"), "{list}");
    assert!(!list.contains(&key), "{list}");
    let json = gateway.done(&["key", "list", "--json"]);
    let rows: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().any(|row| row["id"] == id.as_str() && row.get("key").is_none()), "{json}");

    assert!(gateway.done(&["key", "revoke", &id]).contains("is revoked"));
    assert_eq!(gateway.chat(&key, "demo/echo").code(), (401, "revoked_api_key".to_owned()));
    assert!(gateway.done(&["key", "list"]).contains("revoked 20"));
    // Everybody else goes on.
    assert_eq!(gateway.chat(gateway.key(), "demo/echo").status, 200);
    let (code, _, errors) = gateway.command(&["key", "revoke", "nobody/x"]);
    assert!(code == 1 && errors.contains("there is no key with the id `nobody/x`"), "{errors}");
    // A revoked key stays revoked.
    gateway.stop();
    let gateway = Gateway::start(&directory, &[]);
    assert_eq!(gateway.chat(&key, "demo/echo").code(), (401, "revoked_api_key".to_owned()));
    gateway.stop();
}

#[test]
fn a_key_ends_by_itself() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    let create = |expires: &str| {
        let arguments =
            ["key", "create", "--tenant", "a", "--name", "b", "--models", "*", "--expires", expires];
        gateway.command(&arguments)
    };
    let (code, output, _) = create("1s");
    assert_eq!(code, 0);
    let key = value(&output, "POSTERN_KEY");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(gateway.chat(&key, "demo/echo").code(), (401, "expired_api_key".to_owned()));
    let (code, output, _) = create("30d");
    assert_eq!(code, 0);
    assert_eq!(gateway.chat(&value(&output, "POSTERN_KEY"), "demo/echo").status, 200);
    assert!(gateway.done(&["key", "list"]).contains("active until 20"));
    let (code, _, errors) = create("soon");
    assert!(code == 2 && errors.contains("such as 30d"), "{errors}");
    gateway.stop();
}

#[test]
fn who_may_not_administrate_is_told_why() {
    let directory = Directory::new();
    let gateway = Gateway::first(&directory, &[]);
    let list = |token: Option<&str>, url: &str| {
        let mut command = postern();
        command.args(["key", "list", "--url", url]);
        if let Some(token) = token {
            command.env("POSTERN_ADMIN_TOKEN", token);
        }
        let (code, output, errors) = run(&mut command);
        assert_eq!((code, output.as_str()), (1, ""));
        errors
    };
    assert!(list(None, gateway.url()).contains("set POSTERN_ADMIN_TOKEN"));
    let wrong = format!("pa_{}_{}", "a".repeat(10), "b".repeat(40));
    let errors = list(Some(&wrong), gateway.url());
    assert!(errors.contains("refuses the administrator token") && !errors.contains(&wrong), "{errors}");
    let errors = list(Some(gateway.key()), gateway.url());
    assert!(errors.contains("an API key cannot administrate"), "{errors}");
    let errors = list(Some("two\nlines"), gateway.url());
    assert!(errors.contains("characters that cannot be sent") && !errors.contains("lines"), "{errors}");
    assert!(list(Some("t"), "127.0.0.1").contains("expected one like http://127.0.0.1:8787"));
    let url = gateway.url().to_owned();
    gateway.stop();
    let errors = list(Some("t"), &url);
    assert!(
        errors.contains(&format!("no gateway answers at {url}")) && errors.contains("postern serve"),
        "{errors}"
    );
}
