//! What a start says on standard output: where the gateway is, and on the first start the secrets, once.
//!
//! For a person on a terminal; for a program as lines of `NAME=VALUE`.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use postern_gateway::config::Config;
use postern_gateway::identity::FirstStart;

/// Prints it.
pub(super) fn print(config: &Config, address: SocketAddr, first: Option<&FirstStart>) {
    let mut out = io::stdout();
    let text =
        if out.is_terminal() { for_person(config, address, first) } else { for_program(address, first) };
    // When nobody reads it, there is nobody to tell.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

fn for_program(address: SocketAddr, first: Option<&FirstStart>) -> String {
    let url = url(address);
    let mut text = format!("POSTERN_URL={url}\nOPENAI_BASE_URL={url}/v1\n");
    if let Some(first) = first {
        let _ = writeln!(text, "OPENAI_API_KEY={}", first.key);
        let _ = writeln!(text, "POSTERN_ADMIN_TOKEN={}", first.admin_token);
    }
    text
}

fn for_person(config: &Config, address: SocketAddr, first: Option<&FirstStart>) -> String {
    let url = url(address);
    let mut text = format!("postern {} serves on {url}\n", env!("CARGO_PKG_VERSION"));
    if address.ip().is_unspecified() {
        text.push_str("and on every other address of this machine\n");
    }
    let Some(first) = first else { return text };
    let (key, token) = (&first.key, &first.admin_token);
    let _ = write!(
        text,
        "\n\
         This is the first start with this data directory. Keep these: they are not shown again.\n\
         \n\
         For applications, a key of the tenant `default` for every model:\n\
         \n  export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={key}\n\
         \n\
         For administration (postern key, usage, logs, apply):\n\
         \n  export POSTERN_ADMIN_TOKEN={token}\n\
         \n\
         A first call:\n\n"
    );
    match example_model(config) {
        Some(model) => {
            let _ = writeln!(
                text,
                "  curl {url}/v1/chat/completions -H 'authorization: Bearer {key}' \
                 -H 'content-type: application/json' \
                 -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello!\"}}]}}'"
            );
        }
        None => {
            let _ = writeln!(text, "  curl {url}/v1/models -H 'authorization: Bearer {key}'");
        }
    }
    text.push('\n');
    text
}

/// A model that answers with this configuration.
fn example_model(config: &Config) -> Option<String> {
    let demo =
        config.providers.iter().find(|(_, provider)| provider.kind.kind == postern_wire::provider::DEMO);
    let demo = demo.map(|(name, _)| format!("{name}/echo"));
    demo.or_else(|| config.models.iter().map(|(name, _)| name.to_string()).next())
}

/// The URL for callers on this machine.
fn url(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(host, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> FirstStart {
        FirstStart { admin_token: "pa_t".into(), key: "pk_k".into() }
    }

    #[test]
    fn programs_get_names_and_values() {
        let address = "0.0.0.0:8787".parse().unwrap();
        let text = for_program(address, Some(&first()));
        assert_eq!(
            text,
            "POSTERN_URL=http://127.0.0.1:8787\nOPENAI_BASE_URL=http://127.0.0.1:8787/v1\n\
             OPENAI_API_KEY=pk_k\nPOSTERN_ADMIN_TOKEN=pa_t\n"
        );
        assert!(!for_program(address, None).contains("KEY"));
    }

    #[test]
    fn persons_get_lines_to_paste() {
        let config = Config::demo(&|_| false);
        let text = for_person(&config, "[::]:80".parse().unwrap(), Some(&first()));
        assert!(text.contains("export OPENAI_BASE_URL=http://[::1]:80/v1 OPENAI_API_KEY=pk_k"), "{text}");
        assert!(text.contains("export POSTERN_ADMIN_TOKEN=pa_t"));
        assert!(text.contains(r#""model": "demo/echo""#));
        let again = for_person(&config, "127.0.0.1:80".parse().unwrap(), None);
        assert!(!again.contains("pk_") && again.contains("http://127.0.0.1:80"));
    }
}
