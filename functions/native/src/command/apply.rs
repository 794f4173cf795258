//! `postern apply`: puts a configuration file in force on a running gateway, or into the table that one on AWS reads.

use std::path::Path;

use http::Method;
use postern_common::{Aws, Client, Environment, Roots, table};
use postern_gateway::store;
use serde_json::Value;

use super::remote::Remote;
use super::{block_on, kv_bulk};
use crate::cli::ApplyArgs;
use crate::document;
use crate::failure::Failure;
use crate::output;

/// Checks the file here, where its lines are known, and sends it.
///
/// # Errors
/// When it has problems, or the gateway refuses it.
pub(crate) fn run(args: &ApplyArgs) -> Result<(), Failure> {
    let loaded = document::load(&args.file).map_err(|problems| Failure::new(problems.join("\n")))?;
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    if let Some(table) = &args.dynamodb {
        return block_on(write_item(&args.file, table, &loaded.value));
    }
    if let Some(out) = &args.kv_bulk {
        kv_bulk::write_config(out, &loaded.value)?;
        let next = format!("npx wrangler kv bulk put {} --binding POSTERN --remote", out.display());
        return output::print(|to| {
            writeln!(to, "{} is written; put it in force with\n\n  {next}", out.display())
        });
    }
    let remote = Remote::new(&args.remote, args.to.as_deref())?;
    block_on(async {
        let _warnings: Value = remote.send(Method::PUT, "config", Some(&loaded.value)).await?;
        output::print(|out| writeln!(out, "{} is in force at {}", args.file.display(), remote.url()))
    })
}

/// Writes the configuration where the functions of a deployment read it.
async fn write_item(file: &Path, name: &str, document: &Value) -> Result<(), Failure> {
    let environment = Environment::of_process();
    let region = environment.text("AWS_REGION").or_else(|| environment.text("AWS_DEFAULT_REGION"));
    let region = region.ok_or_else(|| Failure::new("AWS_REGION is not set: where is the table?"))?.to_owned();
    let put = table::put_value(name, store::CONFIG, document.to_string().as_bytes()).ok_or_else(|| {
        let most = table::LARGEST_VALUE;
        Failure::new(format!(
            "the configuration is larger than {most} bytes: give it to the gateway, with --to URL"
        ))
    })?;
    let aws = Aws::new(Client::new(Roots::Machine), &region, environment);
    if aws.credentials().is_none() {
        return Err(Failure::new(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; of a profile: eval \"$(aws configure \
             export-credentials --format env)\"",
        ));
    }
    let written = aws.call("dynamodb", "DynamoDB_20120810.PutItem", &put).await;
    written.map_err(|failure| match failure.code() {
        "ResourceNotFoundException" => Failure::new(format!(
            "there is no DynamoDB table {name} in {region}: cargo xtask deploy aws makes one"
        )),
        code => Failure::new(format!("the DynamoDB table {name} in {region} cannot be written: {code}")),
    })?;
    output::print(|out| {
        writeln!(out, "{} is in the table {name}; every process takes it up within a minute", file.display())
    })
}
