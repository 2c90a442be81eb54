//! What a command says on stdout; whoever reads it may be gone.

use std::io::{self, ErrorKind, Write};

use holdfast_runtime::lifecycle::BoxError;

/// Says a line, or more of them.
///
/// # Errors
/// When it can't be written: [`is_closed`] knows whether that is because nobody reads any more.
pub fn line(text: &str) -> Result<(), BoxError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.write_all(b"\n")?;
    Ok(stdout.flush()?)
}

/// Whether nobody reads any more.
pub fn is_closed(error: &BoxError) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
