//! `cargo xtask deploy aws`: checks what is missing, builds, deploys, makes the first administrator and key, and prints
//! the first call.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::build;
use super::template::{Sam, TEMPLATE};
use crate::run;
use crate::workplace::Workplace;

const LONG: Duration = Duration::from_secs(3600);

/// What `--help` says.
const HELP: &str = "cargo xtask deploy aws [--region REGION] [--stack NAME] [--check] [NAME=VALUE...]\n\n\
    \x20 --region REGION   where; otherwise AWS_REGION, or the profile's\n\
    \x20 --stack NAME      the stack's name; postern\n\
    \x20 --check           only say what is missing\n\
    \x20 NAME=VALUE        a parameter of infra/aws/template.yaml, such as ProviderSecret=postern";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    region: Option<String>,
    stack: String,
    only_check: bool,
    parameters: Vec<String>,
}

impl Options {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut options = Self { stack: "postern".to_owned(), ..Self::default() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().cloned().ok_or(format!("{arg} needs a value\n\n{HELP}"));
            match arg.as_str() {
                "--region" => options.region = Some(value()?),
                "--stack" => options.stack = value()?,
                "--check" => options.only_check = true,
                parameter if parameter.contains('=') && !parameter.starts_with('-') => {
                    options.parameters.push(parameter.to_owned());
                }
                other => return Err(format!("deploy aws: unknown option {other:?}\n\n{HELP}")),
            }
        }
        Ok(options)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let values = self.parameters.iter().filter_map(|parameter| parameter.split_once('='));
        values
            .filter(|(other, value)| *other == name && !value.is_empty())
            .map(|(_, value)| value)
            .next_back()
    }
}

/// Deploys.
pub(crate) fn command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let mut options = Options::read(args)?;
    let sam = Sam::bring(place)?;
    let python = |script: &str, options: &Options| -> Result<Value, String> {
        let mut ask = sam.program(place, "python");
        with_region(&mut ask, options);
        ask.args(["-c", script]).args([&options.stack]);
        ask.args(
            [options.parameter("ProviderSecret"), options.parameter("ParameterPath")]
                .map(Option::unwrap_or_default),
        );
        let output = ask.output().map_err(|error| format!("python: {error}"))?;
        serde_json::from_slice(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    };
    let found = python(LOOK, &options)?;
    let text = |name: &str| found.get(name).and_then(Value::as_str).map(str::to_owned);
    options.region = text("region").or(options.region);
    let missing: Vec<&str> = found
        .get("missing")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !missing.is_empty() {
        println!("Before this can be deployed:\n\n- {}", missing.join("\n- "));
        return Ok(false);
    }
    let region = options.region.clone().unwrap_or_default();
    println!("account {}, region {region}, stack {}", text("account").unwrap_or_default(), options.stack);
    if options.parameter("ProviderSecret").or(options.parameter("ParameterPath")).is_none() {
        println!(
            "No secrets are named (ProviderSecret=NAME or ParameterPath=/PATH): only the built-in demo will answer, or \
             what variables of the function say."
        );
    }
    if options.only_check {
        println!("nothing is missing");
        return Ok(true);
    }
    build::build(place)?;
    let mut deploy = sam.program(place, "sam");
    deploy.args(["deploy", "--template-file"]).arg(place.root.join(TEMPLATE));
    deploy.arg("--config-file").arg(place.root.join("infra/aws/samconfig.toml"));
    deploy.args(["--stack-name", &options.stack, "--region", &region, "--no-progressbar"]);
    if !options.parameters.is_empty() {
        deploy.arg("--parameter-overrides").args(&options.parameters);
    }
    if !run::shown(&mut deploy, LONG).success {
        return Err("sam deploy failed; what it said stands above".to_owned());
    }
    let first = python(FIRST, &options)?;
    print_first(&first, &options.stack)
}

fn with_region(command: &mut Command, options: &Options) {
    if let Some(region) = &options.region {
        command.env("AWS_REGION", region).env("AWS_DEFAULT_REGION", region);
    }
}

/// What is there: credentials, a region, secrets. SAM's packages bring AWS's library for Python.
const LOOK: &str = r#"
import json, sys
import boto3
from botocore.exceptions import BotoCoreError, ClientError
stack, secret, path = sys.argv[1:4]
session = boto3.Session()
found = {"region": session.region_name, "missing": []}
missing = found["missing"].append
if not session.region_name:
    missing("a region: --region eu-west-1, or AWS_REGION")
