//! What each `format` of the schema takes: what may be inserted, how, and what the text must be.

use crate::runbook::codes::Code;
use crate::runbook::interpolate::Place;
use crate::runbook::number;
use crate::runbook::patterns;
use crate::runbook::series::Series;
use chrono::{DateTime, Utc};

/// What `${{ }}` may name, each including the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inserts {
    Nothing,
    /// Values that are known at load.
    Vars,
    /// Captures, `session.*` and their kin too.
    Runtime,
    /// Secrets too.
    Secrets,
}

/// The rules of one format.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    pub name: &'static str,
    pub inserts: Inserts,
    pub place: Place,
    /// How it is called where something else was written.
    pub words: &'static str,
    /// A text that passes, for going on after an error.
    pub stand_in: &'static str,
}

/// Why a text is not of its format, and what to do.
pub struct Refusal {
    pub code: Code,
    pub message: String,
    pub help: String,
}

macro_rules! formats {
    ($($name:literal $inserts:ident $place:ident $words:literal $stand_in:literal,)*) => {
        const FORMATS: &[Format] = &[$(Format {
            name: $name, inserts: Inserts::$inserts, place: Place::$place, words: $words, stand_in: $stand_in,
        },)*];
    };
}

formats! {
    "text"          Vars    Plain   "a string"                             "x",
    "path"          Vars    Plain   "a path"                               "x",
    "template"      Runtime Plain   "a string"                             "x",
    "env"           Secrets Plain   "a string"                             "x",
    "body"          Secrets Plain   "a string"                             "x",
    "url"           Secrets Plain   "a URL such as \"http://127.0.0.1/\""  "http://127.0.0.1/",
    "url-path"      Secrets Plain   "a path such as \"/livez\""            "/",
    "http"          Nothing Plain   "the name of an `[http.NAME]`"         "x",
    "address"       Runtime Plain   "a string such as \"127.0.0.1:8080\""  "127.0.0.1:1",
    "server"        Runtime Plain   "a name server such as \"192.0.2.53\""  "127.0.0.1",
    "shell"         Runtime Shell   "a command line"                       "true",
    "pattern"       Runtime Pattern "a regular expression"                 "x",
    "plain-pattern" Nothing Plain   "a regular expression"                 ".*",
    "duration"      Vars    Plain   "a duration such as \"10s\""           "1s",
    "moment"        Vars    Plain   "a moment such as \"2026-11-21T04:00:00Z\""  "2026-01-01T00:00:00Z",
    "size"          Vars    Plain   "a size such as \"64MiB\""             "1MiB",
    "limit"         Vars    Plain   "a limit such as 0.5, \"64MiB\" or \"250ms\""  "1",
    "series"        Vars    Plain   "a series such as \"errors_total\""    "x",
    "pointer"       Vars    Plain   "a JSON pointer such as \"/state\""    "/x",
    "id"            Nothing Plain   "an id"                                "x",
    "check"         Nothing Plain   "a check's name"                       "x",
    "step"          Nothing Plain   "a step's name"                        "x",
    "stage"         Nothing Plain   "a stage's id"                         "x",
    "sha256"        Runtime Plain   "a SHA-256 digest in hex"              "0000000000000000000000000000000000000000000000000000000000000000",
    "variable"      Nothing Plain   "an environment variable's name"       "X",
    "user"          Vars    Plain   "a user's name"                        "root",
    "role"          Nothing Plain   "a role's name"                        "x",
    "member"        Vars    Plain   "a user's name, or `%` and a group's"  "root",
    "method"        Nothing Plain   "an HTTP method"                       "GET",
}

impl Format {
    /// The format of that name; what is not known is a plain text.
    pub fn of(name: &str) -> &'static Format {
        FORMATS.iter().find(|format| format.name == name).unwrap_or(&FORMATS[0])
    }

    /// Whether a text of this format has a shape that a placeholder would break.
    pub fn has_shape(&self) -> bool {
        matches!(self.name, "duration" | "moment" | "size" | "pointer" | "limit" | "series")
    }

    /// Judges a text. `holes` says that run-time values are still missing in it, each standing in as a word.
    pub fn judge(&self, text: &str, holes: bool) -> Result<(), Refusal> {
        if text.contains('\0') {
            return refuse(Code::BadName, "a NUL character cannot be handed to any program", "take it out");
        }
        match self.name {
            "duration" => parse_duration(text).map(drop),
            "moment" => parse_moment(text).map(drop),
            "size" => parse_size(text).map(drop),
            "limit" => parse_limit(text).map(drop),
            "series" => series(text),
            "pattern" | "plain-pattern" => pattern(text),
            "pointer" => pointer(text),
            "id" => id(text),
            "url" => url(text, holes),
            "url-path" => url_path(text),
            "server" if !holes => server(text),
            "address" if !holes => address(text),
            "sha256" if !holes => digest(text),
            "method" => method(text),
            "variable" => variable(text),
            "user" => user(text),
            "role" => role(text),
            "member" => member(text),
            "shell" if text.trim().is_empty() => {
                refuse(Code::EmptyText, "the command line is empty", "say what is to be run")
            }
            "path" | "check" | "http" | "step" | "stage" if text.is_empty() => {
                refuse(Code::EmptyText, "the name is empty", "say which one is meant")
            }
            _ => Ok(()),
        }
    }
}

