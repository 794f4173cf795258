//! The Lambda function behind an emulated Function URL, over HTTP and in real time, with a DynamoDB emulator.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use postern_lambda_emulator::{Dynamodb, Function, FunctionUrl, Invoked, Settings};
use postern_testkit::Script;
use serde_json::{Value, json};

use super::{Face, Heard, OTHER_UPSTREAM_KEY, Payload, Running, Site, UPSTREAM_KEY, caller};
use crate::corpus::Leaves;
use crate::upstream::{Refusing, Silent, Upstream};

/// Processes of one function: one for each call at the same time. A case that waits for a timeout keeps one of them.
const PROCESSES: usize = 24;
/// An invocation's time.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a function finds around it, where that is not what it should be.
#[derive(Clone, Copy, Debug, Default)]
pub struct LambdaSetting<'a> {
    /// The stored configuration.
    pub config: Option<&'a Value>,
    /// Where DynamoDB is, if something stands before it.
    pub endpoint: Option<&'a str>,
    /// The table of a function that runs already.
    pub table: Option<&'a str>,
    /// Processes at once, if not as many as calls.
    pub processes: Option<usize>,
}

/// Starts functions.
pub struct Lambda {
    program: PathBuf,
    folder: PathBuf,
    dynamodb: Dynamodb,
    upstream: Upstream,
    refusing: Refusing,
    silent: Silent,
}

impl Lambda {
    /// Whether there is a build to test: `POSTERN_LAMBDA` is the program, `POSTERN_DYNOXIDE` the DynamoDB emulator.
    #[must_use]
    pub fn is_built() -> bool {
        std::env::var_os("POSTERN_LAMBDA").is_some()
    }

    /// Finds the program and starts what it needs.
    ///
    /// # Errors
    /// When something is missing, with what to do.
    pub async fn prepare() -> Result<Self, String> {
        let variable = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_file());
            path.ok_or_else(|| format!("{name} is not set, or no file: run `cargo xtask test lambda`"))
        };
        let (program, dynoxide) = (variable("POSTERN_LAMBDA")?, variable("POSTERN_DYNOXIDE")?);
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("postern-lambda-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let text = |e: std::io::Error| e.to_string();
        Ok(Self {
            program,
            folder,
            dynamodb: Dynamodb::start(&dynoxide).await.map_err(text)?,
            upstream: Upstream::start().await.map_err(text)?,
            refusing: Refusing::start().map_err(text)?,
            silent: Silent::start().await.map_err(text)?,
        })
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Lambda {
    /// The upstream of every function that it starts.
    #[must_use]
    pub const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The endpoint of DynamoDB.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.dynamodb.endpoint()
    }

    /// A function with these variables and nothing else, not even an administrator.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start_bare(
        &self,
        variables: &[(&str, String)],
        processes: usize,
    ) -> Result<LambdaSite, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let log = self.folder.join(format!("function-{number}.log"));
        let function = Function::new(Settings {
            program: self.program.clone(),
            environment: variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            processes,
            timeout: TIMEOUT,
            freezes: true,
            log: Some(log.clone()),
        });
        let url = FunctionUrl::serve(function.clone(), SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = url.await.map_err(|e| e.to_string())?.origin().trim_start_matches("http://").to_owned();
        let (admin_token, upstream) = (String::new(), self.upstream.clone());
        Ok(LambdaSite { function, address, admin_token, log, table: String::new(), upstream })
    }

    /// A function in a setting of its own.
    ///
    /// # Errors
    /// When it does not start, with what it said.
    pub async fn start_with(&self, setting: &LambdaSetting<'_>) -> Result<LambdaSite, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let table = match setting.table {
            Some(table) => table.to_owned(),
            None => {
                let table = format!("site-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
                self.dynamodb.create_table(&table).await.map_err(|e| e.to_string())?;
                table
            }
        };
        let endpoint = setting.endpoint.map_or_else(|| self.dynamodb.endpoint(), str::to_owned);
        let variables = [
            ("POSTERN_TABLE", table.clone()),
            ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
            ("UPSTREAM_URL", self.upstream.origin()),
            ("REFUSING_URL", self.refusing.origin()),
            ("SILENT_URL", self.silent.origin()),
            ("UPSTREAM_KEY", UPSTREAM_KEY.to_owned()),
            ("OTHER_UPSTREAM_KEY", OTHER_UPSTREAM_KEY.to_owned()),
        ];
        let mut site = self.start_bare(&variables, setting.processes.unwrap_or(PROCESSES)).await?;
        site.table = table;
        if let Some(config) = setting.config {
            let applied = site.command(&json!({ "postern": { "do": "apply", "config": config } })).await?;
            if applied.get("warnings").and_then(Value::as_array).is_none_or(|warnings| !warnings.is_empty()) {
                return Err(format!("the configuration of the case is not taken: {applied}"));
            }
        }
        let start = if setting.table.is_some() { "admin-token" } else { "init" };
        let first = site.command(&json!({ "postern": start })).await?;
        let token = first.get("admin_token").and_then(Value::as_str);
        site.admin_token = token.ok_or_else(|| format!("the first start failed: {first}"))?.to_owned();
        Ok(site)
    }
}

impl Face for Lambda {
    type Site = LambdaSite;

    async fn start(&self, config: &Value) -> Result<LambdaSite, String> {
        self.start_with(&LambdaSetting { config: Some(config), ..LambdaSetting::default() }).await
    }
}

/// A running function.
pub struct LambdaSite {
    function: Function,
    address: String,
    admin_token: String,
    log: PathBuf,
    table: String,
    upstream: Upstream,
}

impl LambdaSite {
    /// Tells the function something that no HTTP request may.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn command(&self, event: &Value) -> Result<Value, String> {
        match self.function.invoke(Bytes::from(event.to_string()), false).await {
            Ok(Invoked::Whole(answer)) => serde_json::from_slice(&answer).map_err(|e| e.to_string()),
            other => Err(format!("the function does not start: {other:?}")),
        }
    }

    /// The function, whose processes can be ended and counted.
    #[must_use]
    pub const fn function(&self) -> &Function {
        &self.function
    }

    /// The name of its table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl Running for LambdaSite {
    async fn open(&self) -> Result<String, String> {
        Ok(self.address.clone())
    }

    async fn stop(self) -> Result<String, String> {
        self.function.end_idle().await;
        fs::read_to_string(&self.log).map_err(|e| format!("{}: {e}", self.log.display()))
    }
}

impl Site for LambdaSite {
    fn script(&self, trace: &str, script: &Script) {
        self.upstream.script(trace, script);
    }

    async fn call(&self, request: Request<Payload>, leaves: &Leaves) -> Result<Heard, String> {
        caller::call(&self.address, request, leaves).await
    }

    fn admin_token(&self) -> &str {
        &self.admin_token
    }
}
