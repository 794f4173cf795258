//! What whoever may invoke the function directly can tell it: the deployment's first steps, which no HTTP request may
//! take. AWS checks who that is.

use postern_gateway::pipeline::Origin;
use postern_gateway::{Host as _, Store as _, config, identity, store};
use serde_json::{Value, json};

use crate::deployment::Deployment;

/// What there is.
const COMMANDS: &str = "`init` (the first administrator's token and key), `admin-token` (another administrator's \
                        token), `apply` with `config` (a configuration as JSON), `fold` (adds to the sums what processes \
                        have left), `status`";

/// Does what a command says.
pub(crate) async fn run(deployment: &Deployment, command: &Value) -> Value {
    match command.get("do").and_then(Value::as_str) {
        Some("init") => init(deployment).await,
        Some("admin-token") => admin_token(deployment).await,
        Some("apply") => apply(deployment, command.get("config")).await,
        Some("fold") => fold(deployment).await,
        Some("status") => status(deployment).await,
        _ => json!({ "error": format!("unknown command: there is {COMMANDS}") }),
    }
}

/// Makes the first administrator's token and key, if there is none yet.
async fn init(deployment: &Deployment) -> Value {
    match identity::first_start(&deployment.host).await {
        Ok(Some(first)) => json!({ "admin_token": first.admin_token, "key": first.key }),
        Ok(None) => json!({
            "already": "there is an administrator: `admin-token` makes a token for another one"
        }),
        Err(error) => failed(deployment, &error).await,
    }
}

async fn admin_token(deployment: &Deployment) -> Value {
    match identity::new_admin(&deployment.host).await {
        Ok(token) => json!({ "admin_token": token }),
        Err(error) => failed(deployment, &error).await,
    }
}

/// Puts a configuration in force: here at once, in other processes within a minute.
async fn apply(deployment: &Deployment, document: Option<&Value>) -> Value {
    let Some(document) = document else { return json!({ "error": "`config` is missing" }) };
    let (config, warnings) = match config::parse(document) {
        Ok(parsed) => parsed,
        Err(problems) => return json!({ "error": "the configuration is not valid", "problems": problems }),
    };
    if let Err(error) = deployment.host.store().write(store::CONFIG, document.to_string().into()).await {
        return failed(deployment, &error).await;
    }
    deployment.gateway.replace(config, Origin::Store);
    deployment.written();
    json!({ "warnings": warnings })
}

/// Adds to the sums what processes have written that are frozen or gone. The template's schedule asks for it.
async fn fold(deployment: &Deployment) -> Value {
    match deployment.host.journal().add_what_is_left().await {
        Ok(()) => json!({ "folded": true }),
        Err(error) => {
            // Nobody reads what a schedule is answered.
            tracing::error!(%error, "records could not be added to sums; the next report tries again");
            failed(deployment, &error).await
        }
    }
}

async fn status(deployment: &Deployment) -> Value {
    deployment.before_call().await;
    let mut missing = deployment.problems("/readyz");
    missing.extend(deployment.missing_secrets());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "config": deployment.gateway.snapshot().origin.name(),
        "table": deployment.settings().table,
        "region": deployment.settings().region,
        "missing": missing,
    })
}

/// The error with what is known of its cause. Who reads it may invoke the function, and so may read its log.
async fn failed(deployment: &Deployment, error: &postern_gateway::StoreError) -> Value {
    deployment.before_call().await;
    json!({ "error": error.to_string(), "missing": deployment.problems("/readyz") })
}