if session.get_credentials() is None:
    missing("AWS credentials: aws configure, aws sso login, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
elif session.region_name:
    try:
        found["account"] = session.client("sts").get_caller_identity()["Account"]
        if secret:
            try:
                session.client("secretsmanager").describe_secret(SecretId=secret)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                missing(f"the secret {secret}: aws secretsmanager create-secret --name {secret} "
                        "--secret-string '{\"OPENAI_API_KEY\":\"...\"}'")
        if path and not session.client("ssm").get_parameters_by_path(Path=path, MaxResults=1)["Parameters"]:
            missing(f"parameters below {path}: aws ssm put-parameter --type SecureString "
                    f"--name {path}/OPENAI_API_KEY --value ...")
    except (BotoCoreError, ClientError) as error:
        missing(f"credentials that AWS takes ({type(error).__name__}: {error})")
print(json.dumps(found))
"#;

/// The stack's outputs, and the first administrator and key, which the function makes when it is told to.
const FIRST: &str = r#"
import json, sys
import boto3
stack = boto3.client("cloudformation").describe_stacks(StackName=sys.argv[1])["Stacks"][0]
outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
invoked = boto3.client("lambda").invoke(FunctionName=outputs["FunctionName"], Payload=b'{"postern":"init"}')
print(json.dumps({"outputs": outputs, "first": json.loads(invoked["Payload"].read())}))
"#;

fn print_first(answer: &Value, stack: &str) -> Result<bool, String> {
    let output = |name: &str| answer.pointer(&format!("/outputs/{name}")).and_then(Value::as_str);
    let url = output("Url").ok_or(format!("the stack has no URL: {answer}"))?.trim_end_matches('/');
    let function = output("FunctionName").unwrap_or(stack);
    let first = |name: &str| answer.pointer(&format!("/first/{name}")).and_then(Value::as_str);
    println!("\nPOSTERN_URL={url}");
    match (first("admin_token"), first("key")) {
        (Some(token), Some(key)) => {
            println!("POSTERN_ADMIN_TOKEN={token}\nOPENAI_BASE_URL={url}/v1\nOPENAI_API_KEY={key}");
            println!("\nThese are shown once. The first call:\n\n{}", first_call(url, key));
            Ok(true)
        }
        _ if answer.pointer("/first/already").is_some() => {
            println!(
                "\nIts administrator and keys are those of before. Another administrator's token:\n\n  aws lambda invoke \
                 --function-name {function} --cli-binary-format raw-in-base64-out \\\n    --payload \
                 '{{\"postern\":\"admin-token\"}}' /dev/stdout"
            );
            Ok(true)
        }
        _ => Err(format!("it is deployed, but the first administrator could not be made: {answer}")),
    }
}

fn first_call(url: &str, key: &str) -> String {
    format!(
        "  curl {url}/v1/chat/completions -H 'authorization: Bearer {key}' \\\n    -H 'content-type: application/json' \
         -d '{{\"model\":\"demo/echo\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Options, String> {
        Options::read(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_parameters() {
        let options =
            read(&["--region", "eu-west-1", "ProviderSecret=postern", "--check", "LogDays=7"]).unwrap();
        assert_eq!((options.region.as_deref(), options.stack.as_str()), (Some("eu-west-1"), "postern"));
        assert!(options.only_check);
        assert_eq!(
            (options.parameter("ProviderSecret"), options.parameter("LogDays")),
            (Some("postern"), Some("7"))
        );
        assert_eq!(options.parameter("ParameterPath"), None);
        assert!(read(&["--what"]).unwrap_err().contains("--what"));
        assert!(read(&["--region"]).unwrap_err().contains("needs a value"));
    }

    #[test]
    fn every_parameter_of_the_advice_is_in_the_template() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(TEMPLATE);
        let template = std::fs::read_to_string(file).unwrap();
        for name in ["ProviderSecret", "ParameterPath", "ExistingTable", "SecondRegion"] {
            assert!(template.contains(&format!("\n  {name}:\n")), "{name}");
        }
    }

    #[test]
    fn a_second_deployment_shows_no_key() {
        let outputs = serde_json::json!({ "Url": "https://x/", "FunctionName": "f" });
        let again = serde_json::json!({ "outputs": outputs, "first": { "already": "yes" } });
        assert_eq!(print_first(&again, "postern"), Ok(true));
        let failed = serde_json::json!({ "outputs": outputs, "first": { "error": "no table" } });
        assert!(print_first(&failed, "postern").unwrap_err().contains("no table"));
    }
}