fn refuse<T>(code: Code, message: impl Into<String>, help: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code, message: message.into(), help: help.into() })
}

/// Reads `1h 30m`.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, Refusal> {
    /// Longer than any cutover; also keeps sums of durations far from overflow.
    const MAX_DAYS: u64 = 366;
    match humantime::parse_duration(text.trim()) {
        Ok(duration) if duration.as_secs() > MAX_DAYS * 86_400 => {
            refuse(Code::BadDuration, format!("`{text}` is longer than a year"), "no cutover takes so long")
        }
        Ok(duration) => Ok(duration),
        Err(_) => refuse(
            Code::BadDuration,
            format!("`{text}` is not a duration"),
            "write a number with its unit: `500ms`, `10s`, `1h 30m`, `24h`",
        ),
    }
}

/// Reads `2026-11-21T04:00:00Z`.
pub fn parse_moment(text: &str) -> Result<DateTime<Utc>, Refusal> {
    match DateTime::parse_from_rfc3339(text.trim()) {
        Ok(moment) => Ok(moment.to_utc()),
        Err(_) => refuse(
            Code::BadMoment,
            format!("`{text}` is not a moment in time"),
            "write day, time and offset: `2026-11-21T04:00:00Z`, `2026-11-21T05:00:00+01:00`",
        ),
    }
}

/// Reads `512MiB`.
pub fn parse_size(text: &str) -> Result<u64, Refusal> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit: Option<u64> = match text[split..].trim() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1 << 40),
        "kB" | "KB" => Some(1000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        _ => None,
    };
    let number: Option<u64> = text[..split].parse().ok();
    match number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit)) {
        Some(size) => Ok(size),
        None => refuse(
            Code::BadSize,
            format!("`{text}` is not a size"),
            "write a whole number with its unit: `64KiB`, `512MiB`, `2GiB`",
        ),
    }
}

/// A limit as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WrittenLimit {
    /// In the unit that the number is read in.
    Number(f64),
    Bytes(u64),
    Time(std::time::Duration),
}

/// Reads `0.5`, `64MiB`, `250ms`.
pub fn parse_limit(text: &str) -> Result<WrittenLimit, Refusal> {
    if let Some(number) = number::parse(text) {
        return Ok(WrittenLimit::Number(number));
    }
    let size = parse_size(text).map(WrittenLimit::Bytes);
    size.or_else(|_| parse_duration(text).map(WrittenLimit::Time)).or_else(|_| {
        refuse(
            Code::BadSize,
            format!("`{text}` is not a limit"),
            "write a finite number, a size (`64MiB`) or a duration (`250ms`)",
        )
    })
}

fn series(text: &str) -> Result<(), Refusal> {
    Series::parse(text).map(drop).or_else(|why| {
        refuse(
            Code::BadName,
            format!("`{text}` is not a series: {why}"),
            "write its name, and labels where it has several: `requests_total{code=\"500\"}`",
        )
    })
}

fn pattern(text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return refuse(Code::BadPattern, "an empty pattern matches anything", "say what must be there");
    }
    match patterns::of_lines(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            refuse(
                Code::BadPattern,
                format!("not a regular expression: {reason}"),
                "patterns are Rust regexes in multi-line mode; in TOML, write them in single quotes",
            )
        }
    }
}

/// Judges a JSON pointer, of which `*` segments stand for every element.
pub fn pointer(text: &str) -> Result<(), Refusal> {
    let escapes_are_whole =
        text.split('~').skip(1).all(|rest| rest.starts_with('0') || rest.starts_with('1'));
    if (text.is_empty() || text.starts_with('/')) && escapes_are_whole {
        return Ok(());
    }
    refuse(
        Code::BadPointer,
        format!("`{text}` is not a JSON pointer"),
        "begin each part with `/`: `/runtime/state`; `~1` stands for a slash, `~0` for a tilde",
    )
}

fn id(text: &str) -> Result<(), Refusal> {
    let fits = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        return Ok(());
    }
    let near: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(64)
        .collect::<String>()
        .trim_matches('-')
        .to_owned();
    let near = if near.is_empty() { "switch".to_owned() } else { near };
    refuse(
        Code::BadId,
        format!("`{text}` is not an id"),
        format!("an id is made of `a-z`, `0-9` and `-`, 64 at most: `{near}`"),
    )
}

