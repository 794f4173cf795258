//! `cargo xtask deploy cloudflare`: brings what a deployment lacks by the platform's own tool, deploys, and says what to
//! do first. Doing it again changes only what has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::build::{self, Kind};
use super::tools::{self, Npm};
use crate::run;
use crate::workplace::Workplace;

/// What `wrangler.toml` has in place of the namespace's id: what is local needs none.
const LOCAL_ID: &str = "id = \"local\"";
/// The namespace's title in the account, and its binding.
const NAMESPACE: &str = "POSTERN";
/// `wrangler.toml` with the ids of an account. Not in the repository.
const DEPLOYED: &str = "wrangler.deployed.toml";
const LONG: Duration = Duration::from_secs(600);

const USAGE: &str = "cargo xtask deploy cloudflare [--config FILE] [--local]\n\n\
    \x20 --config FILE  also puts this configuration in force; its secrets are taken from the environment\n\
    \x20 --local        only prepares this machine for `npx wrangler dev`";

struct Deployment<'a> {
    place: &'a Workplace,
    npm: Npm,
    gateway: PathBuf,
    /// The namespace's id in the account; `None` on this machine.
    id: Option<String>,
}

/// Deploys.
pub(crate) fn command(place: &Workplace, args: &[String]) -> Result<bool, String> {
    let (mut config, mut local) = (None, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--local" => local = true,
            "--config" => config = Some(PathBuf::from(args.next().ok_or(USAGE)?)),
            _ => return Err(USAGE.to_owned()),
        }
    }
    let npm = tools::npm(place)?;
    if !local {
        log_in(place, &npm)?;
    }
    let gateway = place.gateway(false)?;
    let mut deployment = Deployment { place, npm, gateway, id: None };
    if local {
        build::build(place, Kind::Deployed)?;
        let first = deployment.first_start()?;
        deployment.configure(config.as_deref())?;
        println!("This machine is prepared. Start the gateway with\n\n  npx wrangler dev\n");
        say_first_call("http://127.0.0.1:8787", first.as_deref());
        return Ok(true);
    }
    deployment.id = Some(deployment.namespace()?);
    let first = deployment.first_start()?;
    deployment.configure(config.as_deref())?;
    println!("deploying");
    let said = run::must("deploying", &mut deployment.wrangler(&["deploy"]), LONG)?;
    let url = deployed_url(&said).ok_or(format!("wrangler did not say where the Worker is:\n{said}"))?;
    deployment.secrets(config.as_deref())?;
    println!("\nThe gateway is at {url}");
    say_first_call(&url, first.as_deref());
    Ok(true)
}

fn log_in(place: &Workplace, npm: &Npm) -> Result<(), String> {
    let ran = run::silent(npm.wrangler(place).arg("whoami"), LONG);
    if ran.success && !ran.text.contains("not authenticated") {
        return Ok(());
    }
    Err("nobody is logged in at Cloudflare: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN".into())
}

impl Deployment<'_> {
    /// Wrangler on the account's configuration, or on this machine's.
    fn wrangler(&self, args: &[&str]) -> Command {
        let mut wrangler = self.npm.wrangler(self.place);
        wrangler.args(args);
        if self.id.is_some() {
            wrangler.args(["--config", DEPLOYED]);
        }
        wrangler
    }

    /// A command on the namespace.
    fn kv(&self, args: &[&str]) -> Command {
        let mut kv = self.wrangler(&["kv"]);
        kv.args(args).args(["--binding", NAMESPACE, if self.id.is_some() { "--remote" } else { "--local" }]);
        kv
    }

    /// The namespace of the account, made if there is none, and written where wrangler finds it.
    fn namespace(&self) -> Result<String, String> {
        let listed = run::must(
            "listing KV namespaces",
            self.npm.wrangler(self.place).args(["kv", "namespace", "list"]),
            LONG,
        )?;
        let id = match namespace_id(&listed)? {
            Some(id) => id,
            None => {
                println!("creating the KV namespace {NAMESPACE}");
                let mut create = self.npm.wrangler(self.place);
                run::must("creating it", create.args(["kv", "namespace", "create", NAMESPACE]), LONG)?;
                let listed = run::must(
                    "listing KV namespaces",
                    self.npm.wrangler(self.place).args(["kv", "namespace", "list"]),
                    LONG,
                )?;
                namespace_id(&listed)?.ok_or("the new KV namespace is not listed: try again in a minute")?
            }
        };
        let template = read(&self.place.root.join("wrangler.toml"))?;
        if !template.contains(LOCAL_ID) {
            return Err(format!("wrangler.toml no longer has {LOCAL_ID}"));
        }
        let path = self.place.root.join(DEPLOYED);
        fs::write(&path, template.replace(LOCAL_ID, &format!("id = \"{id}\"")))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(id)
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

    fn configure(&self, config: Option<&Path>) -> Result<(), String> {
        let Some(config) = config else { return Ok(()) };
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

    /// Secrets that the configuration names: those the environment has are set, the others are named.
    fn secrets(&self, config: Option<&Path>) -> Result<(), String> {
        let Some(config) = config else { return Ok(()) };
        let listed = run::must("listing secrets", &mut self.wrangler(&["secret", "list"]), LONG)?;
        let listed = json_in(&listed)?;
        let there = |name: &str| listed.as_array().into_iter().flatten().any(|secret| secret["name"] == name);
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
                None => println!(
                    "the secret {name} is missing: npx wrangler secret put {name} --config {DEPLOYED}"
                ),
            }
        }
        Ok(())
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

fn namespace_id(listed: &str) -> Result<Option<String>, String> {
    let listed = json_in(listed)?;
    let titles = [NAMESPACE.to_owned(), format!("postern-{NAMESPACE}")];
    let mine = listed.as_array().into_iter().flatten().find(|namespace| {
        namespace["title"].as_str().is_some_and(|title| titles.iter().any(|mine| mine == title))
    });
    Ok(mine.and_then(|namespace| namespace["id"].as_str()).map(str::to_owned))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_namespace() {
        let listed = r#"wrangler says hello
[{"id": "a", "title": "other"}, {"id": "b", "title": "postern-POSTERN"}]"#;
        assert_eq!(namespace_id(listed).unwrap().as_deref(), Some("b"));
        assert_eq!(namespace_id("[]").unwrap(), None);
        assert!(namespace_id("nothing").is_err());
    }

    #[test]
    fn finds_the_address() {
        let said = "Uploaded postern (1.2 sec)\nDeployed postern triggers\n  https://postern.me.workers.dev\nVersion";
        assert_eq!(deployed_url(said).as_deref(), Some("https://postern.me.workers.dev"));
    }

    #[test]
    fn names_each_secret_once() {
        assert_eq!(references("a: ${B_1}\nb: ${A}/x${B_1} ${not one} ${}"), ["A", "B_1"]);
    }
}
