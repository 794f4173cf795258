//! The role in the template allows what the code does with the table, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// How an operation looks in the code, and the right it needs. A transaction needs those of its parts.
const OPERATIONS: [(&str, &str); 11] = [
    (".get_item()", "GetItem"),
    (".put_item()", "PutItem"),
    ("Put::builder()", "PutItem"),
    (".delete_item()", "DeleteItem"),
    ("Delete::builder()", "DeleteItem"),
    (".update_item()", "UpdateItem"),
    ("Update::builder()", "UpdateItem"),
    (".query()", "Query"),
    (".scan()", "Scan"),
    (".batch_get_item()", "BatchGetItem"),
    (".batch_write_item()", "BatchWriteItem"),
];

#[test]
fn the_role_allows_what_the_code_does() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut needed = BTreeSet::new();
    for file in fs::read_dir(here.join("src/dynamo")).unwrap() {
        let code = fs::read_to_string(file.unwrap().path()).unwrap();
        let used = OPERATIONS.iter().filter(|(call, _)| code.contains(call));
        needed.extend(used.map(|(_, right)| (*right).to_owned()));
    }
    let template = fs::read_to_string(here.join("../../infra/aws/template.yaml")).unwrap();
    let allowed: BTreeSet<String> = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- dynamodb:").map(str::to_owned))
        .collect();
    assert_eq!(allowed, needed);
    assert!(!template.contains("dynamodb:*") && !template.contains("Action: \"*\""));
}
