//! Faults to order: how a service can be made to misbehave, from the start or while it runs.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail};

/// One way to misbehave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Every answer takes this long.
    Slow(Duration),
    /// Every answer is 500.
    Failing,
    /// `/readyz` is 503.
    NotReady,
    /// Memory grows by this many MiB a second, up to 256.
    Leak(u64),
    /// `forward_failed` grows by this many a second.
    Errors(u64),
    IgnoreTerm,
    /// What it exits with on TERM.
    ExitOnTerm(u8),
    /// It writes its tokens into its log.
    TellSecrets,
    /// It knows no probe: `/livez` and `/readyz` answer as any other path does.
    Blind,
    /// One rule of the mutating endpoints is not kept.
    Lax(Rule),
    /// A line of `/stats` says this from now on.
    Set(String, String),
    /// It aborts at once.
    Crash,
    /// No fault at all.
    None,
}

/// What the mutating endpoints ask of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A valid token.
    Auth,
    /// An allowed `Origin`, if there is one.
    Origin,
    /// `X-Request-ID`.
    RequestId,
    /// `Idempotency-Key`.
    Key,
    /// The same key with the same payload gets the first answer again.
    Replay,
    /// The same key with another payload is refused.
    Conflict,
    /// No more requests than the limit allows.
    Rate,
}

const RULES: [(&str, Rule); 7] = [
    ("auth", Rule::Auth),
    ("origin", Rule::Origin),
    ("request-id", Rule::RequestId),
    ("key", Rule::Key),
    ("replay", Rule::Replay),
    ("conflict", Rule::Conflict),
    ("rate", Rule::Rate),
];

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || RULES.map(|(name, _)| name).join(", ");
        let rule = RULES.iter().find(|(name, _)| *name == text);
        rule.map(|(_, rule)| *rule).ok_or_else(|| format!("`lax` needs one of {}", names()))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = RULES.iter().find(|(_, rule)| rule == self).expect("every rule has its name");
        f.write_str(name)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, value) = text.split_once('=').unwrap_or((text, ""));
        let number = || value.parse().map_err(|_| format!("`{kind}` needs a number: {kind}=5"));
        Ok(match kind {
            "slow" => Self::Slow(
                humantime::parse_duration(value)
                    .map_err(|_| "`slow` needs a duration: slow=500ms".to_owned())?,
            ),
            "failing" => Self::Failing,
            "not-ready" => Self::NotReady,
            "leak" => Self::Leak(number()?),
            "errors" => Self::Errors(number()?),
            "ignore-term" => Self::IgnoreTerm,
            "exit-on-term" => {
                Self::ExitOnTerm(value.parse().map_err(|_| "`exit-on-term` needs 0 to 255".to_owned())?)
            }
            "tell-secrets" => Self::TellSecrets,
            "blind" => Self::Blind,
            "lax" => Self::Lax(value.parse()?),
            "set" => {
                let (key, value) = value.split_once(':').ok_or("`set` needs set=KEY:VALUE")?;
                Self::Set(key.to_owned(), value.to_owned())
            }
            "crash" => Self::Crash,
            "none" => Self::None,
            other => return Err(format!("there is no fault `{other}`")),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow(by) => write!(f, "slow={}", humantime::format_duration(*by)),
            Self::Failing => f.write_str("failing"),
            Self::NotReady => f.write_str("not-ready"),
            Self::Leak(mib) => write!(f, "leak={mib}"),
            Self::Errors(n) => write!(f, "errors={n}"),
            Self::IgnoreTerm => f.write_str("ignore-term"),
            Self::ExitOnTerm(code) => write!(f, "exit-on-term={code}"),
            Self::TellSecrets => f.write_str("tell-secrets"),
            Self::Blind => f.write_str("blind"),
            Self::Lax(rule) => write!(f, "lax={rule}"),
            Self::Set(key, value) => write!(f, "set={key}:{value}"),
            Self::Crash => f.write_str("crash"),
            Self::None => f.write_str("none"),
        }
    }
}

/// The faults that are switched on.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub slow: Option<Duration>,
    pub failing: bool,
    pub not_ready: bool,
    pub leak: u64,
    pub errors: u64,
    pub ignore_term: bool,
    pub exit_on_term: u8,
    pub tell_secrets: bool,
    pub blind: bool,
    pub lax: Vec<Rule>,
    /// What lines of `/stats` were told to say.
    pub set: BTreeMap<String, String>,
}

impl Faults {
    /// Switches one on, or all off.
    pub fn set(&mut self, fault: &Fault) {
        match fault {
            Fault::Slow(by) => self.slow = Some(*by),
            Fault::Failing => self.failing = true,
            Fault::NotReady => self.not_ready = true,
            Fault::Leak(mib) => self.leak = *mib,
            Fault::Errors(n) => self.errors = *n,
            Fault::IgnoreTerm => self.ignore_term = true,
            Fault::ExitOnTerm(code) => self.exit_on_term = *code,
            Fault::TellSecrets => self.tell_secrets = true,
            Fault::Blind => self.blind = true,
            Fault::Lax(rule) => self.lax.push(*rule),
            Fault::Set(key, value) => drop(self.set.insert(key.clone(), value.clone())),
            Fault::Crash => std::process::abort(),
            Fault::None => *self = Self::default(),
        }
    }
}

/// Orders a fault from the service on `port`.
pub fn order(port: u16, fault: &Fault) -> Result<ExitCode> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .wrap_err_with(|| format!("no service answers on 127.0.0.1:{port}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let body = fault.to_string();
    write!(
        stream,
        "POST /lab/fault HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    // A service that crashes as it was told gives no answer.
    let read = stream.read_to_string(&mut answer);
    if *fault != Fault::Crash && (read.is_err() || !answer.contains(" 200 ")) {
        bail!("the service on port {port} did not take the fault {fault}");
    }
    println!("fault {fault}");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_what_it_prints() {
        let texts = ["slow=500ms", "leak=8", "exit-on-term=143", "blind", "set=queue_depth:900", "none"];
        let rules = RULES.map(|(name, _)| format!("lax={name}"));
        for text in texts.into_iter().map(str::to_owned).chain(rules) {
            assert_eq!(text.parse::<Fault>().map(|fault| fault.to_string()), Ok(text));
        }
        assert!("lax=everything".parse::<Fault>().expect_err("no such rule").contains("auth, origin"));
    }
}
