//! The command line: commands, options, their texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::period::Period;

/// An LLM gateway in one program. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "postern", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// How much to log: off, error, warn, info, debug, trace, or a filter such as `postern=debug,hyper=info`
    #[arg(long, global = true, env = "POSTERN_LOG", default_value = "info", value_name = "LEVEL")]
    pub(crate) log: String,
    /// What `serve` takes
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway (what happens without a command, too)
    ///
    /// The first start of a data directory prints an administrator token and a key, once. On a terminal they come as
    /// lines to paste; otherwise every start prints lines of NAME=VALUE: POSTERN_URL, OPENAI_BASE_URL, and the first
    /// one also OPENAI_API_KEY and POSTERN_ADMIN_TOKEN.
    ///
    /// SIGHUP reads the --config file again (a change is also noticed by itself). SIGTERM and SIGINT stop taking
    /// connections and let open calls finish; a second one ends at once.
    Serve(ServeArgs),
    /// Check a configuration file: every problem with its line; exit code 1 if there is one
    Check(CheckArgs),
    /// Turn another gateway's configuration into Postern's, on standard output
    ///
    /// What could not be carried is listed in comments and on standard error. Exit code 0: all is carried. 3: written, but
    /// something is missing in it. 1: the file is no such configuration, nothing is written. Keys that stand in the file
    /// itself are never printed: the output names secrets of the platform in their place.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Put a configuration file in force on a running gateway
    Apply(ApplyArgs),
    /// Make, list and revoke keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Calls, tokens and cost
    Usage(UsageArgs),
    /// The records of calls
    Logs(LogsArgs),
    /// Count the tokens of a text, or of a chat request, for a model
    ///
    /// The number goes to standard output. Counts for OpenAI's models are exact; others are estimates, and standard error
    /// says so, with the measured error.
    Count(CountArgs),
    /// Make a new administrator token in a data directory that no gateway is using
    ///
    /// On a terminal it is printed as a line to paste, otherwise as POSTERN_ADMIN_TOKEN=VALUE. Tokens made before stay
    /// valid.
    AdminToken(AdminTokenArgs),
}

/// What `serve` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServeArgs {
    /// The configuration file; without it, what `postern apply` has stored, else a demo
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen: HOST:PORT, or a port of this machine only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub(crate) listen: String,
    /// Where keys, records and the stored configuration live
    #[arg(long, value_name = "DIR", default_value = "./.postern")]
    pub(crate) data: PathBuf,
    /// How long open calls may take to finish when stopping
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub(crate) drain: Period,
    /// How long records of calls are kept; the sums that `usage` shows are kept for ever
    #[arg(long, value_name = "TIME", default_value = "30d")]
    pub(crate) keep_records: Period,
    /// Threads that serve calls; by default one a core
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// How threads share the work: each serves its own connections, or all serve all
    #[arg(long, value_name = "KIND", value_enum, default_value_t = RuntimeKind::PerCore, hide = true)]
    pub(crate) runtime: RuntimeKind,
}

impl ServeArgs {
    /// How many threads serve calls.
    pub(crate) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }
}

/// How threads share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeKind {
    /// A runtime a thread.
    PerCore,
    /// One runtime with all threads.
    Shared,
}

/// What `check` takes.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The configuration file, YAML or JSON
    pub(crate) file: PathBuf,
}

/// Whose configuration to turn into Postern's.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// The file of MLflow's AI Gateway (`mlflow gateway start --config-path FILE`)
    Mlflow(ImportArgs),
}

/// What `import` takes.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The other gateway's configuration file
    pub(crate) file: PathBuf,
}

/// What `count` takes.
#[derive(Args, Debug)]
pub(crate) struct CountArgs {
    /// The text; standard input if left out
    pub(crate) file: Option<PathBuf>,
    /// The model; by default gpt-4o, or with --request the one in it
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Take the text for the body of a Chat Completions request, and count what the model reads: messages, tools, images
    #[arg(long)]
    pub(crate) request: bool,
}

