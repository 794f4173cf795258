//! Secrets: the environment first, then Secrets Manager or the parameter store, by reference.
//!
//! These two services are asked with signed requests through the client that upstreams are called with. Their SDKs
//! would add some megabytes to the function for one operation each, the extension that caches secrets a process of
//! its own to every cold start. No value is ever logged.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use postern_common::{Aws, Environment, Failure};
use postern_gateway::Secret;
use serde_json::{Value, json};

/// How long values are kept before they are asked for again.
pub(crate) const FRESH: Duration = Duration::from_secs(300);

/// Pages of ten parameters that are read at most.
const MOST_PAGES: usize = 50;

/// Where secrets are that are not in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A secret of Secrets Manager whose text is a JSON object of names and values.
    SecretsManager(String),
    /// The parameters below a path, by the last part of their names.
    Parameters(String),
}

impl Source {
    /// `secretsmanager:NAME` or `ssm:/PATH`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("secretsmanager", name) if !name.is_empty() => Some(Self::SecretsManager(name.to_owned())),
            ("ssm", path) if path.starts_with('/') => Some(Self::Parameters(path.to_owned())),
            _ => None,
        }
    }

    async fn fetch(&self, aws: &Aws) -> Result<HashMap<String, Secret>, String> {
        match self {
            Self::SecretsManager(name) => object(aws, name).await,
            Self::Parameters(path) => parameters(aws, path).await,
        }
    }
}

/// Every secret this function has.
pub(crate) struct Secrets {
    environment: Environment,
    sources: Vec<Source>,
    fetched: RwLock<Fetched>,
}

#[derive(Default)]
struct Fetched {
    values: Arc<HashMap<String, Secret>>,
    at: Option<SystemTime>,
}

impl Secrets {
    pub(crate) fn new(environment: Environment, sources: Vec<Source>) -> Self {
        Self { environment, sources, fetched: RwLock::default() }
    }

    /// A secret by name.
    pub(crate) fn find(&self, name: &str) -> Option<Secret> {
        self.environment
            .secret(name)
            .or_else(|| self.fetched.read().unwrap_or_else(PoisonError::into_inner).values.get(name).cloned())
    }

    /// Whether the sources should be asked again.
    pub(crate) fn are_old(&self, now: SystemTime) -> bool {
        let at = self.fetched.read().unwrap_or_else(PoisonError::into_inner).at;
        !self.sources.is_empty() && at.is_none_or(|at| now.duration_since(at).is_ok_and(|age| age > FRESH))
    }

    /// Asks the sources. If one of them fails, the values of before stay in use.
    pub(crate) async fn refresh(&self, aws: &Aws, now: SystemTime) -> Result<(), Vec<String>> {
        let mut values = HashMap::new();
        let mut problems = Vec::new();
        for source in &self.sources {
            match source.fetch(aws).await {
                // What comes first in the list wins, as the environment wins over all.
                Ok(found) => found.into_iter().for_each(|(name, value)| {
                    values.entry(name).or_insert(value);
                }),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut fetched = self.fetched.write().unwrap_or_else(PoisonError::into_inner);
        *fetched = Fetched { values: Arc::new(values), at: Some(now) };
        Ok(())
    }
}

async fn object(aws: &Aws, name: &str) -> Result<HashMap<String, Secret>, String> {
    let answer =
        aws.call("secretsmanager", "secretsmanager.GetSecretValue", &json!({ "SecretId": name })).await;
    let answer = answer.map_err(|failure| {
        let advice = match failure.code() {
            "ResourceNotFoundException" => format!(
                "create it: aws secretsmanager create-secret --name {name} --secret-string \
                 '{{\"OPENAI_API_KEY\":\"...\"}}'"
            ),
            _ => advice(&failure, "secretsmanager:GetSecretValue"),
        };
        format!("the secret {name} of Secrets Manager cannot be read ({failure}): {advice}")
    })?;
    let text = answer.get("SecretString").and_then(Value::as_str).unwrap_or_default();
    // The reason is not repeated: it might quote a piece of a value.
    let values: HashMap<String, String> = serde_json::from_str(text).map_err(|_| {
        format!("the secret {name} of Secrets Manager must be a JSON object of names and texts, and is not")
    })?;
    Ok(values.into_iter().filter(|(_, value)| !value.is_empty()).map(|(n, v)| (n, Secret::new(v))).collect())
}

async fn parameters(aws: &Aws, path: &str) -> Result<HashMap<String, Secret>, String> {
    let mut values = HashMap::new();
    let mut token = Value::Null;
    for _ in 0..MOST_PAGES {
        let mut question =
            json!({ "Path": path, "WithDecryption": true, "Recursive": true, "MaxResults": 10 });
        if let (Some(question), false) = (question.as_object_mut(), token.is_null()) {
            question.insert("NextToken".to_owned(), token);
        }
        let answer =
            aws.call("ssm", "AmazonSSM.GetParametersByPath", &question).await.map_err(|failure| {
                let advice = advice(&failure, "ssm:GetParametersByPath");
                format!("the parameters below {path} cannot be read ({failure}): {advice}")
            })?;
        for parameter in answer.get("Parameters").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| parameter.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            if let (Some(name), Some(value)) = (text("Name"), text("Value")) {
                let name = name.rsplit('/').next().unwrap_or(name);
                values.entry(name.to_owned()).or_insert_with(|| Secret::new(value));
            }
        }
        token = answer.get("NextToken").cloned().unwrap_or_default();
        if token.is_null() {
            break;
        }
    }
    if values.is_empty() {
        return Err(format!(
            "there are no parameters below {path}: create one: aws ssm put-parameter --type SecureString --name \
             {}/OPENAI_API_KEY --value ...",
            path.trim_end_matches('/')
        ));
    }
    Ok(values)
}

fn advice(failure: &Failure, action: &str) -> String {
    match failure.code() {
        "AccessDeniedException" => format!("the function's role must allow {action}"),
        _ => "see the function's log".to_owned(),
    }
}
