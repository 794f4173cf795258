//! `cargo xtask deploy cloudflare`: brings what a deployment lacks by the platform's own tool, deploys, and says what to
//! do first. Doing it again changes only what has changed.

mod environment;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use self::environment::Environment;
use super::build::{self, Kind};
use super::tools::{self, Npm};
use crate::run;
use crate::workplace::Workplace;

/// The binding of the namespace.
const NAMESPACE: &str = "POSTERN";
/// What is in the repository.
const TEMPLATE: &str = "wrangler.toml";
/// `wrangler.toml` with the ids of an account. Not in the repository.
const DEPLOYED: &str = "wrangler.deployed.toml";
const LONG: Duration = Duration::from_secs(600);

const USAGE: &str = "cargo xtask deploy cloudflare [--env NAME] [--config FILE] [--local]\n\n\
    \x20 --env NAME     an environment of wrangler.toml, such as staging; production without\n\
    \x20 --config FILE  also puts this configuration in force; its secrets are taken from the environment\n\
    \x20 --local        only prepares this machine for `npx wrangler dev`";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    environment: Environment,
    config: Option<PathBuf>,
    local: bool,
}

impl Options {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--local" => options.local = true,
                "--config" => options.config = Some(PathBuf::from(args.next().ok_or(USAGE)?)),
                "--env" => options.environment = Environment::named(args.next().ok_or(USAGE)?),
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(options)
    }
}

/// What is there now.
#[derive(Debug, PartialEq, Eq)]
struct Deployed {
    url: String,
    /// Lines of `NAME=VALUE`, if a first administrator was made.
    first: Option<String>,
    /// Secrets that the configuration names and nobody has.
    missing: Vec<String>,
}

struct Deployment<'a> {
    place: &'a Workplace,
    npm: Npm,
    gateway: PathBuf,
    options: Options,
}

/// Deploys.
pub(crate) fn command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let options = Options::read(args)?;
    options.environment.check(&read(&place.root.join(TEMPLATE))?)?;
    let (npm, gateway) = (tools::npm(place)?, place.gateway(false)?);
    let deployment = Deployment { place, npm, gateway, options };
    if deployment.options.local {
        build::build(place, Kind::Deployed)?;
        let first = deployment.prepare()?;
        let dev = deployment.options.environment.option();
        println!("This machine is prepared. Start the gateway with\n\n  npx wrangler dev{dev}\n");
        say_first_call("http://127.0.0.1:8787", first.as_deref());
        return Ok(true);
    }
    let deployed = deployment.deploy()?;
    for name in &deployed.missing {
        let option = deployment.options.environment.option();
        println!("the secret {name} is missing: npx wrangler secret put {name} --config {DEPLOYED}{option}");
    }
    println!("\nThe gateway is at {}", deployed.url);
    say_first_call(&deployed.url, deployed.first.as_deref());
    Ok(true)
}