/// What `apply` takes.
#[derive(Args, Debug)]
pub(crate) struct ApplyArgs {
    /// The configuration file, YAML or JSON
    pub(crate) file: PathBuf,
    /// The gateway's URL; goes before --url and POSTERN_URL
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Only write a file for `npx wrangler kv bulk put`, for a gateway on Cloudflare
    #[arg(long, value_name = "OUT", conflicts_with = "to")]
    pub(crate) kv_bulk: Option<PathBuf>,
    /// Instead, write it into the DynamoDB table of a deployment on AWS
    ///
    /// With the AWS credentials of the environment: `eval "$(aws configure export-credentials --format env)"` puts those
    /// of a profile there. AWS_REGION says where the table is.
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["to", "kv_bulk"])]
    pub(crate) dynamodb: Option<String>,
    /// Which gateway
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, once
    ///
    /// On a terminal the key comes with what to do with it; otherwise as lines of NAME=VALUE: POSTERN_KEY and
    /// POSTERN_KEY_ID.
    Create(KeyCreateArgs),
    /// List keys, without their secrets
    List(KeyListArgs),
    /// Revoke a key by its id
    Revoke(KeyRevokeArgs),
}

/// What `key create` takes.
#[derive(Args, Debug)]
pub(crate) struct KeyCreateArgs {
    /// The tenant it belongs to
    #[arg(long)]
    pub(crate) tenant: String,
    /// What to call it
    #[arg(long)]
    pub(crate) name: String,
    /// The models it may use, divided by commas; `*` stands for any characters, as in `assistant,demo/*`
    #[arg(long, value_delimiter = ',', required = true, value_name = "MODELS")]
    pub(crate) models: Vec<String>,
    /// How long it works, such as 30d; by default until it is revoked
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<Period>,
    /// Which gateway
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// What `key list` takes.
#[derive(Args, Debug)]
pub(crate) struct KeyListArgs {
    /// Only this tenant's
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Print JSON, one key a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Which gateway
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// What `key revoke` takes.
#[derive(Args, Debug)]
pub(crate) struct KeyRevokeArgs {
    /// The key's id, as `key list` shows it
    pub(crate) id: String,
    /// Which gateway
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// What `usage` takes.
#[derive(Args, Debug)]
pub(crate) struct UsageArgs {
    /// Columns to sum by, divided by commas: tenant, key, model, provider, day
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS", default_value = "tenant,model")]
    pub(crate) by: Vec<UsageColumn>,
    /// From when on: 30d, 12h, or a day like 2026-01-31; whole days, UTC
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    pub(crate) since: String,
    /// Until before which day, like 2026-02-01
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
    /// Only this tenant's
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Which gateway
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// A column that usage is summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageColumn {
    /// The tenant.
    Tenant,
    /// The key's id.
    Key,
    /// The model as callers name it.
    Model,
    /// The provider that answered.
    Provider,
    /// The day, UTC.
    Day,
}

impl UsageColumn {
    /// Its name, here and in the admin API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Key => "key",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Day => "day",
        }
    }
}

/// What `logs` takes.
#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    /// Go on and show calls as they end
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many of the latest calls to begin with
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 20)]
    pub(crate) last: usize,
    /// Only this tenant's
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Only this key's, by id
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Only calls that named this model
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Print whole records as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Which gateway
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// What `admin-token` takes.
#[derive(Args, Debug)]
pub(crate) struct AdminTokenArgs {
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "./.postern")]
    pub(crate) data: PathBuf,
    /// Only write a first token and a first key to a file for `npx wrangler kv bulk put`, for a new gateway on
    /// Cloudflare
    #[arg(long, value_name = "OUT", conflicts_with = "data")]
    pub(crate) kv_bulk: Option<PathBuf>,
}

/// Which gateway to talk to.
#[derive(Args, Debug)]
pub(crate) struct RemoteArgs {
    /// The gateway's URL
    #[arg(long, env = "POSTERN_URL", default_value = "http://127.0.0.1:8787", value_name = "URL")]
    pub(crate) url: String,
    /// An administrator token; better given by the variable, which other users of the machine cannot see
    #[arg(long, env = "POSTERN_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) admin_token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_needs_no_command() {
        let cli = Cli::try_parse_from(["postern", "--listen", "1.2.3.4:5", "--log", "debug"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!((cli.serve.listen.as_str(), cli.log.as_str()), ("1.2.3.4:5", "debug"));
        let cli = Cli::try_parse_from(["postern", "serve", "--drain", "5s", "--log", "warn"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Serve(args)) if args.drain.0.as_secs() == 5));
        assert_eq!(cli.log, "warn");
        assert!(Cli::try_parse_from(["postern", "--listen", "1.2.3.4:5", "check", "f"]).is_err());
    }
}
