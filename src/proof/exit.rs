//! How a command ended, and whether that was expected.

use super::Proof;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this status.
    Code(i32),
    /// This signal ended it; it counts as 128 + the signal, as a shell says it.
    Signal(i32),
}

impl Ended {
    /// The number that `exit` is compared with.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// Judges the exit; an empty list means 0.
#[must_use]
pub fn exit(allowed: &[i32], ended: Ended) -> Proof {
    let allowed = if allowed.is_empty() { &[0][..] } else { allowed };
    let list = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let expected =
        if allowed.len() == 1 { format!("exit is {list}") } else { format!("exit is one of {list}") };
    let seen = match ended {
        Ended::Code(code) => format!("exit {code}"),
        Ended::Signal(signal) => format!("ended by signal {signal} (exit {})", ended.code()),
    };
    Proof::new(expected, allowed.contains(&ended.code()), seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_met_only_where_it_is_listed() {
        for (allowed, ended, met) in [
            (&[][..], Ended::Code(0), true),
            (&[], Ended::Code(1), false),
            (&[0, 1, 143], Ended::Code(143), true),
            (&[0, 1, 143], Ended::Signal(15), true),
            (&[0], Ended::Signal(15), false),
            (&[1], Ended::Code(0), false),
        ] {
            assert_eq!(exit(allowed, ended).met, met, "{allowed:?} {ended:?}");
        }
        assert_eq!(exit(&[0], Ended::Signal(9)).seen, "ended by signal 9 (exit 137)");
    }
}
