//! What an account with a provider changes in a request beside its credentials: the address, its query, the dress of the
//! body. Most providers have nothing of it.

use bytes::Bytes;
use http::{Request, Uri};
use postern_wire::dialect::mlflow;
use postern_wire::grant::google::ServiceAccount;
use postern_wire::provider::{Account, Dress, Operation, vertex, watsonx};

use crate::Secret;
use crate::config::{Google, MissingSecret, Provider, SecretText};

/// Where a secret of the platform is found.
type Find<'f> = dyn Fn(&str) -> Option<Secret> + 'f;

/// Why a request cannot be written for an account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// A secret is not set.
    #[error(transparent)]
    Missing(#[from] MissingSecret),
    /// What is set does not do.
    #[error("{0}")]
    Wrong(String),
}

/// The base URL of calls of `model`; `None` where it is the vendor's own for everybody. It may hold a secret.
pub(super) fn base_url(provider: &Provider, model: &str, find: &Find<'_>) -> Result<Option<Secret>, Unfit> {
    let written = provider.base_url.as_ref().map(|text| text.resolve(find)).transpose()?;
    if let (Account::Google, Some(google)) = (provider.kind.account, &provider.google) {
        let location = google.location.resolve(find)?;
        let host = written.unwrap_or_else(|| Secret::new(vertex::address(location.reveal())));
        let place = vertex::place(&project(google, find)?, location.reveal());
        return Ok(Some(Secret::new(format!("{}{place}", host.reveal().trim_end_matches('/')))));
    }
    let Some(written) = written else {
        let region = provider.aws.as_ref().and_then(|aws| provider.kind.address_in(&aws.region));
        return Ok(region.map(Secret::new));
    };
    if provider.api_version.is_some() {
        return Ok(Some(Secret::new(deployment(written.reveal(), model))));
    }
    Ok(Some(written))
}

/// The project that is written, or else the service account's own.
fn project(google: &Google, find: &Find<'_>) -> Result<String, Unfit> {
    let resolve = |text: &SecretText| text.resolve(find);
    if let Some(project) = &google.project {
        return Ok(resolve(project)?.reveal().to_owned());
    }
    let file = google.service_account.as_ref().map(resolve).transpose()?;
    let account = file.map(|file| ServiceAccount::read(file.reveal())).transpose();
    let account = account.map_err(|error| Unfit::Wrong(format!("google.{error}")))?;
    account.as_ref().and_then(ServiceAccount::project).map(str::to_owned).ok_or_else(|| {
        Unfit::Wrong("google.project is not written, and the service account does not name one".to_owned())
    })
}

/// Where a deployment of Azure is in its older API, which names it in the address. One that is named there already, and the
/// API that has no deployments, stay as they are.
fn deployment(base_url: &str, model: &str) -> String {
    let base_url = base_url.trim_end_matches('/');
    if base_url.contains("/deployments/") || base_url.ends_with("/openai/v1") {
        return base_url.to_owned();
    }
    let openai = if base_url.ends_with("/openai") { "" } else { "/openai" };
    let model = percent_encoding::utf8_percent_encode(model, percent_encoding::NON_ALPHANUMERIC);
    // The characters that names of deployments have beside letters and digits.
    let model = model.to_string().replace("%2D", "-").replace("%2E", ".").replace("%5F", "_");
    format!("{base_url}{openai}/deployments/{model}")
}

/// The body as the vendor wants it.
pub(super) fn dress(
    provider: &Provider,
    operation: Operation<'_>,
    body: Bytes,
    find: &Find<'_>,
) -> Result<Bytes, Unfit> {
    let (way, counts) = match operation {
        Operation::Answer { way, .. } => (way, false),
        Operation::Count { way, .. } => (way, true),
        _ => return Ok(body),
    };
    match way.dress {
        Dress::Plain => Ok(body),
        Dress::Unnamed => Ok(mlflow::leave_model(&body)),
        Dress::Vertex => Ok(vertex::dress(&body, counts)),
        Dress::Watsonx => {
            let workspace = provider.watsonx.as_ref();
            let resolve =
                |text: &Option<SecretText>| text.as_ref().map(|text| text.resolve(find)).transpose();
            let project = workspace.map(|it| resolve(&it.project_id)).transpose()?.flatten();
            let space = workspace.map(|it| resolve(&it.space_id)).transpose()?.flatten();
            let workspace = match (&project, &space) {
                (Some(id), _) => watsonx::Workspace::Project(id.reveal()),
                (None, Some(id)) => watsonx::Workspace::Space(id.reveal()),
                (None, None) => {
                    return Err(Unfit::Wrong("watsonx names no project_id and no space_id".to_owned()));
                }
            };
            Ok(watsonx::dress(&body, workspace))
        }
    }
}

/// Puts the date of Azure's older API on the address.
pub(super) fn date(provider: &Provider, request: &mut Request<Bytes>) -> Result<(), Unfit> {
    let Some(version) = &provider.api_version else { return Ok(()) };
    let and = if request.uri().query().is_some() { '&' } else { '?' };
    let uri: Uri = format!("{}{and}api-version={version}", request.uri())
        .parse()
        .map_err(|_| Unfit::Wrong("api_version is no date of an API such as 2024-10-21".to_owned()))?;
    *request.uri_mut() = uri;
    Ok(())
}
