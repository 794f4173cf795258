//! `postern admin-token`: a new administrator token, for who has lost theirs.

use std::io::{self, IsTerminal};
use std::time::Duration;

use postern_gateway::identity;

use super::{block_on, kv_bulk};
use crate::cli::AdminTokenArgs;
use crate::data::Data;
use crate::failure::Failure;
use crate::host::NativeHost;
use crate::output;

/// Makes and prints one.
///
/// # Errors
/// When there is no such data directory, or a gateway is using it.
pub(crate) fn run(args: &AdminTokenArgs) -> Result<(), Failure> {
    let word = if io::stdout().is_terminal() { "export " } else { "" };
    if let Some(out) = &args.kv_bulk {
        let first = kv_bulk::write_first_start(out)?;
        return output::print(|to| {
            writeln!(
                to,
                "{word}OPENAI_API_KEY={}\n{word}POSTERN_ADMIN_TOKEN={}",
                first.key, first.admin_token
            )
        });
    }
    // With an administrator in it, a new store would never give its first key.
    if !Data::exists(&args.data) {
        let directory = args.data.display();
        return Err(Failure::new(format!(
            "there is no gateway's data in {directory} (no postern.redb); start one with \
             postern serve --data {directory}"
        )));
    }
    let data = Data::open(&args.data, Duration::MAX).map_err(Failure::new)?;
    let host = NativeHost::new(data);
    let token = block_on(async {
        let made = identity::new_admin(&host).await;
        made.map_err(|error| Failure::new(format!("the token could not be stored: {error}")))
    })?;
    host.close();
    output::print(|out| writeln!(out, "{word}POSTERN_ADMIN_TOKEN={token}"))
}