fn url(text: &str, holes: bool) -> Result<(), Refusal> {
    let reason = match text.parse::<reqwest::Url>() {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Some(format!("its scheme is `{}`", url.scheme()))
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => Some("it has no host".to_owned()),
        Ok(_) => None,
        // What is only known at run time may well be the scheme, the host or the port.
        Err(_) if holes => None,
        Err(error) => Some(error.to_string()),
    };
    match reason {
        None => Ok(()),
        Some(reason) => refuse(
            Code::BadUrl,
            format!("`{text}` cannot be requested: {reason}"),
            "write it whole: `http://127.0.0.1:8080/health`",
        ),
    }
}

fn url_path(text: &str) -> Result<(), Refusal> {
    if text.starts_with('/') {
        return Ok(());
    }
    refuse(Code::BadUrl, format!("`{text}` cannot follow a URL"), "begin it with `/`, as in `/livez?deep=1`")
}

fn address(text: &str) -> Result<(), Refusal> {
    let fits = text.rsplit_once(':').is_some_and(|(host, port)| {
        let bare = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
        !host.is_empty() && bare && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if fits {
        return Ok(());
    }
    refuse(
        Code::BadAddress,
        format!("`{text}` is not `host:port`"),
        "write `127.0.0.1:8080`, `db.example:5432` or `[::1]:8080`",
    )
}

/// An address or a name alone is asked at port 53.
fn server(text: &str) -> Result<(), Refusal> {
    let alone = text.parse::<std::net::IpAddr>().is_ok() || (!text.is_empty() && !text.contains(':'));
    if alone && !text.contains(char::is_whitespace) {
        return Ok(());
    }
    address(text).or_else(|_| {
        refuse(
            Code::BadAddress,
            format!("`{text}` is no name server"),
            "write `192.0.2.53`, `ns1.example`, `192.0.2.53:5353` or `[2001:db8::53]:53`",
        )
    })
}

fn digest(text: &str) -> Result<(), Refusal> {
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(());
    }
    refuse(
        Code::BadDigest,
        "not a SHA-256 digest",
        "write its 64 hexadecimal digits, as `sha256sum` prints them, or `{ file, json }`",
    )
}

/// What a shell can name too: the way back may have to be pasted into one.
fn variable(text: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !text.is_empty() && text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    refuse(
        Code::BadName,
        format!("`{text}` cannot be the name of an environment variable"),
        "names are made of letters, digits and `_`, and begin with no digit: `PROXY_PORT`",
    )
}

/// A name or `#uid` that `sudo -u` cannot take for an option.
fn user(text: &str) -> Result<(), Refusal> {
    let name = text.strip_prefix('#').unwrap_or(text);
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.@$-".contains(c);
    if !name.is_empty() && name.chars().all(fits) && !name.starts_with('-') {
        return Ok(());
    }
    refuse(
        Code::BadName,
        format!("`{text}` cannot be a user's name"),
        "write the login name, or `#` and the uid",
    )
}

fn role(text: &str) -> Result<(), Refusal> {
    if !text.is_empty() && text.chars().all(is_name) {
        return Ok(());
    }
    refuse(
        Code::BadName,
        format!("`{text}` cannot be the name of a role"),
        "names are made of letters, digits, `_` and `-`: `db`",
    )
}

fn member(text: &str) -> Result<(), Refusal> {
    let name = text.strip_prefix('%').unwrap_or(text);
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.@$-".contains(c);
    if !name.is_empty() && name.chars().all(fits) && !name.starts_with('-') {
        return Ok(());
    }
    refuse(
        Code::BadName,
        format!("`{text}` names neither a user nor a group"),
        "write a login name, or `%` and a group's name: `alice`, `%dba`",
    )
}

fn method(text: &str) -> Result<(), Refusal> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    refuse(
        Code::BadName,
        format!("`{text}` is not an HTTP method"),
        "write it in capitals: `GET`, `POST`, `PUT`",
    )
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Judges the key of a table whose keys are free, by the schema's `x-keys`.
pub fn judge_key(kind: &str, key: &str) -> Result<(), Refusal> {
    match kind {
        "pointer" => pointer(key),
        "name" if key.is_empty() || !key.chars().all(is_name) => refuse(
            Code::BadName,
            format!("`{key}` cannot be a name here"),
            "names are made of letters, digits, `_` and `-`",
        ),
        "env" => variable(key),
        "header" if reqwest::header::HeaderName::from_bytes(key.as_bytes()).is_err() => refuse(
            Code::BadName,
            format!("`{key}` cannot be the name of a header"),
            "write it as `X-Request-ID`",
        ),
        _ => Ok(()),
    }
}
