//! Credentials that are more than a key, and what each kind of provider takes of them.

use postern_wire::grant::oauth::Method;
use postern_wire::provider::Account;
use serde_json::{Map as Object, Value};

use super::collection::Maybe;
use super::document::Provider;
use super::name::Address;
use super::path::Path;
use super::reader::Reader;
use super::scalar::Text;
use super::secret::{SecretText, Shown};

/// The variables of AWS's own tools, which are used where `aws` names no keys.
pub(crate) const AWS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
pub(crate) const AWS_SECRET: &str = "AWS_SECRET_ACCESS_KEY";
pub(crate) const AWS_TOKEN: &str = "AWS_SESSION_TOKEN";

section! {
    /// An account with AWS, whose requests are signed.
    pub struct Aws, checked by aws {
        /// The region, as in the provider's address: `us-east-1`.
        region: String as Text,
        /// The public part of an access key, as `${NAME}`. Without it, the platform's `AWS_ACCESS_KEY_ID`,
        /// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` are used: on Lambda, those of the function's role.
        access_key_id: Option<SecretText> as Maybe<SecretText>,
        /// The secret part, as `${NAME}`.
        secret_access_key: Option<SecretText> as Maybe<SecretText>,
        /// The token of temporary credentials, as `${NAME}`.
        session_token: Option<SecretText> as Maybe<SecretText>,
        /// A role to take on by these keys, `arn:aws:iam::123456789012:role/NAME`. Its own keys last an hour and are
        /// fetched again before they end.
        role_arn: Option<SecretText> as Maybe<Shown>,
        /// What the owner of the role asks of a third party.
        external_id: Option<SecretText> as Maybe<Shown>,
        /// What the role's session is called in the logs of its owner.
        session_name: String as Text = "postern".to_owned(),
        /// Where roles are taken on, if not at AWS's public address of the region: a VPC endpoint.
        sts_url: Option<SecretText> as Maybe<Address>,
    }
}

section! {
    /// A client of Microsoft Entra ID, which gives tokens for Azure.
    pub struct Entra, checked by entra {
        /// The directory (tenant).
        tenant_id: Option<SecretText> as Maybe<Shown>,
        /// The application (client).
        client_id: Option<SecretText> as Maybe<Shown>,
        /// A secret of the application, as `${NAME}`.
        client_secret: Option<SecretText> as Maybe<SecretText>,
        /// What the token is for.
        scope: String as Text = "https://cognitiveservices.azure.com/.default".to_owned(),
        /// Where tokens are given: another address in a national cloud.
        authority: SecretText as Address = SecretText::plain("https://login.microsoftonline.com"),
        /// A token that something else keeps fresh, as `${NAME}`, in place of a client.
        token: Option<SecretText> as Maybe<SecretText>,
    }
}

section! {
    /// A client of a token service by OAuth 2.0 (the grant "client credentials").
    pub struct OAuth {
        /// Where tokens are given. Databricks has it at `/oidc/v1/token` of the workspace, which need not be written.
        token_url: Option<SecretText> as Maybe<Address>,
        /// The client.
        client_id: SecretText as Shown,
        /// Its secret, as `${NAME}`.
        client_secret: SecretText,
        /// What the token is for, where the service wants it said. For Databricks `all-apis` if left out.
        scope: Option<String> as Maybe<Text>,
        /// How the secret is shown to the service.
        method: ClientMethod = ClientMethod::Basic,
    }
}

choice! {
    /// How a client shows its secret to a token service.
    pub enum ClientMethod {
        /// As name and password in the header `authorization`, which every service must take (`client_secret_basic`).
        Basic = "basic",
        /// In the form (`client_secret_post`).
        Post = "post",
    }
}

impl ClientMethod {
    pub(crate) const fn grant(self) -> Method {
        match self {
            Self::Basic => Method::Basic,
            Self::Post => Method::Post,
        }
    }
}

fn aws(aws: &mut Aws, given: &Object<String, Value>, reader: &mut Reader) {
    let pairs = [("access_key_id", "secret_access_key"), ("secret_access_key", "access_key_id")];
    for (one, other) in pairs {
        if given.contains_key(one) && !given.contains_key(other) {
            reader.at_key(other, |reader| reader.problem(format!("is required beside {one}")));
        }
    }
    if given.contains_key("session_token") && !given.contains_key("access_key_id") {
        reader.at_key("session_token", |reader| {
            reader.problem("belongs to access_key_id and secret_access_key, which are not here");
        });
    }
    for key in ["external_id", "session_name", "sts_url"] {
        if given.contains_key(key) && aws.role_arn.is_none() {
            reader.at_key(key, |reader| reader.problem("belongs to role_arn, which is not here"));
        }
    }
    let role = aws.role_arn.as_ref().and_then(SecretText::literal);
    if role.is_some_and(|arn| !arn.starts_with("arn:") || !arn.contains(":role/")) {
        reader.at_key("role_arn", |reader| {
            reader.problem("expected the ARN of a role, arn:aws:iam::123456789012:role/NAME");
        });
    }
    // The rule of AWS's reference of AssumeRole.
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if !(2..=64).contains(&aws.session_name.len()) || !aws.session_name.bytes().all(fits) {
        reader.at_key("session_name", |reader| {
            reader.problem("has only letters, digits and _+=,.@- and is 2 to 64 long");
        });
    }
}

