use std::collections::BTreeSet;

use super::*;

/// A clone and an account, in a folder of their own, with a wrangler that only writes down what it is asked.
struct Account {
    place: Workplace,
    folder: PathBuf,
}

impl Account {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("xtask-deploy-{}-{name}", std::process::id()));
        let _old = fs::remove_dir_all(&folder);
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(folder.join("modules/.bin")).unwrap();
        std::os::unix::fs::symlink(project.join("fake/wrangler"), folder.join("modules/.bin/wrangler"))
            .unwrap();
        fs::copy(project.join("../../wrangler.toml"), folder.join(TEMPLATE)).unwrap();
        fs::write(folder.join("namespaces"), "").unwrap();
        let place = Workplace { root: folder.clone(), cache: folder.clone(), target: folder.clone() };
        Self { place, folder }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    fn deploy(&self, args: &[&str]) -> Result<Deployed, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let npm = Npm { modules: self.folder.join("modules") };
        let gateway = Path::new(env!("CARGO_MANIFEST_DIR")).join("fake/postern");
        Deployment { place: &self.place, npm, gateway, options: Options::read(&args)? }.deploy()
    }

    /// Everything wrangler was asked since the last time.
    fn asked(&self) -> Vec<String> {
        let asked = self.read("asked").replace(&format!("{}/", self.folder.display()), "");
        self.file("asked", "");
        asked.lines().map(str::to_owned).collect()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn an_empty_account_gets_everything_once() {
    let account = Account::new("empty");
    let deployed = account.deploy(&[]).unwrap();
    assert_eq!(deployed.url, "https://postern.me.workers.dev");
    assert_eq!(deployed.first.as_deref(), Some("OPENAI_API_KEY=pk_first\n"));
    let on = "--env '' --config wrangler.deployed.toml";
    assert_eq!(
        account.asked(),
        [
            "whoami".to_owned(),
            "kv namespace list".to_owned(),
            "kv namespace create POSTERN --update-config=false --env ''".to_owned(),
            "kv namespace list".to_owned(),
            format!("kv {on} key list --prefix admin/ --binding POSTERN --remote"),
            format!("kv {on} bulk put first-start.json --binding POSTERN --remote"),
            format!("deploy {on}"),
        ]
    );
    let written = account.read(DEPLOYED);
    assert!(
        written.contains("id = \"id-of-POSTERN\"") && written.contains("id = \"local-staging\""),
        "{written}"
    );

    account.file("administrators", "");
    let again = account.deploy(&[]).unwrap();
    assert_eq!(again.first, None, "keys are shown once");
    assert!(!account.asked().iter().any(|line| line.contains("create") || line.contains("bulk put")));
}

#[test]
fn staging_shares_nothing_with_production() {
    let account = Account::new("staging");
    account.file("namespaces", "POSTERN\nother\n");
    account.deploy(&["--env", "staging"]).unwrap();
    let asked = account.asked();
    assert!(
        asked.contains(&"kv namespace create POSTERN --update-config=false --env staging".to_owned()),
        "{asked:?}"
    );
    let after_create: Vec<_> = asked.iter().skip_while(|line| !line.contains("create")).skip(2).collect();
    assert!(after_create.len() == 3, "{asked:?}");
    assert!(after_create.iter().all(|line| line.contains("--env staging --config wrangler.deployed.toml")));
    // Production's id is there as well: whatever is asked of either afterwards finds it in this one file.
    let written = account.read(DEPLOYED);
    for id in ["id = \"id-of-POSTERN\"", "id = \"id-of-staging-POSTERN\""] {
        assert_eq!(written.matches(id).count(), 1, "{id}: {written}");
    }
    assert!(!written.contains("\"local"), "{written}");
}

#[test]
fn secrets_are_set_from_the_environment_or_named() {
    let account = Account::new("secrets");
    // PATH is in every environment, and no secret.
    let config = account.file("postern.yaml", "a: ${THERE} ${PATH} ${NOWHERE_AT_ALL}");
    let deployed = account.deploy(&["--env", "staging", "--config", &config.to_string_lossy()]).unwrap();
    assert_eq!(deployed.missing, ["NOWHERE_AT_ALL"]);
    let on = "--env staging --config wrangler.deployed.toml";
    let asked = account.asked();
    assert!(
        asked.contains(&format!("kv {on} bulk put config-entry.json --binding POSTERN --remote")),
        "{asked:?}"
    );
    let about_secrets: Vec<_> = asked.into_iter().filter(|line| line.starts_with("secret")).collect();
    assert_eq!(about_secrets, [format!("secret list {on}"), format!("secret bulk secret.json {on}")]);
    assert!(!account.folder.join("secret.json").exists(), "no secret is left in a file");
}

#[test]
fn nobody_is_logged_in() {
    let account = Account::new("nobody");
    account.file("nobody", "");
    assert!(account.deploy(&[]).unwrap_err().contains("wrangler login"));
    assert_eq!(account.asked(), ["whoami"]);
}

#[test]
fn an_environment_that_lacks_something_is_told_all_of_it() {
    let whole =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wrangler.toml")).unwrap();
    let staging = Environment::named("staging");
    for environment in Environment::all_in(&whole) {
        assert_eq!(environment.check(&whole), Ok(()));
    }
    let said = Environment::named("stagging").check(&whole).unwrap_err();
    assert!(said.contains("stagging") && said.contains("production, staging"), "{said}");
    let part = whole.find("[[env.staging.kv_namespaces]]").unwrap();
    let said = staging.check(&whole[..part]).unwrap_err();
    for word in ["[[env.staging.kv_namespaces]]", "local-staging", "TENANTS", "DIRECTORY", "class_name"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains("migrations"), "{said}");
    let said = staging.check(&whole.replace("new_sqlite_classes", "new_classes")).unwrap_err();
    assert!(said.contains("[[migrations]]") && said.contains("new_sqlite_classes"), "{said}");
}

#[test]
fn environments_differ_in_everything_they_bind() {
    let whole =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wrangler.toml")).unwrap();
    let mut seen = BTreeSet::new();
    for line in whole.lines().filter(|line| line.starts_with("id = ") || line.starts_with("dataset = ")) {
        assert!(seen.insert(line), "two environments share {line}");
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn options_are_read() {
    let read = |args: &[&str]| Options::read(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
    let options = read(&["--env", "staging", "--config", "x.yaml", "--local"]).unwrap();
    let environment = Environment::named("staging");
    assert_eq!(options, Options { environment, config: Some("x.yaml".into()), local: true });
    assert_eq!(read(&["--env", "production"]).unwrap(), Options::default());
    assert!(read(&["--env"]).unwrap_err().contains("--env NAME"));
    assert!(read(&["--what"]).is_err());
}

#[test]
fn finds_the_address() {
    let said =
        "Uploaded postern (1.2 sec)\nDeployed postern triggers\n  https://postern.me.workers.dev\nVersion";
    assert_eq!(deployed_url(said).as_deref(), Some("https://postern.me.workers.dev"));
}

#[test]
fn finds_json_behind_a_greeting() {
    assert_eq!(json_in("hello\n[{\"id\": 1}]").unwrap()[0]["id"], 1);
    assert!(json_in("nothing").is_err());
}

#[test]
fn names_each_secret_once() {
    assert_eq!(references("a: ${B_1}\nb: ${A}/x${B_1} ${not one} ${}"), ["A", "B_1"]);
}
