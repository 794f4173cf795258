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
    /// A project of Google Cloud, and who calls in it.
    pub struct Google, checked by google {
        /// The project; that of the service account if left out.
        project: Option<SecretText> as Maybe<Shown>,
        /// Where the models run: a region such as `europe-west1`, or `global`.
        location: SecretText as Shown,
        /// The key file of a service account, JSON, whole, as `${NAME}`; in base64 if the platform takes no line breaks.
        service_account: Option<SecretText> as Maybe<SecretText>,
        /// A token that something else keeps fresh, as `${NAME}`, in place of a service account.
        token: Option<SecretText> as Maybe<SecretText>,
    }
}

section! {
    /// Where calls of watsonx.ai are charged: a project or a space.
    pub struct Watsonx, checked by watsonx {
        /// A project's id.
        project_id: Option<SecretText> as Maybe<Shown>,
        /// A deployment space's id.
        space_id: Option<SecretText> as Maybe<Shown>,
        /// Where the API key is exchanged for a token: another address for a private network.
        iam_url: SecretText as Address = SecretText::plain("https://iam.cloud.ibm.com/identity/token"),
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

fn google(google: &mut Google, given: &Object<String, Value>, reader: &mut Reader) {
    match (&google.service_account, &google.token) {
        (Some(_), Some(_)) => reader.at_key("token", |reader| {
            reader.problem("is given beside service_account: keep one of them");
        }),
        (None, None) => reader.at_key("service_account", |reader| {
            reader.problem("is required, unless there is a token");
        }),
        (None, Some(_)) if !given.contains_key("project") => reader.at_key("project", |reader| {
            reader.problem("is required beside token: only a service account tells its project");
        }),
        _ => {}
    }
}

fn watsonx(watsonx: &mut Watsonx, _given: &Object<String, Value>, reader: &mut Reader) {
    match (&watsonx.project_id, &watsonx.space_id) {
        (Some(_), Some(_)) => reader.at_key("space_id", |reader| {
            reader.problem("is given beside project_id: calls are charged to one of them");
        }),
        (None, None) => {
            reader.at_key("project_id", |reader| reader.problem("is required, unless there is a space_id"));
        }
        _ => {}
    }
}

/// Whether a provider's credentials are those that its kind takes, and not two at once.
pub(super) fn check(provider: &Provider, reader: &mut Reader) {
    let preset = provider.kind;
    let account = preset.account;
    let oauth = matches!(account, Account::OAuth { .. }) && !preset.is_demo();
    // Each key with whether it is there, whether the kind takes it, and whether it is sent in place of an API key.
    let keys = [
        ("api_key", provider.api_key.is_some(), preset.takes_key() || preset.is_demo(), false),
        ("oauth", provider.oauth.is_some(), oauth, true),
        ("entra", provider.entra.is_some(), account == Account::Entra, true),
        ("aws", provider.aws.is_some(), matches!(account, Account::Aws { .. }), true),
        ("google", provider.google.is_some(), account == Account::Google, true),
        ("watsonx", provider.watsonx.is_some(), account == Account::Ibm, false),
    ];
    let takes: Vec<&str> = keys.iter().filter(|(_, _, takes, _)| *takes).map(|(key, _, _, _)| *key).collect();
    for (key, _, _, _) in keys.iter().filter(|(_, given, takes, _)| *given && !takes) {
        reader.at_key(key, |reader| {
            let takes = takes.join(", ");
            reader.problem(format!("the kind {} does not take this: it takes {takes}", preset.kind));
        });
    }
    let instead = keys.iter().filter(|(_, given, takes, instead)| *given && *takes && *instead);
    for (key, _, _, _) in instead {
        reader.at_key(key, |reader| {
            if provider.api_key.is_some() && preset.takes_key() {
                reader.problem("is given beside api_key: only one of them can be sent, leave the other out");
            }
            if provider.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization")) {
                reader.problem(
                    "is given beside the header authorization, which it sets: leave one of them out",
                );
            }
        });
    }
    for (key, given) in [("google", provider.google.is_some()), ("watsonx", provider.watsonx.is_some())] {
        if !given && takes.contains(&key) {
            reader.at_key(key, |reader| reader.problem(format!("is required for the kind {}", preset.kind)));
        }
    }
    if provider.api_version.is_some() && account != Account::Entra {
        reader.at_key("api_version", |reader| {
            reader.problem(format!("the kind {} does not take this: only azure does", preset.kind));
        });
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
    provider.aws.is_some()
        || provider.entra.is_some()
        || provider.oauth.is_some()
        || provider.google.is_some()
}

/// The credentials of a provider that nobody should read in a document, with the section and the key of each.
pub(super) fn secrets(provider: &Provider) -> Vec<(&'static str, &'static str, &SecretText)> {
    let all = [
        ("aws", "secret_access_key", provider.aws.as_ref().and_then(|aws| aws.secret_access_key.as_ref())),
        ("aws", "session_token", provider.aws.as_ref().and_then(|aws| aws.session_token.as_ref())),
        ("entra", "client_secret", provider.entra.as_ref().and_then(|entra| entra.client_secret.as_ref())),
        ("entra", "token", provider.entra.as_ref().and_then(|entra| entra.token.as_ref())),
        ("google", "service_account", provider.google.as_ref().and_then(|it| it.service_account.as_ref())),
        ("google", "token", provider.google.as_ref().and_then(|google| google.token.as_ref())),
        ("oauth", "client_secret", provider.oauth.as_ref().map(|oauth| &oauth.client_secret)),
    ];
    all.into_iter().filter_map(|(section, key, text)| Some((section, key, text?))).collect()
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
    if let Some(google) = &provider.google {
        add("google", "project", google.project.as_ref());
        add("google", "location", Some(&google.location));
        add("google", "service_account", google.service_account.as_ref());
        add("google", "token", google.token.as_ref());
    }
    if let Some(watsonx) = &provider.watsonx {
        add("watsonx", "project_id", watsonx.project_id.as_ref());
        add("watsonx", "space_id", watsonx.space_id.as_ref());
        add("watsonx", "iam_url", Some(&watsonx.iam_url));
    }
    if let Some(oauth) = &provider.oauth {
        add("oauth", "token_url", oauth.token_url.as_ref());
        add("oauth", "client_id", Some(&oauth.client_id));
        add("oauth", "client_secret", Some(&oauth.client_secret));
    }
    texts
}
