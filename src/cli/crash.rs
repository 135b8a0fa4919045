//! What is printed when gonogo itself is at fault: where, and never with what it was working on.

use std::any::Any;
use std::fmt;
use std::panic::PanicHookInfo;

use color_eyre::section::PanicMessage;

/// Says where a panic was, and its message only where that stands in the source as it is: one that was put together
/// may quote an event, an output, a secret.
#[derive(Debug)]
pub struct Crash;

impl PanicMessage for Crash {
    fn display(&self, info: &PanicHookInfo<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "gonogo is at fault here; the session's record is as it was on disk.")?;
        writeln!(f, "Message:  {}", message(info.payload()))?;
        match info.location() {
            Some(location) => write!(f, "Location: {}:{}", location.file(), location.line()),
            None => f.write_str("Location: not known"),
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(not shown: it may quote what was being worked on)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_was_put_together_is_not_shown() {
        let secret = "hunter2secret".to_owned();
        let payload = std::panic::catch_unwind(|| panic!("it was {secret}")).expect_err("it panics");
        assert_eq!(message(&*payload), "(not shown: it may quote what was being worked on)");
        let cut = std::panic::catch_unwind(|| "ä-secret"[1..].len()).expect_err("it panics");
        assert!(!message(&*cut).contains("secret"));
        let payload = std::panic::catch_unwind(|| panic!("a rule was broken")).expect_err("it panics");
        assert_eq!(message(&*payload), "a rule was broken");
    }
}