impl Deployment<'_> {
    /// Everything that an account lacks, then the Worker.
    fn deploy(&self) -> Result<Deployed, String> {
        self.log_in()?;
        self.namespaces()?;
        let first = self.prepare()?;
        println!("deploying {}", self.options.environment);
        let said = run::must("deploying", &mut self.wrangler(&["deploy"]), LONG)?;
        let url = deployed_url(&said).ok_or(format!("wrangler did not say where the Worker is:\n{said}"))?;
        Ok(Deployed { url, first, missing: self.secrets()? })
    }

    /// What is in KV before a first call: an administrator, and the configuration.
    fn prepare(&self) -> Result<Option<String>, String> {
        let first = self.first_start()?;
        self.configure()?;
        Ok(first)
    }

    fn log_in(&self) -> Result<(), String> {
        let ran = run::silent(self.npm.wrangler(self.place).arg("whoami"), LONG);
        if ran.success && !ran.text.contains("not authenticated") {
            return Ok(());
        }
        Err("nobody is logged in at Cloudflare: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN".into())
    }

    /// Wrangler on the account's configuration, or on this machine's.
    fn wrangler(&self, args: &[&str]) -> Command {
        let mut wrangler = self.npm.wrangler(self.place);
        // Without a name wrangler warns of the environments that there are.
        wrangler.args(args).args(["--env", self.options.environment.name().unwrap_or_default()]);
        if !self.options.local {
            wrangler.args(["--config", DEPLOYED]);
        }
        wrangler
    }

    /// A command on the namespace.
    fn kv(&self, args: &[&str]) -> Command {
        let mut kv = self.wrangler(&["kv"]);
        let place = if self.options.local { "--local" } else { "--remote" };
        kv.args(args).args(["--binding", NAMESPACE, place]);
        kv
    }

    /// Makes the environment's namespace if the account has none, and writes the ids of all that there are where wrangler
    /// finds them.
    fn namespaces(&self) -> Result<(), String> {
        let list = || {
            let mut list = self.npm.wrangler(self.place);
            run::must("listing KV namespaces", list.args(["kv", "namespace", "list"]), LONG)
                .and_then(|listed| json_in(&listed))
        };
        let environment = &self.options.environment;
        let mut listed = list()?;
        if environment.namespace_id(&listed).is_none() {
            println!("creating the KV namespace of {environment}");
            let mut create = self.npm.wrangler(self.place);
            create.args(["kv", "namespace", "create", NAMESPACE, "--update-config=false"]);
            // Wrangler puts the environment's name before the namespace's.
            create.args(["--env", environment.name().unwrap_or_default()]);
            run::must("creating it", &mut create, LONG)?;
            listed = list()?;
        }
        let template = read(&self.place.root.join(TEMPLATE))?;
        environment
            .namespace_id(&listed)
            .ok_or("the new KV namespace is not listed: try again in a minute")?;
        let mut deployed = template.clone();
        for environment in Environment::all_in(&template) {
            if let Some(id) = environment.namespace_id(&listed) {
                deployed = deployed.replace(&environment.local_id(), &format!("id = \"{id}\""));
            }
        }
        let path = self.place.root.join(DEPLOYED);
        fs::write(&path, deployed).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// An administrator's token and a first key, where there is no administrator: lines of `NAME=VALUE`, shown once.
    fn first_start(&self) -> Result<Option<String>, String> {
        let listed =
            run::must("listing administrators", &mut self.kv(&["key", "list", "--prefix", "admin/"]), LONG)?;
        if !json_in(&listed)?.as_array().is_none_or(Vec::is_empty) {
            return Ok(None);
        }
        let out = self.place.target.join("first-start.json");
        let mut make = self.place.command(&self.gateway);
        let made = run::must("making a token", make.args(["admin-token", "--kv-bulk"]).arg(&out), LONG)?;
        self.put(&out)?;
        Ok(Some(made))
    }

    fn configure(&self) -> Result<(), String> {
        let Some(config) = &self.options.config else { return Ok(()) };
        let out = self.place.target.join("config-entry.json");
        let mut apply = self.place.command(&self.gateway);
        run::must(
            "checking the configuration",
            apply.arg("apply").arg(config).arg("--kv-bulk").arg(&out),
            LONG,
        )?;
        self.put(&out)
    }

    fn put(&self, entries: &Path) -> Result<(), String> {
        let path = entries.to_string_lossy();
        run::must("writing to KV", &mut self.kv(&["bulk", "put", &path]), LONG)?;
        fs::remove_file(entries).map_err(|error| format!("{path}: {error}"))
    }

    /// Secrets that the configuration names: those the environment has are set; gives those that nobody has.
    fn secrets(&self) -> Result<Vec<String>, String> {
        let Some(config) = &self.options.config else { return Ok(Vec::new()) };
        let listed = run::must("listing secrets", &mut self.wrangler(&["secret", "list"]), LONG)?;
        let listed = json_in(&listed)?;
        let there = |name: &str| listed.as_array().into_iter().flatten().any(|secret| secret["name"] == name);
        let mut missing = Vec::new();
        for name in references(&read(config)?) {
            match std::env::var(&name).ok().filter(|value| !value.is_empty()) {
                Some(value) => {
                    println!("setting the secret {name} from the environment");
                    let file = self.place.target.join("secret.json");
                    write_private(&file, &json!({ &name: value }).to_string())?;
                    let path = file.to_string_lossy().into_owned();
                    let set = run::silent(&mut self.wrangler(&["secret", "bulk", &path]), LONG);
                    fs::remove_file(&file).map_err(|error| format!("{path}: {error}"))?;
                    if !set.success {
                        return Err(format!("the secret {name} cannot be set: {}", set.ending));
                    }
                }
                None if there(&name) => {}
                None => missing.push(name),
            }
        }
        Ok(missing)
    }
}

fn say_first_call(url: &str, first: Option<&str>) {
    let key = match first {
        Some(first) => {
            println!("Keep these: they are not shown again.\n\n{}\n", first.trim());
            first.lines().find_map(|line| line.strip_prefix("OPENAI_API_KEY=")).unwrap_or("KEY")
        }
        None => "KEY",
    };
    println!(
        "A first call (as long as no configuration was applied):\n\n  curl {url}/v1/chat/completions \
         -H 'authorization: Bearer {key}' -H 'content-type: application/json' \
         -d '{{\"model\": \"demo/echo\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello!\"}}]}}'"
    );
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file that only this user can read.
fn write_private(path: &Path, text: &str) -> Result<(), String> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let _old = fs::remove_file(path);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// The JSON that a command printed, whatever it said before.
fn json_in(text: &str) -> Result<Value, String> {
    let starts = text.match_indices(['[', '{']).map(|(at, _)| at);
    let found = starts.filter_map(|at| {
        serde_json::Deserializer::from_str(text.get(at..)?).into_iter::<Value>().next()?.ok()
    });
    found.into_iter().next().ok_or(format!("wrangler printed no JSON:\n{text}"))
}

fn deployed_url(said: &str) -> Option<String> {
    said.split_whitespace()
        .find(|word| word.starts_with("https://") && word.contains(".workers.dev"))
        .map(str::to_owned)
}

/// The names in `${NAME}`, each once.
fn references(config: &str) -> Vec<String> {
    let mut names: Vec<String> = config
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned()))
        .filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .collect();
    names.sort();
    names.dedup();
    names
}
