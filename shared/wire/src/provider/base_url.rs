//! Checks of a configured base URL. Never connects anywhere.

use http::Uri;

use super::Preset;

/// Why a base URL cannot be used; each text says what to write instead. Never quotes the URL, which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// None is configured and the vendor has no common one.
    #[error("{kind} has no common address: set base_url, of the form {form}")]
    Missing {
        /// The provider kind.
        kind: &'static str,
        /// What it looks like.
        form: &'static str,
    },
    /// The built-in provider has no address.
    #[error("the built-in {kind} provider takes no base_url: remove it, or name another kind", kind = super::DEMO)]
    Demo,
    /// It is not a URL at all.
    #[error("this is not a URL: expected something like https://api.example.com/v1")]
    Malformed,
    /// Another scheme than http or https, or none.
    #[error("the URL must begin with https:// or http://")]
    Scheme,
    /// `user:password@host`.
    #[error("the URL holds a user name or password: put credentials into api_key or headers")]
    Credentials,
    /// `?...` or `#...`.
    #[error("the URL has a query or a fragment: give only scheme, host and path")]
    Query,
    /// The full address of an operation instead of a base.
    #[error("the URL ends in {path}, which is added by itself: leave that part out")]
    Path {
        /// The part to leave out.
        path: &'static str,
    },
    /// A version at the end that the vendor's SDK adds by itself.
    #[error("{kind} takes its base_url without a version: leave out /{version} at the end")]
    Version {
        /// The provider kind.
        kind: &'static str,
        /// The path segment to leave out.
        version: String,
    },
}

impl Preset {
    /// Checks a base URL as written in the configuration.
    ///
    /// # Errors
    /// The first reason why requests could not be sent below it.
    pub fn check_base_url(&self, base_url: &str) -> Result<(), BaseUrlError> {
        if self.is_demo() {
            return Err(BaseUrlError::Demo);
        }
        // `http::Uri` drops a fragment without a word.
        if base_url.contains(['?', '#']) {
            return Err(BaseUrlError::Query);
        }
        let Some((scheme, rest)) = base_url.split_once("://") else { return Err(BaseUrlError::Scheme) };
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(BaseUrlError::Scheme);
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(BaseUrlError::Credentials);
        }
        let uri: Uri = base_url.parse().map_err(|_| BaseUrlError::Malformed)?;
        // `http::Uri` takes any number for a port and then says that there is none.
        let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
        if uri.host().is_none_or(str::is_empty) || port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(BaseUrlError::Malformed);
        }
        let path = uri.path().trim_end_matches('/');
        if let Some(way) = self.ways.iter().find(|way| path.ends_with(way.path)) {
            return Err(BaseUrlError::Path { path: way.path });
        }
        // Were `/v1` kept here, requests would go to `/v1/v1/...` and fail with a puzzling 404.
        let first = self
            .ways
            .first()
            .map_or("", |way| way.path)
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        if first.starts_with('v') && path.rsplit('/').next() == Some(first) {
            return Err(BaseUrlError::Version { kind: self.kind, version: first.to_owned() });
        }
        Ok(())
    }
}

/// Base URL and path with exactly one slash between them; without a path the URL as it is.
pub(super) fn join(base_url: &str, path: &str) -> String {
    if path.is_empty() {
        return base_url.to_owned();
    }
    format!("{}/{}", base_url.trim_end_matches('/'), path.trim_start_matches('/'))
}
