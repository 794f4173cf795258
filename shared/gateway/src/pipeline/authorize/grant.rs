//! What is given for a token, with its secrets, as the configuration and the platform have them at the time of a call.

use http::{HeaderValue, Uri};
use postern_wire::grant::{oauth, sts};
use sha2::{Digest as _, Sha256};

use crate::Secret;
use crate::config::credential::{AWS_KEY_ID, AWS_SECRET, AWS_TOKEN};
use crate::config::{Aws, Entra, MissingSecret, OAuth, SecretText};

/// What Databricks calls the right to everything that the client may do.
const DATABRICKS_SCOPE: &str = "all-apis";

/// Where a secret of the platform is found.
type Find<'f> = dyn Fn(&str) -> Option<Secret> + 'f;

/// What is given for a token.
pub(super) enum Grant {
    /// The credentials of a client.
    Client {
        url: String,
        id: Secret,
        secret: Secret,
        scope: Option<String>,
        method: oauth::Method,
        check: &'static str,
    },
    /// The key file of a service account of Google Cloud.
    ServiceAccount(Secret),
    /// An API key of IBM Cloud.
    Ibm { url: String, key: Secret },
    /// Keys of AWS that may take on a role.
    Role {
        keys: Keys,
        region: String,
        url: String,
        arn: Secret,
        external_id: Option<Secret>,
        session_name: String,
    },
}

/// What is lent for it.
#[derive(Clone)]
pub(super) enum Lent {
    /// The value of `authorization`.
    Bearer(HeaderValue),
    /// Keys to sign with.
    Keys(Keys),
}

/// Keys of AWS.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) access_key_id: Secret,
    pub(super) secret_access_key: Secret,
    pub(super) session_token: Option<Secret>,
}

impl Keys {
    /// Those of the configuration, or else those of the platform.
    pub(super) fn of(aws: &Aws, find: &Find<'_>) -> Result<Self, MissingSecret> {
        let own = |name: &str| find(name).ok_or_else(|| MissingSecret(name.to_owned()));
        match (&aws.access_key_id, &aws.secret_access_key) {
            (Some(id), Some(secret)) => Ok(Self {
                access_key_id: id.resolve(find)?,
                secret_access_key: secret.resolve(find)?,
                session_token: aws.session_token.as_ref().map(|text| text.resolve(find)).transpose()?,
            }),
            _ => Ok(Self {
                access_key_id: own(AWS_KEY_ID)?,
                secret_access_key: own(AWS_SECRET)?,
                session_token: find(AWS_TOKEN),
            }),
        }
    }
}

impl Grant {
    /// The role that the configuration names, if it does.
    pub(super) fn role(aws: &Aws, keys: Keys, find: &Find<'_>) -> Result<Option<Self>, MissingSecret> {
        let Some(arn) = &aws.role_arn else { return Ok(None) };
        let some = |text: &Option<SecretText>| text.as_ref().map(|text| text.resolve(find)).transpose();
        let url = some(&aws.sts_url)?;
        Ok(Some(Self::Role {
            keys,
            region: aws.region.clone(),
            url: url.map_or_else(|| sts::address(&aws.region), |url| url.reveal().to_owned()),
            arn: arn.resolve(find)?,
            external_id: some(&aws.external_id)?,
            session_name: aws.session_name.clone(),
        }))
    }

    /// A client of Microsoft Entra ID: `AUTHORITY/TENANT/oauth2/v2.0/token`, the secret in the form.
    pub(super) fn entra(entra: &Entra, find: &Find<'_>) -> Result<Self, MissingSecret> {
        let one = |text: &Option<SecretText>| match text {
            Some(text) => text.resolve(find),
            // The configuration's checks let none of them be left out.
            None => Ok(Secret::new("")),
        };
        let authority = entra.authority.resolve(find)?;
        let tenant = one(&entra.tenant_id)?;
        Ok(Self::Client {
            url: format!(
                "{}/{}/oauth2/v2.0/token",
                authority.reveal().trim_end_matches('/'),
                tenant.reveal()
            ),
            id: one(&entra.client_id)?,
            secret: one(&entra.client_secret)?,
            scope: Some(entra.scope.clone()),
            method: oauth::Method::Post,
            check: "tenant_id, client_id and client_secret under entra",
        })
    }

    /// A client of any token service; `token_path` is where the vendor has its own, at the host of `base_url`.
    pub(super) fn oauth(
        oauth: &OAuth,
        token_path: &str,
        base_url: &str,
        find: &Find<'_>,
    ) -> Result<Self, MissingSecret> {
        let url = match &oauth.token_url {
            Some(url) => url.resolve(find)?.reveal().to_owned(),
            None => format!("{}{token_path}", origin(base_url)),
        };
        let usual = (!token_path.is_empty()).then(|| DATABRICKS_SCOPE.to_owned());
        Ok(Self::Client {
            url,
            id: oauth.client_id.resolve(find)?,
            secret: oauth.client_secret.resolve(find)?,
            scope: oauth.scope.clone().or(usual),
            method: oauth.method.grant(),
            check: "client_id, client_secret and scope under oauth",
        })
    }

    /// What an operator should look at when it is refused.
    pub(super) const fn check(&self) -> &'static str {
        match self {
            Self::Client { check, .. } => check,
            Self::ServiceAccount(_) => "service_account under google, and whether its key is still in force",
            Self::Ibm { .. } => "api_key, and iam_url under watsonx",
            Self::Role { .. } => "the keys, role_arn and external_id under aws, and whom the role trusts",
        }
    }

    /// A digest of everything in it, so that another credential never gets what was lent for this one.
    pub(super) fn digest(&self, provider: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(provider);
        match self {
            Self::Client { url, id, secret, scope, method: _, check: _ } => {
                add("client");
                [url, id.reveal(), secret.reveal(), scope.as_deref().unwrap_or_default()]
                    .into_iter()
                    .for_each(add);
            }
            Self::ServiceAccount(file) => {
                add("service account");
                add(file.reveal());
            }
            Self::Ibm { url, key } => {
                add("ibm");
                add(url);
                add(key.reveal());
            }
            Self::Role { keys, region, url, arn, external_id, session_name } => {
                add("role");
                let show = |secret: &Option<Secret>| {
                    secret.as_ref().map_or(String::new(), |s| s.reveal().to_owned())
                };
                add(keys.access_key_id.reveal());
                add(keys.secret_access_key.reveal());
                add(&show(&keys.session_token));
                [region, url, arn.reveal(), &show(external_id), session_name].into_iter().for_each(add);
            }
        }
        hash.finalize().into()
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    let uri: Option<Uri> = url.parse().ok();
    let parts = uri.as_ref().and_then(|uri| uri.scheme_str().zip(uri.authority()));
    parts.map(|(scheme, authority)| format!("{scheme}://{authority}")).unwrap_or_default()
}
