//! What is said to whoever sits at the terminal, where something is left to be done after it.

use std::fmt::Display;
use std::io::Write as _;

/// Says a line on stderr. Where nobody is left to read it (a terminal that died), what comes after it is done all the
/// same: a line that cannot be written ends nothing.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