fn entra(entra: &mut Entra, given: &Object<String, Value>, reader: &mut Reader) {
    const CLIENT: [&str; 3] = ["tenant_id", "client_id", "client_secret"];
    if entra.token.is_some() {
        for key in CLIENT.iter().filter(|key| given.contains_key(**key)) {
            reader.at_key(key, |reader| {
                reader.problem("is given beside token: keep the token, or the three keys of a client");
            });
        }
        return;
    }
    for key in CLIENT.iter().filter(|key| !given.contains_key(**key)) {
        reader.at_key(key, |reader| reader.problem("is required, unless there is a token"));
    }
}

/// Whether a provider's credentials are those that its kind takes, and not two at once.
pub(super) fn check(provider: &Provider, reader: &mut Reader) {
    let preset = provider.kind;
    let (entra, aws) = (preset.account == Account::Entra, matches!(preset.account, Account::Aws { .. }));
    let oauth = matches!(preset.account, Account::OAuth { .. }) && !preset.is_demo();
    let given = [
        ("oauth", provider.oauth.is_some(), oauth),
        ("entra", provider.entra.is_some(), entra),
        ("aws", provider.aws.is_some(), aws),
    ];
    let takes: Vec<&str> = [("api_key", preset.takes_key())]
        .into_iter()
        .chain(given.map(|(key, _, takes)| (key, takes)))
        .filter_map(|(key, takes)| takes.then_some(key))
        .collect();
    for (key, _, _) in given.iter().filter(|(_, given, takes)| *given && !takes) {
        reader.at_key(key, |reader| {
            let takes = match takes.as_slice() {
                [] => "no credentials".to_owned(),
                some => some.join(" or "),
            };
            reader.problem(format!("the kind {} does not take this: it takes {takes}", preset.kind));
        });
    }
    if provider.api_key.is_some() {
        for (key, _, _) in given.iter().filter(|(_, given, takes)| *given && *takes) {
            reader.at_key(key, |reader| {
                reader.problem("is given beside api_key: only one of them can be sent, leave the other out");
            });
        }
    }
    if let (Some(oauth), Account::OAuth { token_path: "" }) = (&provider.oauth, preset.account)
        && oauth.token_url.is_none()
    {
        reader.at_key("oauth", |reader| {
            reader.at_key("token_url", |reader| {
                reader.problem(format!("is required: {} has no usual one", preset.title));
            });
        });
    }
}

/// Whether there is a credential beside `api_key` and `headers`.
pub(super) const fn has_account(provider: &Provider) -> bool {
    provider.aws.is_some() || provider.entra.is_some() || provider.oauth.is_some()
}

/// Every text with references in the credentials of a provider, with the place where it stands.
pub(super) fn texts<'p>(provider: &'p Provider, here: &Path) -> Vec<(Path, &'p SecretText)> {
    let mut texts = Vec::new();
    let mut add = |section: &str, key: &str, text: Option<&'p SecretText>| {
        texts.extend(text.map(|text| (here.key(section).key(key), text)));
    };
    if let Some(aws) = &provider.aws {
        add("aws", "access_key_id", aws.access_key_id.as_ref());
        add("aws", "secret_access_key", aws.secret_access_key.as_ref());
        add("aws", "session_token", aws.session_token.as_ref());
        add("aws", "role_arn", aws.role_arn.as_ref());
        add("aws", "external_id", aws.external_id.as_ref());
        add("aws", "sts_url", aws.sts_url.as_ref());
    }
    if let Some(entra) = &provider.entra {
        add("entra", "tenant_id", entra.tenant_id.as_ref());
        add("entra", "client_id", entra.client_id.as_ref());
        add("entra", "client_secret", entra.client_secret.as_ref());
        add("entra", "authority", Some(&entra.authority));
        add("entra", "token", entra.token.as_ref());
    }
    if let Some(oauth) = &provider.oauth {
        add("oauth", "token_url", oauth.token_url.as_ref());
        add("oauth", "client_id", Some(&oauth.client_id));
        add("oauth", "client_secret", Some(&oauth.client_secret));
    }
    texts
}
