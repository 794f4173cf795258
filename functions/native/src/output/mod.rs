//! What commands print on standard output.

mod table;

use std::io::{self, ErrorKind, Write};

pub(crate) use table::{Align, Table, csv_row};

use crate::failure::Failure;

/// Prints. That nobody reads on, as in `postern logs | head`, is no failure.
///
/// # Errors
/// When the output cannot be written, because the disk is full for example.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(format!("the output cannot be written: {error}"))),
    }
}
