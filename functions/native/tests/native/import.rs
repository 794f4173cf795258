//! `postern import`: what it prints where, and how it ends.

use crate::support::{Directory, postern, run};

const FILE: &str = "\
endpoints:
  - name: chat
    endpoint_type: llm/v1/chat
    model: { provider: openai, name: gpt-4o-mini, config: { openai_api_key: $OPENAI_API_KEY } }
";

#[test]
fn a_file_that_is_carried_whole() {
    let directory = Directory::new();
    let file = directory.file("gateway.yaml", FILE);
    let (code, output, errors) = run(postern().args(["import", "mlflow", &file]));
    assert_eq!((code, errors.as_str()), (0, ""));
    let made = directory.file("postern.yaml", &output);
    let (code, output, _) = run(postern().args(["check", &made]));
    assert!(code == 0 && output.contains("good (1 providers, 1 models)"), "{output}");
}

#[test]
fn a_file_of_which_something_is_left_out() {
    let directory = Directory::new();
    let limited = FILE.replace("    model:", "    limit: { calls: 5, renewal_period: hour }\n    model:");
    let file = directory.file("gateway.yaml", &limited.replace("$OPENAI_API_KEY", "sk-in-the-open"));
    let (code, output, errors) = run(postern().args(["import", "mlflow", &file]));
    assert_eq!(code, 3);
    assert!(output.contains("api_key: ${OPENAI_API_KEY}\n"), "{output}");
    assert!(
        errors.contains("gateway.yaml: endpoints[0].limit: not carried: 5 calls in one hour"),
        "{errors}"
    );
    assert!(errors.contains("error: 1 thing of "), "{errors}");
    assert!(!format!("{output}{errors}").contains("sk-in-the-open"));
}

#[test]
fn a_file_of_another_kind() {
    let directory = Directory::new();
    let file = directory.file("other.yaml", "model_list: []\n");
    let (code, output, errors) = run(postern().args(["import", "mlflow", &file]));
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(errors.contains("other.yaml: endpoints: expected a list"), "{errors}");
    let (code, output, errors) = run(postern().args(["import", "mlflow", "no-such-file"]));
    assert!(code == 1 && output.is_empty() && errors.contains("there is no such file"), "{errors}");
}
