//! The kinds of text that a value may be. Each says by its `format` in the schema what is checked, where `${{ }}` may
//! stand in it, and what may be inserted there; `load/format.rs` holds the rules.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $format:literal,)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Default, Clone, PartialEq, Eq, Hash, Deserialize)]
            #[serde(transparent)]
            pub struct $name(pub String);

            impl JsonSchema for $name {
                fn inline_schema() -> bool { true }
                fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "format": $format })
                }
            }
        )*
    };
}

texts! {
    /// Words for people; vars may be inserted.
    Text "text",
    /// A path whose value must be known at load.
    Dir "path",
    /// An argument, a path, a glob: whatever is known when it is used may be inserted, except secrets.
    Template "template",
    /// An environment variable's value: secrets too.
    EnvText "env",
    /// A header's value or a body: secrets too.
    BodyText "body",
    /// An http or https URL: secrets too.
    Url "url",
    /// What follows the URL of an `[http.NAME]`: secrets too.
    UrlPath "url-path",
    /// The name of an `[http.NAME]`.
    HttpRef "http",
    /// `host:port`.
    Address "address",
    /// A name server: an address or a name, and perhaps a port.
    Server "server",
    /// A command line for the shell; inserted values are limited to harmless characters.
    Shell "shell",
    /// A regular expression; inserted values are taken literally.
    Pattern "pattern",
    /// A regular expression that takes no values.
    PlainPattern "plain-pattern",
    /// `500ms`, `10s`, `1h 30m`.
    Span "duration",
    /// A moment: RFC 3339, with its offset.
    Moment "moment",
    /// `64KiB`, `512MiB`.
    Size "size",
    /// A number with or without the unit of a size or a duration.
    Limit "limit",
    /// A name and labels, as in Prometheus text.
    SeriesText "series",
    /// A JSON pointer; `*` is every element.
    Pointer "pointer",
    /// `[a-z0-9-]+`.
    Id "id",
    /// A check's name.
    CheckRef "check",
    /// A step's name.
    StepRef "step",
    /// A stage's name.
    StageRef "stage",
    /// 64 hexadecimal digits.
    Hex "sha256",
    /// An HTTP method.
    Method "method",
    /// An environment variable's name.
    Variable "variable",
    /// A user's name.
    User "user",
    /// A role that people stand for.
    Role "role",
    /// A user's name, or `%` and a group's.
    Member "member",
}

/// Any JSON whose strings are bodies: vars, captures and secrets may be inserted.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct JsonBody(pub serde_json::Value);

impl JsonSchema for JsonBody {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "JsonBody".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-strings": "body" })
    }
}

/// A plain value to compare with.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Literal(pub serde_json::Value);

impl JsonSchema for Literal {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Literal".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean", "array"], "x-strings": "text" })
    }
}

/// A second number in the same text, found as the first one is: its format follows from the reader beside it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(transparent)]
pub struct Divisor(pub String);

impl JsonSchema for Divisor {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Divisor".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let of = |format: &str| json_schema!({ "type": "string", "format": format });
        json_schema!({ "type": "string", "x-by-kind": {
            "regex": of("pattern"), "json": of("pointer"), "series": of("series"), "count": of("pattern"),
        } })
    }
}

/// One, or a list of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// All of them.
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// Text, or a whole number that stands for its digits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum TextOrNumber {
    Text(Template),
    Number(u32),
}

/// A command line: a list is executed as it is, a string is given to the runbook's shell.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum CommandFile {
    Argv(#[schemars(length(min = 1))] Vec<Template>),
    Shell(Shell),
}

/// The schema of an `expect` whose keys depend on the kind key beside it.
pub fn by_kind<const N: usize>(kinds: [(&str, Schema); N]) -> Schema {
    let any: Vec<_> = kinds.iter().map(|(_, schema)| schema.clone()).collect();
    let by_kind: serde_json::Map<_, _> =
        kinds.into_iter().map(|(kind, schema)| (kind.to_owned(), schema.to_value())).collect();
    json_schema!({ "type": "object", "anyOf": any, "x-by-kind": by_kind })
}
